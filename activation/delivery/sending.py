"""
The one send path, through which everything goes that leaves.

    kill switch → consent → quota → durable intent → wire → outcome

The ledger reads the switch, lets the governor decide and writes the intent, all in one
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from activation.clock import Clock
from activation.delivery.calls import Calls, Heard, Made, Missed
from activation.delivery.consent import Consent
from activation.delivery.doubt import (
    fence_of_intent,
    same_bytes_may_go,
)
from activation.delivery.halt import Halt
from activation.delivery.jobs import Jobs, Left
from activation.delivery.journal import Journal
from activation.delivery.parcels import Parcel
from activation.delivery.people import People
from activation.delivery.ports import Wire
from activation.delivery.resting import Resting
from activation.delivery.retry import Patience
from activation.delivery.routes import Routes
from activation.delivery.settling import Settling
from activation.destinations.base import JobEndpoint, RequestEndpoint
from activation.errors import (
    Applied,
    BatchRefused,
    DestinationError,
    QuotaExhausted,
    QuotaRefused,
    Stopped,
    Transient,
    Unavailable,
)
from activation.governor.budget import Budget
from activation.ledger.attempts import Departure
from activation.ledger.batches import REVOKED, Intent
from activation.ledger.clearances import Ask, Cause, Clearance, Wait

_PACED = (Cause.PACE, Cause.ANSWER, Cause.SHARE, Cause.PEOPLE)
"""What is waited for however long it takes: it is not the vendor who is in trouble."""

_TROUBLE = {
    Cause.BREAKER: "fails again and again",
    Cause.RETRY_AFTER: "asked not to be asked",
    Cause.RETRIES: "had too many repetitions lately",
}


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A request that was made, and what came of it."""

    parcel: Parcel
    deadline: datetime
    made: Made[Heard] | Missed


@dataclass(frozen=True, slots=True)
class _Opening:
    """A job that was asked for, and what came of it."""

    parcel: Parcel
    endpoint: JobEndpoint
    deadline: datetime
    made: Made[str] | Missed


