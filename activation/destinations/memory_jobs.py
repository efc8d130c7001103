"""
The jobs of the account in memory: an endpoint in two phases that fails on demand.

What goes wrong is written into a script, one entry a job, in the order in which they are made.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, Protocol

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, JobState, JobStatus, RowResult, Target
from activation.destinations.traits import EndpointClass, Traits, Verb
from activation.errors import AccessRefused, Applied, BatchRefused, Transient

MEMORY_JOBS = Traits(
    system="memory",
    endpoint_class=EndpointClass.JOB,
    batch_rows=1000,
    batch_bytes=10_000_000,
    horizon=timedelta(days=1),
    keeps_order=False,
    name="jobs",
    verbs=frozenset({Verb.UPSERT}),
    requests_per_batch=4,
)


class JobTrouble(StrEnum):
    """What may happen to one job."""

    UNMADE = "unmade"  # the request that makes it is lost
    NAMELESS = "nameless"  # it is made, and its id never comes
    UNSTARTED = "unstarted"  # the first request that starts it is lost
    UNHEARD = "unheard"  # it starts, and the answer never comes
    LATE = "late"  # nothing is heard of its starts; it runs when `release` is called
    HALF_DONE = "half_done"  # it fails after half of its rows
    STALLED = "stalled"  # it runs until `release` is called
    GONE = "gone"  # nobody knows it any more once it has run
    MUTE = "mute"  # its results cannot be read at first
    LOCKED_OUT = "locked_out"  # its results are not for us at first, though it went well
    REFUSED = "refused"  # its file is not taken
    FRUITLESS = "fruitless"  # it fails before it comes to a row, for what is in its file


@dataclass(slots=True)
class MemoryJob:
    """One job, as the vendor sees it."""

    trouble: JobTrouble | None
    state: JobState = JobState.OPEN
    starts: int = 0
    waiting: bytes = b""
    """What it was handed by a start that takes effect late."""
    polls: int = 0
    """Questions that were asked while it ran."""
    results: Mapping[str, Any] = field(default_factory=dict)


class Account(Protocol):
    """What the jobs need of the account that they write to."""

    def encode(self, target: Target, rows: pa.Table) -> bytes:  # noqa: D102 - told by the class
        ...

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:  # noqa: D102
        ...


class MemoryJobs:
    """Jobs that upsert into an account in memory; each runs for as many polls as it is told."""

    def __init__(
        self,
        account: Account,
        apply: Callable[[bytes], dict[str, Any]],
        *,
        traits: Traits = MEMORY_JOBS,
        script: Iterable[JobTrouble | None] = (),
        polls: int = 1,
    ) -> None:
        """
        Prepare the endpoint.

        Args:
            account: encodes and decodes.
            apply: writes a payload into the account and returns what there is to say of each key.
            traits: what the endpoint declares of itself.
            script: what happens to the first jobs; None is a job that goes well.
            polls: how often a job is still running when it is asked for.
        """
        self.traits = traits
        self.jobs: dict[str, MemoryJob] = {}
        self.calls: list[str] = []
        """The name of every call, in order."""
        self._account = account
        self._apply = apply
        self._script = deque(script)
        self._polls = polls

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the account's own bytes."""
        return self._account.encode(target, rows)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a row that the job did not come to may go again."""
        return self._account.decode(answer, keys)

    def open_job(self, target: Target, *, seconds: float) -> str:
        """Make a job that does nothing yet."""
        self._called("open_job", target, seconds)
        trouble = self._script.popleft() if self._script else None
        if trouble is JobTrouble.UNMADE:
            raise Transient("The connection was refused.", code="CONNECTION_REFUSED")
        name = f"job-{len(self.jobs) + 1}"
        self.jobs[name] = MemoryJob(trouble)
        if trouble is JobTrouble.NAMELESS:
            raise _unheard()
        return name

    def start_job(self, target: Target, job: str, payload: bytes, *, seconds: float) -> None:
        """Carry the payload out; one that has been started goes on as it is."""
        self._called("start_job", target, seconds)
        made = self.jobs[job]
        made.starts += 1
        if made.trouble is JobTrouble.UNSTARTED and made.starts == 1:
            raise Transient(
                "The connection broke.", code="CONNECTION_LOST", applied=Applied.UNKNOWN
            )
        if made.trouble is JobTrouble.REFUSED:
            raise BatchRefused("The file cannot be read.", code="MALFORMED")
        if made.trouble is JobTrouble.LATE:
            made.waiting = payload
            raise _unheard()
        if made.state is JobState.OPEN:
            made.state = JobState.RUNNING
            made.results = self._carry_out(payload, made)
        if made.trouble is JobTrouble.UNHEARD and made.starts == 1:
            raise _unheard()

    def job_status(self, target: Target, job: str, *, seconds: float) -> JobStatus:
        """Return where a job stands; it goes on by being asked for."""
        self._called("job_status", target, seconds)
        made = self.jobs[job]
        if made.state is JobState.RUNNING:
            made.polls += 1
            if made.polls > self._polls and made.trouble is not JobTrouble.STALLED:
                made.state = _end(made.trouble)
        refusal = None
        if made.trouble is JobTrouble.FRUITLESS and made.state is JobState.FAILED:
            refusal = BatchRefused("The file's head is wrong.", code="INVALID_BATCH")
        return JobStatus(made.state, refusal=refusal)

    def job_answer(self, target: Target, job: str, *, seconds: float) -> Answer:
        """Return the results of a job that is over."""
        self._called("job_answer", target, seconds)
        made = self.jobs[job]
        if made.trouble is JobTrouble.MUTE:
            made.trouble = None
            raise Transient("Try again.", code="SERVER_ERROR")
        if made.trouble is JobTrouble.LOCKED_OUT:
            made.trouble = None
            raise AccessRefused("The session is over.", code="INVALID_SESSION")
        return Answer(200, orjson.dumps(made.results), requests=2)

    def abandon_job(self, target: Target, job: str, *, seconds: float) -> None:
        """See to it that a job never starts."""
        self._called("abandon_job", target, seconds)
        if self.jobs[job].waiting:
            raise Transient("Try again.", code="SERVER_ERROR")
        if self.jobs[job].state is JobState.RUNNING:
            raise Transient("It is under way.", code="JOB_STARTED", applied=Applied.UNKNOWN)
        if self.jobs[job].state is JobState.OPEN:
            self.jobs[job].state = JobState.GONE

    def release(self) -> None:
        """Let stalled jobs come to their end, and late ones run."""
        for made in self.jobs.values():
            if made.trouble in {JobTrouble.STALLED, JobTrouble.LATE}:
                made.trouble = None
            if made.waiting:
                made.results = self._carry_out(made.waiting, made)
                made.state, made.waiting = JobState.DONE, b""

    def _carry_out(self, payload: bytes, made: MemoryJob) -> dict[str, Any]:
        if made.trouble is JobTrouble.FRUITLESS:
            return {}
        if made.trouble is not JobTrouble.HALF_DONE:
            return self._apply(payload)
        body = orjson.loads(payload)
        body["records"] = body["records"][: len(body["records"]) // 2]
        return self._apply(orjson.dumps(body))

    def _called(self, name: str, target: Target, seconds: float) -> None:
        if seconds <= 0 or target.verb not in self.traits.verbs:
            raise BatchRefused("The request is not meant for this endpoint.", code="WRONG_VERB")
        self.calls.append(name)


def _end(trouble: JobTrouble | None) -> JobState:
    match trouble:
        case JobTrouble.HALF_DONE | JobTrouble.FRUITLESS:
            return JobState.FAILED
        case JobTrouble.GONE:
            return JobState.GONE
        case _:
            return JobState.DONE


def jobs_of(rows: int, traits: Traits = MEMORY_JOBS) -> Traits:
    """Return the traits of jobs that hold so many rows each."""
    return replace(traits, batch_rows=rows)


def _unheard() -> Transient:
    return Transient("No answer came in time.", code="TIMEOUT", applied=Applied.UNKNOWN)
