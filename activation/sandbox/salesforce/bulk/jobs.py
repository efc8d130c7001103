"""Bulk jobs on disk: what each is, where it stands, what was uploaded, what came of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from activation.clock import Clock
from activation.sandbox.salesforce.ids import INTEGRATION_USER, make_id
from activation.sandbox.salesforce.values import stamp
from activation.sandbox.state import State

JOB_LIFE = timedelta(days=7)
"""How long a finished job and its results are kept (Bulk API 2.0 guide, limits)."""
_PREFIX = "750"
_TABLES = {
    "jobs": "number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, ended TEXT, document TEXT",
    "uploads": "job INTEGER PRIMARY KEY, content BLOB",
    "results": "job INTEGER, kind TEXT, content TEXT",
}


class JobState(StrEnum):
    """The states of an ingest job."""

    OPEN = "Open"
    UPLOAD_COMPLETE = "UploadComplete"
    IN_PROGRESS = "InProgress"
    JOB_COMPLETE = "JobComplete"
    FAILED = "Failed"
    ABORTED = "Aborted"


UNDER_WAY = frozenset({JobState.UPLOAD_COMPLETE, JobState.IN_PROGRESS})
ENDED = frozenset({JobState.JOB_COMPLETE, JobState.FAILED, JobState.ABORTED})


class ResultKind(StrEnum):
    """The three files that a job ends in; the path is compared without regard to case."""

    SUCCESSFUL = "successfulresults"
    FAILED = "failedresults"
    UNPROCESSED = "unprocessedrecords"


@dataclass(slots=True)
class Job:
    """One ingest job."""

    number: int
    id: str
    operation: str
    object: str
    key: str | None
    line_ending: str
    delimiter: str
    api_version: float
    created: str
    modified: str
    state: JobState = JobState.OPEN
    is_uploaded: bool = False
    closed: str | None = None
    """When the upload was said to be complete."""
    batches: int = 0
    """Internal batches that were worked on."""
    processed: int = 0
    failed: int = 0
    retries: int = 0
    error: str | None = None
    stalled_seconds: float = 0
    """How much later than usual the work begins."""
    fails_after: float | None = None
    """The share of the rows after which it fails."""

    @property
    def milliseconds(self) -> int:
        """Return how long the work took, as far as the sandbox tells."""
        return self.processed // 20

    def document(self) -> dict[str, Any]:
        """Return the job's information as Salesforce tells it of a single job."""
        content = f"services/data/v{self.api_version}/jobs/ingest/{self.id}/batches"
        counted = self.state is not JobState.OPEN
        counts = {
            "numberRecordsProcessed": self.processed,
            "numberRecordsFailed": self.failed,
        }
        times = {
            "retries": self.retries,
            "totalProcessingTime": self.milliseconds,
            "apiActiveProcessingTime": self.milliseconds,
            "apexProcessingTime": 0,
        }
        return {
            **self.brief(),
            "jobType": "V2Ingest",
            **({"contentUrl": content} if self.state is JobState.OPEN else {}),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
            **(counts if counted else {}),
            **times,
            **({"errorMessage": self.error} if self.error else {}),
        }

    def created_document(self) -> dict[str, Any]:
        """Return the job's information as it is told when the job has just been made."""
        told = self.document()
        for name in ("retries", "totalProcessingTime", "apiActiveProcessingTime"):
            del told[name]
        del told["apexProcessingTime"]
        return told

    def brief(self) -> dict[str, Any]:
        """Return what a change of the state is answered with."""
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": INTEGRATION_USER,
            "createdDate": self.created,
            "systemModstamp": self.modified,
            "state": self.state.value,
            **({"externalIdFieldName": self.key} if self.key else {}),
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.api_version,
        }


