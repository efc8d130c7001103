"""
Organizations in jobs of a hundred.

Zendesk has no upsert of many organizations: those that are there are looked up first, and two
jobs follow, one of updates by id and one of creations.  A creation of an external id that came
to be in between is refused by Zendesk, and the next attempt finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

from activation.destinations.base import Answer, Fate, Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.bulk import NOT_FOUND, Bulk, Rows, answer_of
from activation.destinations.zendesk.decode import Report
from activation.destinations.zendesk.encode import body_of, rows_of
from activation.destinations.zendesk.names import KEY, ORGANIZATIONS
from activation.errors import Applied, DestinationError, Transient


class OrganizationJobs(Bulk):
    """Creates, updates and deletes organizations."""

    kind = ORGANIZATIONS

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Write a payload that `encode` made by at most two jobs; say what became of its rows.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            AccessRefused: credentials or permission.
        """
        deadline = self._begin(target, seconds)
        rows = rows_of(payload)
        if target.verb is Verb.REMOVE:
            return self._remove(rows, deadline)
        report = Report()
        there, new, requests = self._sorted(target.verb, rows, report, deadline)
        if there:
            data = body_of(self.kind.many, [rows[place] for place in there])
            done = self._jobs.run(
                "PUT", f"{self.kind.many}/update_many", deadline=deadline, data=data
            )
            requests += done.requests
            report.job(done.status, there, ids=[rows[place]["id"] for place in there])
        if new:
            requests += self._create(rows, new, report, deadline, alone=not there)
        return answer_of(report, requests)

    def _sorted(
        self, verb: Verb, rows: Rows, report: Report, deadline: float
    ) -> tuple[list[int], list[int], int]:
        """Return the places of rows to update and to create, and the requests; ids are put in."""
        unknown = [row[KEY] for row in rows if "id" not in row]
        ids, requests = self._found(self.kind, unknown, deadline)
        there: list[int] = []
        new: list[int] = []
        taken: set[int] = set()
        fresh: set[str] = set()
        for place, row in enumerate(rows):
            record = row.get("id", ids.get(row[KEY].lower()))
            if record in taken or (record is None and row[KEY].lower() in fresh):
                report.refuse(place, "REPEATED", "the key comes twice in a batch", Fate.PERMANENT)
            elif record is not None and verb is Verb.CREATE:
                report.refuse(place, "ALREADY_EXISTS", "the record is there", Fate.PERMANENT)
            elif record is None and verb is Verb.UPDATE:
                report.refuse(place, NOT_FOUND, "there is no such record", Fate.PERMANENT)
            elif record is None:
                fresh.add(row[KEY].lower())
                new.append(place)
            else:
                taken.add(record)
                row["id"] = record
                there.append(place)
        return there, new, requests

    def _create(
        self, rows: Rows, places: Sequence[int], report: Report, deadline: float, *, alone: bool
    ) -> int:
        data = body_of(self.kind.many, [rows[place] for place in places])
        try:
            done = self._jobs.run(
                "POST", f"{self.kind.many}/create_many", deadline=deadline, data=data
            )
        except DestinationError as error:
            doubtful = isinstance(error, Transient) and error.applied is Applied.UNKNOWN
            if alone or doubtful:
                raise
            # The updates are done: what they came to must not be lost with these rows.
            for place in places:
                report.refuse(place, error.code, "the creations did not begin", Fate.RETRYABLE)
            return 1
        report.job(done.status, places, taken_passes=True)
        return done.requests