@dataclass(slots=True)
class SendPath:
    """Sends parcels of one plan and keeps what comes of them."""

    routes: Routes
    journal: Journal
    calls: Calls
    settling: Settling
    jobs: Jobs
    rest: Resting
    budget: Budget
    consent: Consent
    people: People
    clock: Clock
    wire: Wire
    patience: Patience
    request_seconds: float
    halt: Halt

    async def send(self, parcel: Parcel) -> None:
        """
        Send a parcel, and the smaller ones it falls into, until each row has an outcome.

        Raises:
            Stopped: no further request may start; all that was sent is recorded.
        """
        waiting = [parcel]
        while waiting:
            parts = await self._carry(waiting.pop())
            if not parcel.only_adopt:
                waiting.extend(reversed(parts))

    async def _carry(self, parcel: Parcel) -> Sequence[Parcel]:
        """Bring one parcel to its outcome; return the smaller ones in which rows travel on."""
        while True:
            await self.rest(parcel.wait, for_answer=parcel.for_answer)
            if self.halt.called:
                await self.settling.leave(parcel)
                return ()
            try:
                if parcel.job:
                    return await self._adopt(parcel)
                attempt = await self._attempt(parcel)
            except Stopped:
                await self.settling.leave(parcel)
                raise
            if isinstance(attempt, Parcel):
                parcel = attempt
                continue
            if isinstance(attempt, _Opening):
                unsettled, parts = await self._run_job(attempt)
            elif isinstance(attempt, _Attempt):
                unsettled, parts = await self._settle(attempt)
            else:
                return attempt
            if unsettled is None:
                return parts
            parcel = unsettled

    async def _attempt(self, parcel: Parcel) -> _Attempt | _Opening | Parcel | Sequence[Parcel]:
        """
        Make one request, if it may leave.

        A place on the wire comes first: consent and clearance would grow old while the request
        waits for one, and its time would run.

        Returns:
            what came of it; the parcel, if it must wait; or the smaller ones that it fell into.
        """
        async with self.calls.at_once:
            cleared, parts = await self._clear(parcel)
            if cleared is None:
                return parts
            intent = self._intent(cleared)
            ask = self._ask(cleared, intent)
            answer = await self.journal.ask(Departure(ask, intent, cleared.people_seen))
            if isinstance(answer, Wait):
                if answer.cause is Cause.PEOPLE:
                    await self.people.renew()
                return self._held_up(cleared, answer)
            begun, deadline = self._begun(cleared, intent, answer), intent.send_deadline
            endpoint = begun.route.endpoint
            if isinstance(endpoint, RequestEndpoint):
                made = await self.calls.make(answer, deadline, partial(self._post, begun, endpoint))
                return _Attempt(begun, deadline, made)
            opening = partial(self._open, begun, endpoint)
            opened = await self.calls.make(answer, deadline, opening)
            return _Opening(begun, endpoint, deadline, opened)

    async def _run_job(self, opening: _Opening) -> tuple[Parcel | None, Sequence[Parcel]]:
        """Run a job that was made; return the parcel if there is none, or what it fell into."""
        parcel, made = opening.parcel, opening.made
        if isinstance(made, Made):
            opened = await self.jobs.opened(parcel, made.spent, made.value)
            try:
                return None, await self._end_job(await self.jobs.start(opened, opening.endpoint))
            except Stopped:
                await self.settling.leave(opened)
                raise
        error = made.error
        if isinstance(error, Transient):
            # A job that nobody knows the id of never starts.
            error = error.with_applied(Applied.NO)
        parcel = await self.settling.unanswered(parcel, error, opening.deadline, made.spent)
        if not isinstance(error, Transient):
            raise self._stopped(error) from None
        return (None, ()) if self.halt.called else (await self._patiently(parcel, error), ())

    async def _adopt(self, parcel: Parcel) -> Sequence[Parcel]:
        """Take up the job of a parcel where it stands."""
        endpoint = parcel.route.endpoint
        if isinstance(endpoint, RequestEndpoint):
            await self.settling.leave(parcel)
            return ()
        return await self._end_job(await self.jobs.adopt(parcel, endpoint))

    async def _end_job(self, ended: Sequence[Parcel] | Left) -> Sequence[Parcel]:
        """Return what a job left to be sent; one that is not over for us stays in doubt."""
        if not isinstance(ended, Left):
            return ended
        await self.settling.leave(ended.parcel)
        error = ended.error
        if error is None or (isinstance(error, Transient) and error.applied is Applied.UNKNOWN):
            return ()
        raise self._stopped(error) from None

    async def _settle(self, attempt: _Attempt) -> tuple[Parcel | None, Sequence[Parcel]]:
        """Keep what came of a request; return the parcel if it must go again, or its parts."""
        parcel, deadline, made = attempt.parcel, attempt.deadline, attempt.made
        if isinstance(made, Made):
            return None, await self.settling.answered(parcel, made.value.results, made.spent)
        error = made.error
        if isinstance(error, BatchRefused):
            return None, await self.settling.refused(parcel, error, spent=made.spent)
        parcel = await self.settling.unanswered(parcel, error, deadline, made.spent)
        if not isinstance(error, Transient):
            await self.settling.leave(parcel)
            raise self._stopped(error) from None
        if self.halt.called or (parcel.fence and not self.may_go_again(parcel)):
            await self.settling.leave(parcel)
            return None, ()
        return await self._patiently(parcel, error), ()

    async def _clear(self, parcel: Parcel) -> tuple[Parcel | None, Sequence[Parcel]]:
        """Take out whom nobody may reach any more; return the parcel, or what it fell into."""
        revoked = (await self.consent.revoked()).intersection(parcel.numbers)
        reasons: dict[int, str] = dict.fromkeys(revoked, REVOKED)
        if parcel.people_seen != self.people.known.seen:
            parcel = self.people.looked_at(parcel)
            reasons |= self.people.withheld(parcel)
        cleared, parts = await self.settling.withdraw(parcel, reasons) if reasons else (parcel, ())
        if cleared is not None and len(cleared.payload) > cleared.route.traits.batch_bytes:
            too_large = BatchRefused("It does not fit into a request.", code="TOO_LARGE")
            return None, await self.settling.refused(cleared, too_large, spent=None)
        return cleared, parts

    def _intent(self, parcel: Parcel) -> Intent:
        deadline = self.clock.now() + timedelta(seconds=self.request_seconds)
        traits = parcel.route.traits
        return Intent(
            replace(parcel.cut, attempts=parcel.cut.attempts + 1),
            parcel.digest,
            deadline,
            fence_of_intent(traits, deadline),
            verb=parcel.route.verb,
            endpoint=traits.name,
        )

    def _ask(self, parcel: Parcel, intent: Intent) -> Ask:
        return Ask(
            holder=parcel.cut.id,
            endpoint=parcel.route.traits.name,
            buckets=parcel.route.buckets,
            until=intent.send_deadline,
            requests=parcel.route.requests,
            withdrawal=parcel.route.withdrawal,
            repeated=parcel.tries > 0,
            intended=True,
        )

    def _begun(self, parcel: Parcel, intent: Intent, clearance: Clearance) -> Parcel:
        """Return the parcel as its request is about to leave."""
        return replace(
            parcel,
            cut=intent.cut,
            tries=parcel.tries + 1,
            began=self.clock.monotonic() if parcel.began is None else parcel.began,
            first_at=parcel.first_at or clearance.at,
            wait=0,
            for_answer=False,
            held_up=None,
        )

    def _held_up(self, parcel: Parcel, wait: Wait) -> Parcel:
        """
        Return the parcel as it waits for the governor.

        Raises:
            Unavailable: the vendor's trouble lasts longer than the contract waits.
        """
        if wait.cause in _PACED:
            for_answer = wait.cause is Cause.ANSWER
            return replace(parcel, wait=wait.seconds, for_answer=for_answer)
        now = self.clock.monotonic()
        since = now if parcel.held_up is None else parcel.held_up
        if now - since + wait.seconds > self.patience.within:
            raise Unavailable(
                f"{self.budget.connection} {_TROUBLE[wait.cause]}; it is not asked again for "
                f"{wait.seconds:.0f} s, which is longer than this delivery waits.",
                hint="Repeat later; what is not sent stays planned.",
                sync=self.budget.sync,
                batch=parcel.cut.id,
            )
        return replace(parcel, wait=wait.seconds, for_answer=False, held_up=since)

    def _open(self, parcel: Parcel, endpoint: JobEndpoint, seconds: float) -> str:
        return endpoint.open_job(parcel.route.target, seconds=seconds)

    def _post(self, parcel: Parcel, endpoint: RequestEndpoint, seconds: float) -> Heard:
        keys = parcel.keys
        answer = endpoint.send(parcel.route.target, parcel.payload, seconds=seconds)
        results = endpoint.decode(answer, keys)
        if len(results) != len(keys):
            raise Transient(
                "The answer does not fit the request.",
                code="ANSWER_INCOMPLETE",
                applied=Applied.UNKNOWN,
            )
        return Heard(answer, results)

    async def _patiently(self, parcel: Parcel, error: Transient) -> Parcel:
        wait = self.settling.wait(parcel, error.retry_after)
        if wait is not None:
            return replace(parcel, wait=wait)
        await self.settling.leave(parcel)
        raise Unavailable(
            f"{self.budget.connection} did not take batch {parcel.cut.id} in {parcel.tries} "
            f"attempts ({error.code}).",
            hint="Repeat when it answers again; what is not sent stays planned.",
            sync=self.budget.sync,
            batch=parcel.cut.id,
        )

    def may_go_again(self, parcel: Parcel) -> bool:
        """Return whether the same bytes may be sent again, though they may have been applied."""
        return same_bytes_may_go(
            parcel.route.traits,
            first_at=parcel.first_at,
            now=self.clock.now(),
            seconds=self.request_seconds,
        )

    def _stopped(self, error: DestinationError) -> Stopped:
        connection = self.budget.connection
        if isinstance(error, QuotaRefused):
            return QuotaExhausted(
                f"{connection} says that its requests of the day are used up ({error.code}).",
                hint="What is not sent stays planned; repeat when the vendor's day has turned.",
                sync=self.budget.sync,
            )
        if isinstance(error, Transient):
            return Unavailable(
                f"{connection} cannot be asked about its job ({error.code}).",
                hint="Repeat when it answers again; the job is taken up where it stands.",
                sync=self.budget.sync,
            )
        return Unavailable(
            f"{connection} does not accept our credentials ({error.code}).",
            hint="Renew them or grant the missing permission, then repeat.",
            sync=self.budget.sync,
        )