class Jobs:
    """The jobs of the org."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self.prepare()

    def prepare(self) -> None:
        """Make the tables, and read which jobs are under way."""
        for table, columns in _TABLES.items():
            self._state.connection.execute(
                f"CREATE TABLE IF NOT EXISTS salesforce_bulk_{table} ({columns})"
            )
        self.under_way = {job.number for job in self._all() if job.state in UNDER_WAY}
        """The numbers of the jobs that are to be worked on."""

    def make(self, **given: Any) -> Job:
        """Make an open job."""
        now = stamp(self._clock.now())
        with self._state.transaction() as connection:
            cursor = connection.execute("INSERT INTO salesforce_bulk_jobs (id) VALUES (NULL)")
            number = int(cursor.lastrowid or 0)
            job = Job(number, make_id(_PREFIX, number), created=now, modified=now, **given)
            self._write(job)
        return job

    def get(self, identity: str) -> Job | None:
        """Return the job with that id, or None if there is none or its life is over."""
        found = self._state.rows(
            "SELECT document, ended FROM salesforce_bulk_jobs WHERE id = ?", (identity,)
        )
        if not found:
            return None
        job = _job(found[0][0])
        ended = found[0][1]
        if ended and self._clock.now() - datetime.fromisoformat(ended) > JOB_LIFE:
            self.forget(job)
            return None
        return job

    def numbered(self, number: int) -> Job:
        """Return the job with that number."""
        rows = self._state.rows(
            "SELECT document FROM salesforce_bulk_jobs WHERE number = ?", (number,)
        )
        return _job(rows[0][0])

    def page(self, after: int, rows: int) -> list[Job]:
        """Return up to so many jobs that were made after the one with that number."""
        return [
            _job(document)
            for (document,) in self._state.rows(
                "SELECT document FROM salesforce_bulk_jobs WHERE number > ? ORDER BY number"
                " LIMIT ?",
                (after, rows),
            )
        ]

    def save(self, job: Job) -> None:
        """Keep what has become of a job."""
        job.modified = stamp(self._clock.now())
        if job.state in UNDER_WAY:
            self.under_way.add(job.number)
        else:
            self.under_way.discard(job.number)
        self._write(job)

    def upload(self, job: Job, content: bytes) -> None:
        """Keep the data of a job."""
        job.is_uploaded = True
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT INTO salesforce_bulk_uploads VALUES (?, ?)", (job.number, content)
            )
            self._write(job)

    def uploaded(self, job: Job) -> bytes:
        """Return the data of a job."""
        rows = self._state.rows(
            "SELECT content FROM salesforce_bulk_uploads WHERE job = ?", (job.number,)
        )
        return bytes(rows[0][0]) if rows else b""

    def add_result(self, job: Job, kind: ResultKind, content: str) -> None:
        """Add lines to one of the files that a job ends in."""
        if content:
            self._state.connection.execute(
                "INSERT INTO salesforce_bulk_results VALUES (?, ?, ?)",
                (job.number, kind.value, content),
            )

    def result(self, job: Job, kind: ResultKind) -> str:
        """Return the lines of one of the files that a job ends in."""
        return "".join(
            content
            for (content,) in self._state.rows(
                "SELECT content FROM salesforce_bulk_results WHERE job = ? AND kind = ?"
                " ORDER BY rowid",
                (job.number, kind.value),
            )
        )

    def forget(self, job: Job) -> None:
        """Delete a job with its data and results."""
        self.under_way.discard(job.number)
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM salesforce_bulk_jobs WHERE number = ?", (job.number,))
            for table in ("uploads", "results"):
                connection.execute(
                    f"DELETE FROM salesforce_bulk_{table} WHERE job = ?",  # noqa: S608
                    (job.number,),
                )

    def reset(self) -> None:
        """Forget every job."""
        self._state.drop_tables("salesforce_bulk_")
        self.prepare()

    def _write(self, job: Job) -> None:
        ended = self._clock.now().isoformat() if job.state in ENDED else None
        self._state.connection.execute(
            "UPDATE salesforce_bulk_jobs SET id = ?, ended = coalesce(ended, ?), document = ?"
            " WHERE number = ?",
            (job.id, ended, orjson.dumps(asdict(job)).decode(), job.number),
        )

    def _all(self) -> list[Job]:
        return [_job(d) for (d,) in self._state.rows("SELECT document FROM salesforce_bulk_jobs")]


def _job(document: str) -> Job:
    given = orjson.loads(document)
    return Job(**{**given, "state": JobState(given["state"])})
