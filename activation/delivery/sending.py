"""
The one send path, through which everything goes that leaves.

    kill switch → consent → quota → durable intent → wire → outcome

The ledger reads the switch once more, reserves the quota and writes the intent, all in one
transaction.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from activation.clock import Clock
from activation.delivery import answers
from activation.delivery.consent import Consent
from activation.delivery.halt import Halt
from activation.delivery.parcels import Encode, Parcel
from activation.delivery.ports import Wire
from activation.delivery.retry import Patience
from activation.destinations.base import (
    Fate,
    QuotaReading,
    RequestEndpoint,
    RowError,
    RowResult,
    Target,
)
from activation.destinations.traits import EndpointClass
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    Busy,
    DestinationError,
    QuotaExhausted,
    QuotaRefused,
    Stopped,
    Transient,
    Unavailable,
)
from activation.governor.budget import Budget
from activation.ledger import Ledger
from activation.ledger.attempts import Settlement
from activation.ledger.batches import BatchState, Cut, Intent
from activation.ledger.leases import Lease

T = TypeVar("T")

_REFUSED_IN_A_ROW = 25
"""Single rows refused with nothing answered in between: then it is not the rows."""


@dataclass(slots=True)
class SendPath:
    """Sends parcels of one plan and keeps what comes of them."""

    endpoint: RequestEndpoint
    target: Target
    encode: Encode
    ledger: Ledger
    lease: Lease
    budget: Budget
    consent: Consent
    clock: Clock
    wire: Wire
    randomness: random.Random
    patience: Patience
    request_seconds: float
    halt: Halt
    recorded: Callable[[Settlement], None]
    """Told of each settlement once it is durable."""
    open_letters: frozenset[str] = frozenset()
    """Hashes of keys with an open dead letter when the delivery began."""
    _refused_in_a_row: int = 0
    # One writer at a time, or threads of one process would wait for each other in the database.
    _ledger_turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, parcel: Parcel) -> None:
        """
        Send a parcel, and the smaller ones it falls into, until each row has an outcome.

        Raises:
            Stopped: no further request may start; all that was sent is recorded.
        """
        waiting = [parcel]
        while waiting:
            waiting.extend(reversed(await self._carry(waiting.pop())))

    async def _carry(self, parcel: Parcel) -> Sequence[Parcel]:
        """Bring one parcel to its outcome; return the smaller ones in which rows travel on."""
        while True:
            await self._rest(parcel.wait)
            if self.halt.called:
                await self.leave(parcel)
                return ()
            try:
                cleared, parts = await self._clear(parcel)
                if cleared is None:
                    return parts
                parcel, deadline = await self._intend(cleared)
            except Stopped:
                await self.leave(parcel)
                raise
            unsettled, parts = await self._attempt(parcel, deadline)
            if unsettled is None:
                return parts
            parcel = unsettled

    async def _attempt(
        self, parcel: Parcel, deadline: datetime
    ) -> tuple[Parcel | None, Sequence[Parcel]]:
        """Make one request; return the parcel if it must go again, or what it fell into."""
        reserved_at = self.clock.now()
        try:
            results, quota = await self._post(parcel, deadline)
        except Transient as error:
            parcel = await self._unanswered(parcel, error, deadline, reserved_at)
            if parcel.fence and not self._same_bytes_may_go_again:
                await self.leave(parcel)
                return None, ()
            return await self._patiently(parcel, error), ()
        except BatchRefused as error:
            return None, await self._refused(parcel, error, reserved_at=reserved_at)
        except (QuotaRefused, AccessRefused) as error:
            await self._unanswered(parcel, error, deadline, reserved_at)
            await self.leave(parcel)
            raise self._stopped(error) from None
        return None, await self._answered(parcel, results, quota, reserved_at)

    async def _clear(self, parcel: Parcel) -> tuple[Parcel | None, Sequence[Parcel]]:
        """Pass the kill switch and consent; return the parcel, or what it fell into."""
        sync, connection = self.budget.sync, self.budget.connection
        await self._books(lambda: self.ledger.switches.check(sync, connection))
        revoked = (await self.consent.revoked()).intersection(parcel.numbers)
        cleared, parts = await self._withdraw(parcel, revoked) if revoked else (parcel, ())
        if cleared is not None and len(cleared.payload) > self.endpoint.traits.batch_bytes:
            too_large = BatchRefused("It does not fit into a request.", code="TOO_LARGE")
            return None, await self._refused(cleared, too_large, reserved_at=None)
        return cleared, parts

    async def _withdraw(
        self, parcel: Parcel, revoked: Collection[int]
    ) -> tuple[Parcel | None, Sequence[Parcel]]:
        """
        Take rows out that lost consent.

        If they may have been written already, by an attempt
        that nobody answered, they stay in doubt, and the rest travels on in a smaller parcel.
        """
        if parcel.fence is None:
            parcel = parcel.without(revoked, self.encode)
            if parcel.cut.operations:
                return parcel, ()
            await self._record(Settlement(parcel.cut, BatchState.BLOCKED))
            return None, ()
        numbers = parcel.numbers
        staying = [i for i, number in enumerate(numbers) if number not in revoked]
        leaving = [i for i, number in enumerate(numbers) if number in revoked]
        if not staying:
            await self.leave(parcel)
            return None, ()
        rest = parcel.part("k", staying, self.encode)
        doubted = parcel.part("w", leaving, self.encode)
        await self._record(
            Settlement(
                parcel.cut,
                BatchState.SPLIT,
                fence_until=parcel.fence,
                children=(
                    (rest.cut, BatchState.PLANNED),
                    (doubted.cut, BatchState.IN_DOUBT),
                ),
            )
        )
        return None, (rest,)

    async def _intend(self, parcel: Parcel) -> tuple[Parcel, datetime]:
        now = self.clock.now()
        deadline = now + timedelta(seconds=self.request_seconds)
        parcel = replace(
            parcel,
            cut=replace(parcel.cut, attempts=parcel.cut.attempts + 1),
            tries=parcel.tries + 1,
            began=self.clock.monotonic() if parcel.began is None else parcel.began,
        )
        intent = Intent(parcel.cut, parcel.digest, deadline, self._fence_after(deadline))
        await self._books(lambda: self.ledger.intend(intent, lease=self.lease, budget=self.budget))
        return parcel, deadline

    async def _post(
        self, parcel: Parcel, deadline: datetime
    ) -> tuple[Sequence[RowResult], QuotaReading | None]:
        keys = parcel.keys

        def post() -> tuple[Sequence[RowResult], QuotaReading | None]:
            seconds = (deadline - self.clock.now()).total_seconds()
            if seconds <= 0:
                raise Transient("The request's time ran out before it began.", code="TOO_LATE")
            answer = self.endpoint.send(self.target, parcel.payload, seconds=seconds)
            results = self.endpoint.decode(answer, keys)
            if len(results) != len(keys):
                raise Transient(
                    "The answer does not fit the request.",
                    code="ANSWER_INCOMPLETE",
                    applied=Applied.UNKNOWN,
                )
            return results, answer.quota

        return await self.wire.run(post)

    async def _answered(
        self,
        parcel: Parcel,
        results: Sequence[RowResult],
        quota: QuotaReading | None,
        reserved_at: datetime,
    ) -> Sequence[Parcel]:
        """Keep the vendor's verdict on each row, all of it at once."""
        self._refused_in_a_row = 0
        rows = answers.sort(results)
        wait = self._wait(parcel, None) if rows.retryable else None
        dead = rows.permanent if wait is not None else (*rows.permanent, *rows.retryable)
        parts: tuple[Parcel, ...] = ()
        if wait is not None:
            part = parcel.part("r", rows.retryable, self.encode)
            parts = (replace(part, wait=wait),)
        now = self.clock.now()
        letters = [
            answers.letter(parcel, i, error, now=now, longest_wait=self.patience.longest_wait)
            for i in dead
            if (error := results[i].error) is not None
        ]
        await self._record(
            Settlement(
                parcel.cut,
                BatchState.DELIVERED,
                delivered=parcel.count(rows.delivered),
                rejected=parcel.count(dead),
                receipts=answers.receipts(parcel, results, rows.delivered),
                fence_until=parcel.fence,
                children=tuple((part.cut, BatchState.PLANNED) for part in parts),
                letters=tuple(letters),
                closed_keys=answers.closed(parcel, rows.delivered, self.open_letters),
                reserved_at=reserved_at,
                quota=quota,
            )
        )
        return parts

    async def _refused(
        self, parcel: Parcel, error: BatchRefused, *, reserved_at: datetime | None
    ) -> Sequence[Parcel]:
        """Halve what was refused whole, until the row that is to blame stands alone."""
        refused = Settlement(
            parcel.cut, BatchState.REFUSED, fence_until=parcel.fence, reserved_at=reserved_at
        )
        if parcel.cut.rows > 1:
            middle = parcel.cut.rows // 2
            halves = [
                replace(parcel.part(suffix, positions, self.encode), tries=0, began=None)
                for suffix, positions in (
                    ("a", range(middle)),
                    ("b", range(middle, parcel.cut.rows)),
                )
            ]
            children = tuple((half.cut, BatchState.PLANNED) for half in halves)
            await self._record(replace(refused, children=children))
            return halves
        reason = RowError(error.code, error.message, Fate.PERMANENT)
        letter = answers.letter(parcel, 0, reason, now=self.clock.now(), longest_wait=0)
        await self._record(
            replace(refused, rejected=dict(parcel.cut.operations), letters=(letter,))
        )
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= _REFUSED_IN_A_ROW:
            raise Unavailable(
                f"{self.budget.connection} refused {_REFUSED_IN_A_ROW} single rows one after the "
                f"other ({error.code}); it is not the rows.",
                hint="Compare the mapping with what the destination describes, then replay.",
                sync=self.budget.sync,
            )
        return ()

    async def _unanswered(
        self,
        parcel: Parcel,
        error: DestinationError,
        deadline: datetime,
        reserved_at: datetime,
    ) -> Parcel:
        """Keep that an attempt brought no verdict, and whether it may take effect all the same."""
        if isinstance(error, Transient) and error.applied is Applied.UNKNOWN:
            parcel = replace(parcel, fence=self._fence_after(deadline))
        state = BatchState.SENT if parcel.fence else BatchState.PLANNED
        await self._record(
            Settlement(parcel.cut, state, fence_until=parcel.fence, reserved_at=reserved_at)
        )
        return parcel

    async def _patiently(self, parcel: Parcel, error: Transient) -> Parcel:
        wait = self._wait(parcel, error.retry_after)
        if wait is not None:
            return replace(parcel, wait=wait)
        await self.leave(parcel)
        raise Unavailable(
            f"{self.budget.connection} did not take batch {parcel.cut.id} in {parcel.tries} "
            f"attempts ({error.code}).",
            hint="Repeat when it answers again; what is not sent stays planned.",
            sync=self.budget.sync,
            batch=parcel.cut.id,
        )

    async def leave(self, parcel: Parcel) -> None:
        """Let a parcel lie: in doubt if an attempt was never answered, else as it was planned."""
        if parcel.fence is not None:
            await self.doubt(parcel.cut, parcel.fence, payload_digest=parcel.digest)

    async def doubt(
        self, cut: Cut, fence_until: datetime | None, *, payload_digest: str | None = None
    ) -> None:
        """Keep that nobody knows whether a batch was applied, and which bytes may settle it."""
        # Without ledger or lease the batch stays `sent`, which the next run settles as well.
        with suppress(Unavailable, Busy):
            await self._record(
                Settlement(
                    cut,
                    BatchState.IN_DOUBT,
                    fence_until=fence_until,
                    payload_digest=payload_digest,
                )
            )

    async def _rest(self, seconds: float) -> None:
        while seconds > 0 and not self.halt.called:
            some = min(seconds, self.lease.seconds / 3)
            await self.halt.rest(self.clock, some)
            seconds -= some
            if seconds > 0:
                await self._books(lambda: self.ledger.leases.renew(self.lease))

    def _wait(self, parcel: Parcel, retry_after: float | None) -> float | None:
        began = self.clock.monotonic() if parcel.began is None else parcel.began
        return self.patience.wait(
            tries=parcel.tries,
            elapsed=self.clock.monotonic() - began,
            retry_after=retry_after,
            randomness=self.randomness,
        )

    @property
    def _same_bytes_may_go_again(self) -> bool:
        return self.endpoint.traits.endpoint_class is EndpointClass.KEYED_UPSERT

    def _fence_after(self, deadline: datetime) -> datetime:
        return deadline + self.endpoint.traits.horizon

    def _stopped(self, error: DestinationError) -> Stopped:
        connection = self.budget.connection
        if isinstance(error, QuotaRefused):
            return QuotaExhausted(
                f"{connection} says that its requests of the day are used up ({error.code}).",
                hint="What is not sent stays planned; repeat when the vendor's day has turned.",
                sync=self.budget.sync,
            )
        return Unavailable(
            f"{connection} does not accept our credentials ({error.code}).",
            hint="Renew them or grant the missing permission, then repeat.",
            sync=self.budget.sync,
        )

    async def _record(self, settlement: Settlement) -> None:
        await self._books(
            lambda: self.ledger.record(settlement, lease=self.lease, budget=self.budget)
        )
        self.recorded(settlement)

    async def _books(self, call: Callable[[], T]) -> T:
        async with self._ledger_turn:
            return await self.wire.run(call)
