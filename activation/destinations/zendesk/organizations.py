"""
Organizations in jobs of a hundred.

Zendesk has no upsert of many organizations: those that are there are looked up first, and two
jobs follow, one of updates by id and one of creations.  A creation of an external id that came
to be in between, such as by an earlier attempt, is refused by Zendesk and becomes an update.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from activation.destinations.base import Answer, Fate, Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.bulk import NOT_FOUND, Bulk, Rows, answer_of
from activation.destinations.zendesk.decode import Report, decode, is_taken
from activation.destinations.zendesk.encode import body_of, rows_of
from activation.destinations.zendesk.names import KEY, ORGANIZATIONS
from activation.errors import AccessRefused, Applied, DestinationError, Transient


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
        requests += self._update(rows, there, report, deadline)
        if new:
            requests += self._create(rows, new, report, deadline, alone=not there)
        if new and target.verb is Verb.UPSERT:
            requests += self._overtaken(rows, new, report, deadline)
        return answer_of(report, requests)

    def _update(self, rows: Rows, places: Sequence[int], report: Report, deadline: float) -> int:
        if not places:
            return 0
        data = body_of(self.kind.many, [rows[place] for place in places])
        path = f"{self.kind.many}/update_many"
        done = self._jobs.run("PUT", path, deadline=deadline, data=data)
        report.job(done.status, places, ids=[rows[place]["id"] for place in places])
        return done.requests

    def _overtaken(self, rows: Rows, places: Sequence[int], report: Report, deadline: float) -> int:
        """Update what came to be between the look-up and the creation; return the requests."""
        results = decode(answer_of(report, 0), [row[KEY] for row in rows])
        taken = [p for p in places if (error := results[p].error) and is_taken(error.text)]
        if not taken:
            return 0
        ids, requests = self._found(self.kind, [rows[place][KEY] for place in taken], deadline)
        there = [place for place in taken if rows[place][KEY].lower() in ids]
        for place in there:
            rows[place]["id"] = ids[rows[place][KEY].lower()]
        report.again(there)
        return requests + self._update(rows, there, report, deadline)

    def _sorted(
        self, verb: Verb, rows: Rows, report: Report, deadline: float
    ) -> tuple[list[int], list[int], int]:
        """Return the places of rows to update and to create, and the requests; ids are put in."""
        unknown = [row[KEY] for row in rows if "id" not in row]
        ids, requests = self._found(self.kind, unknown, deadline)
        there: list[int] = []
        new: list[int] = []
        times = Counter(row.get("id", ids.get(row[KEY].lower(), row[KEY].lower())) for row in rows)
        for place, row in enumerate(rows):
            record = row.get("id", ids.get(row[KEY].lower()))
            if times[row[KEY].lower() if record is None else record] > 1:
                # Which of them would be stored is not known.
                report.refuse(place, "REPEATED", "the key comes twice in a batch", Fate.PERMANENT)
            elif record is not None and verb is Verb.CREATE:
                report.refuse(place, "ALREADY_EXISTS", "the record is there", Fate.PERMANENT)
            elif record is None and verb is Verb.UPDATE:
                report.refuse(place, NOT_FOUND, "there is no such record", Fate.PERMANENT)
            elif record is None:
                new.append(place)
            else:
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
            if alone or doubtful or isinstance(error, AccessRefused):
                raise
            # The updates are done: what they came to must not be lost with these rows.
            for place in places:
                report.refuse(place, error.code, "the creations did not begin", Fate.RETRYABLE)
            return 1
        report.job(done.status, places, taken_passes=True)
        return done.requests
