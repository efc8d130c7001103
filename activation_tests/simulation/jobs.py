"""The vendor's jobs: made, handed their rows, worked on in their own time, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, JobState, JobStatus, RowResult, Target
from activation.destinations.traits import Traits
from activation.errors import Applied, BatchRefused, Transient
from activation_tests.simulation.account import (
    Account,
    broken,
    decoded,
    encoded,
    poisoned,
    read,
    unheard,
)
from activation_tests.simulation.judge import digest_of
from activation_tests.simulation.scenario import MARGIN, Fault
from activation_tests.simulation.vendor import Job, Wish, keys_of

HORIZON = timedelta(hours=1)
"""How long a job that was started may take; whatever it has not done by then it never does."""
_UNHEARD = frozenset({Fault.LOST_ANSWER, Fault.LATE})
_SPOILT = frozenset({Fault.BROKEN_AFTER, Fault.GARBLED})
_STALE = 5.0
"""Seconds for which a job may look as if it had not been started."""


class Jobs:
    """An endpoint in two phases."""

    def __init__(self, account: Account, traits: Traits) -> None:
        self.traits = traits
        self._account = account
        self._vendor = account.vendor

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return one JSON object a row."""
        return encoded(target, rows, keyed=False)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; what the job did not come to may go again."""
        return decoded(answer, keys)

    def open_job(self, target: Target, *, seconds: float) -> str:
        """Make a job."""
        fault = self._call(target, seconds, "opens a job")
        self._vendor.judge.opens(self._account.process, target)
        self._let_in(fault)
        job = self._vendor.make_job(target.object, self._account.process.name)
        self._spoil(fault)
        return job.name

    def start_job(self, target: Target, job: str, payload: bytes, *, seconds: float) -> None:
        """Hand the rows over; a job that was started goes on as it is."""
        wish = read(target, payload, timedelta(0))
        fault = self._call(target, seconds, f"starts {job} {keys_of(wish.records)}")
        self._vendor.judge.starts(self._account.process, target, job, payload, wish.records)
        self._let_in(fault)
        if poisoned(wish):
            if len(wish.records) == 1:
                self._vendor.judge.refused(payload, wish.records)
            raise BatchRefused("A record cannot be parsed.", code="MALFORMED")
        made = self._vendor.jobs[job]
        if made.state is JobState.GONE:
            raise Transient("There is no such job.", code="NO_SUCH_JOB", applied=Applied.UNKNOWN)
        late = seconds + self._draw(self._vendor.chance.random()) if fault is Fault.LATE else 0.0
        if made.state is JobState.OPEN:
            self._begin(made, wish, payload, late)
        self._spoil(fault)

    def job_status(self, target: Target, job: str, *, seconds: float) -> JobStatus:
        """Return where a job stands; what is read may be a little old."""
        self._let_in(self._call(target, seconds, None), asking=True)
        made, chance = self._vendor.jobs[job], self._vendor.chance
        if made.opened_by != self._account.process.name:
            self._vendor.stage.saw("a job was adopted")
        reading = self._account.report()
        state = made.state
        young = self._vendor.stage.now() - made.started_at < _STALE
        if state is JobState.RUNNING and young and self._faulty(0.5):
            self._vendor.stage.saw("a job looked as if it had not started")
            state = JobState.OPEN
        return JobStatus(state, reading, chance.choice((None, None, 10.0)))

    def job_answer(self, target: Target, job: str, *, seconds: float) -> Answer:
        """Return the results of a job that is over."""
        self._let_in(self._call(target, seconds, f"reads {job}"), asking=True)
        made = self._vendor.jobs[job]
        self._vendor.judge.refused(
            made.payload, [r for r in made.records if _refused(made.results.get(r["key"]))]
        )
        return Answer(200, orjson.dumps(made.results), self._account.report())

    def abandon_job(self, target: Target, job: str, *, seconds: float) -> None:
        """See to it that a job never starts."""
        fault = self._call(target, seconds, f"abandons {job}")
        self._let_in(fault)
        made = self._vendor.jobs[job]
        if made.state is JobState.OPEN:
            self._vendor.stage.saw("a job was abandoned")
            self._vendor.judge.ended(job)
            made.state = JobState.GONE
        elif made.state is not JobState.GONE:
            raise Transient("It is under way.", code="JOB_STARTED", applied=Applied.UNKNOWN)
        self._spoil(fault)

    def _begin(self, job: Job, wish: Wish, payload: bytes, late: float) -> None:
        """Let a job do its work some time later; part of it, perhaps, and not for all to know."""
        vendor, chance = self._vendor, self._vendor.chance
        job.records, job.payload = wish.records, payload
        done = wish
        ending = JobState.DONE
        if self._faulty(0.25):
            some = wish.records[: chance.randint(0, len(wish.records) - 1)]
            done, ending = replace(wish, records=some), JobState.FAILED
        if self._faulty(0.2):
            ending = JobState.GONE
        takes = chance.uniform(1, 60)
        if self._faulty(0.15):
            takes = self._draw(chance.random())
            vendor.stage.saw("a job stalled")

        def start() -> None:
            if job.state is JobState.OPEN:
                job.state, job.started_at = JobState.RUNNING, vendor.stage.now()
                vendor.stage.loop.call_later(takes, end)
            else:
                vendor.pending -= 1
                vendor.judge.ended(job.name)

        def end() -> None:
            vendor.pending -= 1
            vendor.judge.ended(job.name)
            vendor.stage.tell("vendor", f"{job.name} is {ending}: {keys_of(done.records)}")
            vendor.stage.saw(f"a job ended: {ending}")
            job.results = vendor.apply(done, late=takes > _STALE)
            job.state = ending

        vendor.pending += 1
        vendor.judge.began(job.name, digest_of(payload))
        if late:
            vendor.stage.loop.call_later(late, start)
        else:
            start()

    def _draw(self, share: float) -> float:
        """Return seconds within which what was begun is over."""
        return share * (HORIZON.total_seconds() - MARGIN) / 2

    def _faulty(self, share: float) -> bool:
        return self._vendor.stage.faulty and self._vendor.chance.random() < share

    def _call(self, target: Target, seconds: float, what: str | None) -> Fault | None:
        account, vendor = self._account, self._vendor
        fault = account.call(seconds)
        vendor.judge.calls(account.process, target.object)
        if what is not None:
            vendor.stage.tell(account.process.name, f"{what} {fault or ''}")
        return fault

    def _let_in(self, fault: Fault | None, *, asking: bool = False) -> None:
        self._account.let_in(fault, withdrawal=False)
        if fault is Fault.BROKEN_BEFORE:
            raise broken()
        if asking:
            self._spoil(fault)

    def _spoil(self, fault: Fault | None) -> None:
        """Let the answer of a call that was carried out get lost."""
        if fault in _UNHEARD:
            raise unheard()
        if fault in _SPOILT:
            raise broken()


def _refused(result: object) -> bool:
    return isinstance(result, list) and result[0] == "INVALID"
