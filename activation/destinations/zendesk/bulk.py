"""What the endpoints of jobs have in common: a hundred rows, references by external id."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from activation.destinations.base import Answer, Fate, RowResult, Target
from activation.destinations.traits import Traits
from activation.destinations.zendesk.decode import Report, decode
from activation.destinations.zendesk.encode import encode
from activation.destinations.zendesk.jobs import Jobs
from activation.destinations.zendesk.lookups import Directory
from activation.destinations.zendesk.names import KEY, Kind, check_target
from activation.destinations.zendesk.session import Session

NOT_FOUND = "NOT_FOUND"
Rows = list[dict[str, Any]]


class Bulk(ABC):
    """An endpoint whose rows are written by jobs."""

    kind: Kind

    def __init__(
        self, session: Session, jobs: Jobs, directories: Mapping[Kind, Directory], traits: Traits
    ) -> None:
        self.traits = traits
        self._session = session
        self._jobs = jobs
        self._directories = directories

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the body for these rows; the same rows give the same bytes."""
        return encode(target, rows, most=self.traits.batch_rows)

    @abstractmethod
    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Send that payload and return what became of its rows."""

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only what Zendesk vouches for was delivered."""
        return decode(answer, keys)

    def _begin(self, target: Target, seconds: float) -> float:
        """Return until when everything must be over."""
        check_target(target)
        return self._session.clock.monotonic() + seconds

    def _found(
        self, kind: Kind, keys: Sequence[str], deadline: float
    ) -> tuple[dict[str, int], int]:
        """Return the ids of records by external id, asked anew, and the requests."""
        return self._directories[kind].ids(keys, deadline=deadline, fresh=True)

    def _remove(self, rows: Rows, deadline: float) -> Answer:
        """Delete the records of these rows; one that is not there is done."""
        ids, requests = self._found(self.kind, [row[KEY] for row in rows], deadline)
        report = Report()
        going: dict[int, int] = {}
        for place, row in enumerate(rows):
            record = ids.get(row[KEY].lower())
            if record is None:
                report.done(place)
            else:
                going.setdefault(record, place)
        if going:
            listed = ",".join(map(str, going))
            path = f"{self.kind.many}/destroy_many"
            done = self._jobs.run("DELETE", path, deadline=deadline, params={"ids": listed})
            requests += done.requests
            report.job(done.status, list(going.values()), ids=list(going))
        return answer_of(report, requests)


def answer_of(report: Report, requests: int) -> Answer:
    """Return a report as the answer of a request."""
    return Answer(200, report.body(), requests=requests)


def linked(
    directory: Directory, rows: Rows, report: Report, places: Sequence[int], deadline: float
) -> tuple[list[int], int]:
    """
    Put the ids of organizations where rows name them by external id.

    A row whose organization is not there is refused; return the places of the others, and the
    requests that it took.
    """
    named = {
        place: reference[KEY]
        for place in places
        if isinstance(reference := rows[place].get("organization_id"), dict)
    }
    if not named:
        return list(places), 0
    ids, requests = directory.ids(named.values(), deadline=deadline)
    staying = []
    for place in places:
        if place in named:
            organization = ids.get(named[place].lower())
            if organization is None:
                # It may come with the next run of the sync of organizations.
                report.refuse(
                    place,
                    "ORGANIZATION_NOT_FOUND",
                    "no organization has the external id that the row names",
                    Fate.LATER,
                )
                continue
            rows[place]["organization_id"] = organization
        staying.append(place)
    return staying, requests
