"""
The work on jobs: in batches of up to 10,000 rows, each at its time on the sandbox's clock.

Nothing runs by itself: whoever asks the org for anything lets the work that is due be done first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from activation.clock import Clock
from activation.sandbox.faults import Faults
from activation.sandbox.quirks import Quirks
from activation.sandbox.quota import RollingPool
from activation.sandbox.salesforce.bulk.csv_data import (
    JobFailed,
    Line,
    error_text,
    quoted,
    read,
    written,
)
from activation.sandbox.salesforce.bulk.jobs import UNDER_WAY, Job, Jobs, JobState, ResultKind
from activation.sandbox.salesforce.bulk.rows import Columns, Write, columns_of
from activation.sandbox.salesforce.schema import Catalogue
from activation.sandbox.salesforce.writes import Writes, Written

BATCH_ROWS = 10_000
"""Bulk API 2.0 guide: internal batches of up to 10,000 records."""
QUEUE_SECONDS, BATCH_SECONDS = "bulk_queue_seconds", "bulk_batch_seconds"


@dataclass(slots=True)
class _Data:
    """A job's file once it is read; kept while the job is under way."""

    header: list[str]
    rows: list[Line]
    columns: Columns


class Work:
    """Does what is due."""

    def __init__(  # noqa: PLR0913
        self,
        clock: Clock,
        *,
        jobs: Jobs,
        catalogue: Catalogue,
        writes: Writes,
        batches: RollingPool,
        faults: Faults,
        quirks: Quirks,
    ) -> None:
        self._clock = clock
        self._jobs = jobs
        self._catalogue = catalogue
        self._write = Write(catalogue, writes)
        self._batches = batches
        self._faults = faults
        self._quirks = quirks
        self._data: dict[int, _Data] = {}

    def catch_up(self) -> None:
        """Do the work that is due by now."""
        for number in sorted(self._jobs.under_way):
            self._advance(self._jobs.numbered(number))

    def reset(self) -> None:
        """Forget what was read."""
        self._data.clear()

    def end(self, job: Job, state: JobState, error: str | None = None) -> None:
        """End a job: rows that were not worked on are told of as such."""
        try:
            data = self._read(job)
        except JobFailed:
            data = None
        if data is not None:
            rest = data.rows[job.batches * BATCH_ROWS :]
            self._tell(job, ResultKind.UNPROCESSED, data, rest, [""] * len(rest))
        job.state, job.error = state, error
        self._data.pop(job.number, None)
        self._jobs.save(job)

    def result(self, job: Job, kind: ResultKind) -> str:
        """Return one of the files that a job ends in, with its header."""
        try:
            data = self._read(job)
            names = [data.header[place] for place in data.columns.known]
        except JobFailed:
            names = []
        finally:
            self._data.pop(job.number, None)
        ours = {
            ResultKind.SUCCESSFUL: ("sf__Id", "sf__Created"),
            ResultKind.FAILED: ("sf__Id", "sf__Error"),
            ResultKind.UNPROCESSED: (),
        }[kind]
        prefix = quoted(*ours, delimiter=job.delimiter)
        return written([names], [prefix], job.delimiter) + self._jobs.result(job, kind)

    def _advance(self, job: Job) -> None:
        now = self._clock.now()
        begins = datetime.fromisoformat(str(job.closed)).timestamp() + job.stalled_seconds
        begins += self._quirks.number(QUEUE_SECONDS)
        if now.timestamp() < begins:
            return
        try:
            data = self._read(job)
        except JobFailed as failed:
            self.end(job, JobState.FAILED, str(failed))
            return
        pace = self._quirks.number(BATCH_SECONDS)
        due = int((now.timestamp() - begins) / pace) if pace else len(data.rows) // BATCH_ROWS + 1
        job.state = JobState.IN_PROGRESS
        while job.state in UNDER_WAY and job.batches < due:
            self._do_batch(job, data)
        if job.state in UNDER_WAY:
            self._jobs.save(job)

    def _do_batch(self, job: Job, data: _Data) -> None:
        first = job.batches * BATCH_ROWS
        rows = data.rows[first : first + BATCH_ROWS]
        failing = job.fails_after is not None and first + len(rows) > job.fails_after * len(
            data.rows
        )
        if failing:
            rows = rows[: max(0, int(float(job.fails_after or 0) * len(data.rows)) - first)]
        job.batches += 1
        # The guide: results are not recorded for batches that exceed the daily allocation.
        if rows and self._batches.take().granted:
            faults = self._faults.row_faults("salesforce", "PATCH", f"/jobs/ingest/{job.id}")
            self._record(job, data, rows, self._write.rows(job, data.columns, rows, faults))
        if failing:
            left = data.rows[first + len(rows) : first + BATCH_ROWS]
            self._tell(job, ResultKind.UNPROCESSED, data, left, [""] * len(left))
            self.end(job, JobState.FAILED, job.error or "Unknown : Exception with unknown cause")
        elif job.batches * BATCH_ROWS >= len(data.rows):
            self.end(job, JobState.JOB_COMPLETE)

    def _record(
        self, job: Job, data: _Data, rows: Sequence[Line], results: Sequence[Written]
    ) -> None:
        job.processed += len(rows)
        paired = list(zip(rows, results, strict=True))
        # Row order is not preserved (the guide); a seed makes the disorder repeatable.
        Random(job.number * 1_000 + job.batches).shuffle(paired)  # noqa: S311
        separator = job.delimiter
        good = [(row, done) for row, done in paired if done.error is None]
        bad = [(row, done.error) for row, done in paired if done.error is not None]
        job.failed += len(bad)
        created = {True: "true", False: "false"}
        self._tell(
            job,
            ResultKind.SUCCESSFUL,
            data,
            [row for row, _ in good],
            [quoted(str(d.id), created[d.created], delimiter=separator) for _, d in good],
        )
        self._tell(
            job,
            ResultKind.FAILED,
            data,
            [row for row, _ in bad],
            [quoted("", error_text(error), delimiter=separator) for _, error in bad],
        )

    def _tell(
        self, job: Job, kind: ResultKind, data: _Data, rows: Sequence[Line], ours: Sequence[str]
    ) -> None:
        """Add rows to a file, each with what Salesforce says of it before its own cells."""
        known = data.columns.known
        every = len(known) == len(data.header)
        cells = [
            row.cells if every else [row.cells[p] for p in known if p < len(row.cells)]
            for row in rows
        ]
        self._jobs.add_result(job, kind, written(cells, ours, job.delimiter))

    def _read(self, job: Job) -> _Data:
        data = self._data.get(job.number)
        if data is None:
            header, rows = read(
                self._jobs.uploaded(job), delimiter=job.delimiter, line_ending=job.line_ending
            )
            sobject = self._catalogue.get(job.object)
            if sobject is None:
                raise JobFailed("InvalidBatch", f"Entity '{job.object}' does not exist any more")
            data = _Data(header, rows, columns_of(sobject, header, job, self._catalogue))
            self._data[job.number] = data
        return data
