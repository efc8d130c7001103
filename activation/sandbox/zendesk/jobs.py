"""Background jobs: made and started by one request, worked on as the sandbox's time passes."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import orjson

from activation.clock import Clock
from activation.sandbox.faults import Fault, FaultName, Faults
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State
from activation.sandbox.windows import Concurrency
from activation.sandbox.zendesk.quirks import FAILED_STATUS, JOB_KEPT_HOURS, JOB_SECONDS

Results: TypeAlias = list[dict[str, Any]]
Carry: TypeAlias = Callable[[str, Sequence[Any], Sequence[Fault]], Results]
"""Carries out a job's tasks, by the job's kind; returns a result each."""

_ENDED = ("completed", "failed", "killed")
_COLUMNS = "number, id, kind, title, made, begins, ends, tasks, status, message, progress, results"

_TASKS, _RESULTS = 7, 11


@dataclass(slots=True)
class Job:
    """One job."""

    number: int
    id: str
    kind: str
    title: str
    made: float
    begins: float
    ends: float
    tasks: list[Any]
    status: str = "queued"
    message: str | None = None
    progress: int = 0
    results: Results | None = None

    def document(self, address: str) -> dict[str, Any]:
        """Return it as Zendesk tells of it."""
        return {
            "id": self.id,
            "job_type": self.title,
            "url": f"{address}/api/v2/job_statuses/{self.id}.json",
            "total": len(self.tasks),
            "progress": self.progress,
            "status": self.status,
            "message": self.message,
            "results": self.results,
        }


class Jobs:
    """The jobs of the account, kept on disk."""

    def __init__(  # noqa: PLR0913
        self,
        state: State,
        clock: Clock,
        *,
        carry: Carry,
        faults: Faults,
        quirks: Quirks,
        under_way: Concurrency,
    ) -> None:
        self._state = state
        self._clock = clock
        self._carry = carry
        self._faults = faults
        self._quirks = quirks
        self._under_way = under_way
        self.prepare()

    def prepare(self) -> None:
        """Create the table, if it is not there, and read the jobs that are not over."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS zendesk_jobs (number INTEGER PRIMARY KEY, id TEXT UNIQUE,"
            " kind TEXT, title TEXT, made REAL, begins REAL, ends REAL, tasks BLOB, status TEXT,"
            " message TEXT, progress INTEGER, results BLOB)"
        )
        self._jobs = {job.id: job for job in self._stored()}
        self._last = max((job.number for job in self._jobs.values()), default=0)
        self._open = [job for job in self._jobs.values() if job.status not in _ENDED]
        self._under_way.set(used=len(self._open))

    def _stored(self) -> Iterator[Job]:
        for row in self._state.rows(
            f"SELECT {_COLUMNS} FROM zendesk_jobs ORDER BY number"  # noqa: S608
        ):
            job = Job(*row)
            job.tasks = orjson.loads(row[_TASKS])
            job.results = None if row[_RESULTS] is None else orjson.loads(row[_RESULTS])
            yield job

    def start(self, kind: str, title: str, tasks: list[Any]) -> Job | None:
        """Make and start a job; return None if too many are under way."""
        if not self._under_way.take().granted:
            return None
        now = self._clock.now().timestamp()
        seconds = self._quirks.number(JOB_SECONDS)
        self._last += 1
        job = Job(
            self._last, secrets.token_hex(16), kind, title,
            made=now, begins=now + seconds / 2, ends=now + seconds, tasks=tasks,
        )  # fmt: skip
        if stalled := self._fault(FaultName.JOB_STALLED):
            job.begins = job.ends = now + stalled.seconds(float("inf"))
        self._jobs[job.id] = job
        self._open.append(job)
        self._save(job)
        return job

    def catch_up(self) -> None:
        """Work on all that is due, in the order in which it ends."""
        if not self._open:
            return
        now = self._clock.now().timestamp()
        due = sorted((job for job in self._open if job.ends <= now), key=lambda job: job.ends)
        for job in due:
            self._work(job)
        for job in self._open:
            if job.status == "queued" and job.begins <= now:
                job.status = "working"
        self._open = [job for job in self._open if job.status not in _ENDED]

    def _work(self, job: Job) -> None:
        path = f"/api/v2/{job.kind}"
        faults = self._faults.row_faults("zendesk", "POST", path)
        tasks = job.tasks
        failed = self._fault(FaultName.JOB_FAILED)
        if failed is not None:
            tasks = tasks[: int(failed.options.get("after", 0))]
        job.results = self._carry(job.kind, tasks, faults)
        job.progress = len(tasks)
        word = "Completed" if failed is None else "Failed"
        job.status = "completed" if failed is None else str(self._quirks.value(FAILED_STATUS))
        ended = datetime.fromtimestamp(job.ends, self._clock.now().tzinfo)
        job.message = f"{word} at {ended:%Y-%m-%d %H:%M:%S +0000}"
        self._under_way.give_back()
        self._state.connection.execute(
            "UPDATE zendesk_jobs SET status = ?, message = ?, progress = ?, results = ?"
            " WHERE id = ?",
            (job.status, job.message, job.progress, orjson.dumps(job.results), job.id),
        )

    def find(self, job_id: str) -> Job | None:
        """Return a job that is still known."""
        job = self._jobs.get(job_id)
        if job is None or self._is_past(job):
            return None
        gone = self._fault(FaultName.JOB_VANISHED) or (
            job.status in _ENDED and self._fault(FaultName.JOB_EXPIRED)
        )
        return None if gone else job

    def all(self) -> list[Job]:
        """Return the jobs that are still known, the newest first."""
        return [job for job in reversed(self._jobs.values()) if not self._is_past(job)]

    def under_way(self) -> list[str]:
        """Return the ids of the jobs that are not over."""
        return [job.id for job in self._open]

    def _is_past(self, job: Job) -> bool:
        kept = timedelta(hours=self._quirks.number(JOB_KEPT_HOURS))
        made = datetime.fromtimestamp(job.made, self._clock.now().tzinfo)
        return self._clock.now() - made > kept

    def _fault(self, name: FaultName) -> Fault | None:
        return self._faults.job_fault(name, "zendesk", "GET", "/api/v2/job_statuses")

    def _save(self, job: Job) -> None:
        self._state.connection.execute(
            f"INSERT INTO zendesk_jobs ({_COLUMNS})"  # noqa: S608
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                job.number, job.id, job.kind, job.title, job.made, job.begins, job.ends,
                orjson.dumps(job.tasks), job.status, job.message, job.progress,
            ),
        )  # fmt: skip
