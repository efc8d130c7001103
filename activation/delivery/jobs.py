"""
Jobs: endpoints in two phases, whose id is durable before anything of it can be carried out.

    intended ──► opened, its id in the ledger ──► started ──► polled ──► its results, row by row
                       ▲                                        │
                       └── after a crash it is adopted: ────────┘
                           open      abandoned, and the rows go out in a job of their own
                           running   polled on
                           ended     its results are read
                           gone      nobody can say what became of the rows: in doubt
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from activation.clock import Clock
from activation.delivery.calls import Calls, Heard, Made, Missed
from activation.delivery.consent import Consent
from activation.delivery.doubt import fence_of_attempt
from activation.delivery.halt import Halt
from activation.delivery.journal import Journal
from activation.delivery.order import Bounds
from activation.delivery.parcels import Parcel
from activation.delivery.people import People
from activation.delivery.resting import Resting
from activation.delivery.settling import Settling
from activation.destinations.base import JobEndpoint, JobState, JobStatus
from activation.errors import Applied, BatchRefused, DestinationError, Transient, Unavailable
from activation.ledger.attempts import Departure, Settlement
from activation.ledger.batches import BatchState
from activation.ledger.clearances import Ask, Cause, Spent, Wait

T = TypeVar("T")

_FIRST_POLL, _LONGEST_POLL = 2.0, 30.0


@dataclass(frozen=True, slots=True)
class Left:
    """A job that is not over for us: what is to be done about its parcel."""

    parcel: Parcel
    error: DestinationError | None = None
    """Why; None if everything was halted."""


class _WithheldError(Exception):
    """A row of a job that is about to start may not leave any more."""


@dataclass(slots=True)
class Jobs:
    """Carries parcels in jobs; every call is cleared by the governor like any other request."""

    journal: Journal
    calls: Calls
    settling: Settling
    consent: Consent
    people: People
    clock: Clock
    halt: Halt
    bounds: Bounds
    rest: Resting

    async def opened(self, parcel: Parcel, spent: Spent, job: str) -> Parcel:
        """Keep the id of a job that was made, before it can start."""
        deadline = self.clock.now() + timedelta(seconds=self.bounds.upload_seconds)
        fence = fence_of_attempt(parcel.route.traits, deadline)
        parcel = replace(parcel, job=job, fence=fence)
        await self.settling.record(
            Settlement(parcel.cut, BatchState.SENT, fence_until=fence, job=job, spent=spent)
        )
        return parcel

    async def start(self, parcel: Parcel, endpoint: JobEndpoint) -> Sequence[Parcel] | Left:
        """
        Hand the rows over, wait for the end, and keep the verdict on each.

        If one of them may not leave any more, the rest goes out in a job of its own.

        Raises:
            Stopped: no further request may start; the job is adopted later.
        """
        target, job = parcel.route.target, parcel.job or ""
        for _ in range(self.settling.patience.attempts):
            try:
                made = await self._hand_over(parcel, endpoint)
            except _WithheldError:
                return await self.adopt(parcel, endpoint)
            if made is None:
                return Left(parcel)
            await self.journal.spend(made.spent)
            if isinstance(made, Missed) and not isinstance(made.error, Transient):
                return await self._not_taken(parcel, endpoint, made.error)
            # Whatever came of it, the job itself knows best where it stands.
            status = await self._status(parcel, endpoint)
            if not isinstance(status, JobStatus):
                return status
            if status.state is not JobState.OPEN:
                return await self.adopt(parcel, endpoint, status)
            await self.rest(_FIRST_POLL)
        not_begun = Transient(f"Job {job} of {target.object} does not start.", code="JOB_OPEN")
        if await self._abandon(parcel, endpoint):
            parcel = await self._put_back(parcel)
        # One that is not abandoned may start yet, and is adopted.
        return Left(parcel, not_begun)

    async def _hand_over(self, parcel: Parcel, endpoint: JobEndpoint) -> Made[None] | Missed | None:
        """Start a job with its rows, if all of them may still leave."""
        starting = partial(self._started, endpoint, parcel)
        seconds = self.bounds.upload_seconds
        return await self._call(parcel, starting, seconds=seconds, carries=True)

    async def _not_taken(
        self, parcel: Parcel, endpoint: JobEndpoint, error: DestinationError
    ) -> Sequence[Parcel] | Left:
        """Keep that the vendor did not take the rows of a job."""
        if not isinstance(error, BatchRefused):
            return Left(parcel, error)
        await self._abandon(parcel, endpoint)
        return await self.settling.refused(_freed(parcel), error, spent=None)

    async def adopt(
        self, parcel: Parcel, endpoint: JobEndpoint, status: JobStatus | None = None
    ) -> Sequence[Parcel] | Left:
        """
        Take a job up where it stands: wait for its end, and keep the verdict on each row.

        A job that never started is abandoned, and its rows travel on in one of their own.

        Raises:
            Stopped: no further request may start; the job is adopted later.
        """
        until = self.clock.monotonic() + self.bounds.job_seconds
        delay = _FIRST_POLL
        while True:
            found = status or await self._status(parcel, endpoint)
            status = None
            if not isinstance(found, JobStatus):
                return found
            match found.state:
                case JobState.OPEN:
                    if await self._abandon(parcel, endpoint):
                        return (await self._put_back(parcel),)
                case JobState.DONE | JobState.FAILED:
                    if found.refusal is None:
                        return await self._read(parcel, endpoint)
                    return await self._came_to_nothing(parcel, found.refusal)
                case JobState.GONE:
                    return Left(parcel, _gone(parcel))
                case JobState.RUNNING:
                    pass
            if self.clock.monotonic() >= until:
                raise self._too_long(parcel)
            await self.rest(max(delay, found.retry_after or 0))
            delay = min(_LONGEST_POLL, delay * 1.5)

    async def _came_to_nothing(
        self, parcel: Parcel, refusal: DestinationError
    ) -> Sequence[Parcel] | Left:
        """Keep that a job failed before it came to a row."""
        if isinstance(refusal, BatchRefused):
            return await self.settling.refused(_freed(parcel), refusal, spent=None)
        return Left(await self._put_back(parcel), refusal)

    async def _read(self, parcel: Parcel, endpoint: JobEndpoint) -> Sequence[Parcel] | Left:
        """Read the results of a job that is over."""
        for _ in range(self.settling.patience.attempts):
            made = await self._call(parcel, partial(self._heard, endpoint, parcel))
            if made is None:
                return Left(parcel)
            if isinstance(made, Made):
                # What the job did not come to goes out in another one.
                settled = replace(parcel, fence=None)
                return await self.settling.answered(settled, made.value.results, made.spent)
            error = made.error
            await self.journal.spend(made.spent)
            if not isinstance(error, Transient) or error.applied is Applied.UNKNOWN:
                # It was the reading that was refused, which tells nothing of the rows.
                return Left(parcel, error)
            await self.rest(max(_FIRST_POLL, error.retry_after or 0))
        return Left(parcel, error)

    async def _status(self, parcel: Parcel, endpoint: JobEndpoint) -> JobStatus | Left:
        """Ask where a job stands, until the vendor says so."""
        target, job = parcel.route.target, parcel.job or ""
        error: DestinationError | None = None
        for _ in range(self.settling.patience.attempts):
            made = await self._call(
                parcel, lambda seconds: endpoint.job_status(target, job, seconds=seconds)
            )
            if made is None:
                return Left(parcel)
            await self.journal.spend(made.spent)
            if isinstance(made, Made):
                return made.value
            error = made.error
            if not isinstance(error, Transient):
                break
            await self.rest(max(_LONGEST_POLL, error.retry_after or 0))
        return Left(parcel, error)

    async def _abandon(self, parcel: Parcel, endpoint: JobEndpoint) -> bool:
        """See to it that a job never starts; return whether it cannot."""
        target, job = parcel.route.target, parcel.job or ""
        made = await self._call(
            parcel, lambda seconds: endpoint.abandon_job(target, job, seconds=seconds)
        )
        if made is None:
            return False
        await self.journal.spend(made.spent)
        return isinstance(made, Made)

    async def _put_back(self, parcel: Parcel) -> Parcel:
        """Keep that nothing of a parcel was carried out, and that no job has it any more."""
        freed = _freed(parcel)
        await self.settling.record(Settlement(freed.cut, BatchState.PLANNED, job=""))
        return freed

    async def _call(
        self,
        parcel: Parcel,
        call: Callable[[float], T],
        *,
        seconds: float | None = None,
        carries: bool = False,
    ) -> Made[T] | Missed | None:
        """
        Make one call for a job, as soon as it may leave; None if everything was halted.

        Raises:
            _WithheldError: it `carries` the rows, and one of them may not leave any more.
        """
        seconds = self.bounds.request_seconds if seconds is None else seconds
        while True:
            if self.halt.called:
                return None
            # Asked anew after each wait, which may have been long.
            if carries and (await self.consent.revoked()).intersection(parcel.numbers):
                raise _WithheldError
            async with self.calls.at_once:
                deadline = self.clock.now() + timedelta(seconds=seconds)
                traits = parcel.route.traits
                ask = Ask(
                    holder=parcel.cut.id,
                    endpoint=traits.name,
                    buckets=parcel.route.buckets,
                    until=deadline,
                    withdrawal=parcel.route.withdrawal,
                )
                if carries and self.people.withheld(parcel):
                    raise _WithheldError
                seen = self.people.known.seen if carries else None
                answer = await self.journal.ask(Departure(ask, people_seen=seen))
                if not isinstance(answer, Wait):
                    return await self.calls.make(answer, deadline, call)
                if answer.cause is Cause.PEOPLE:
                    await self.people.renew()
            await self.rest(answer.seconds, for_answer=answer.cause is Cause.ANSWER)

    def _started(self, endpoint: JobEndpoint, parcel: Parcel, seconds: float) -> None:
        target, job = parcel.route.target, parcel.job or ""
        endpoint.start_job(target, job, parcel.payload, seconds=seconds)

    def _heard(self, endpoint: JobEndpoint, parcel: Parcel, seconds: float) -> Heard:
        answer = endpoint.job_answer(parcel.route.target, parcel.job or "", seconds=seconds)
        return Heard(answer, endpoint.decode(answer, parcel.keys))

    def _too_long(self, parcel: Parcel) -> Unavailable:
        budget = self.journal.budget
        return Unavailable(
            f"Job {parcel.job} at {budget.connection} is not over after "
            f"{self.bounds.job_seconds / 3600:g} hours.",
            hint="It goes on there; the next run takes it up where it stands.",
            sync=budget.sync,
            batch=parcel.cut.id,
        )


def _freed(parcel: Parcel) -> Parcel:
    return replace(parcel, job=None, fence=None)


def _gone(parcel: Parcel) -> Transient:
    return Transient(
        f"The vendor does not know job {parcel.job} any more.",
        code="JOB_GONE",
        applied=Applied.UNKNOWN,
    )
