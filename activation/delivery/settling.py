"""What becomes of parcels: their outcomes, written down."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from activation.clock import Clock
from activation.delivery import answers
from activation.delivery.doubt import (
    FOR_GOOD,
    does_no_harm,
    fence_of_answer,
    fence_of_attempt,
    fence_of_doubt,
)
from activation.delivery.journal import Journal
from activation.delivery.parcels import Parcel
from activation.delivery.retry import Patience
from activation.destinations.base import Fate, RowError, RowResult
from activation.destinations.traits import EndpointClass
from activation.errors import (
    Applied,
    BatchRefused,
    Busy,
    DestinationError,
    Transient,
    Unavailable,
)
from activation.hash_keys import HashKeys
from activation.ledger.attempts import Settlement
from activation.ledger.batches import BatchState, Cut
from activation.ledger.clearances import Spent

_REFUSED_IN_A_ROW = 25
"""Single rows refused with nothing answered in between: then it is not the rows."""


@dataclass(slots=True)
class Settling:
    """Keeps what came of each attempt, and tells in which parcels rows travel on."""

    journal: Journal
    clock: Clock
    randomness: random.Random
    patience: Patience
    recorded: Callable[[Settlement], None]
    """Told of each settlement once it is durable."""
    open_letters: frozenset[str]
    """Names of rows with an open dead letter when the delivery began."""
    names: HashKeys
    """By which rows are named in dead letters."""
    _refused_in_a_row: int = 0

    async def withdraw(
        self, parcel: Parcel, reasons: Mapping[int, str]
    ) -> tuple[Parcel | None, Sequence[Parcel]]:
        """
        Take rows out that may not leave any more, each for its reason.

        If they may have been written already, by an attempt that nobody answered, they stay in
        doubt, and the rest travels on in a smaller parcel where its bytes may differ.
        """
        if parcel.fence is None:
            parcel = parcel.without(reasons)
            if parcel.cut.operations:
                return parcel, ()
            await self.record(Settlement(parcel.cut, BatchState.BLOCKED))
            return None, ()
        numbers = parcel.numbers
        staying = [i for i, number in enumerate(numbers) if number not in reasons]
        leaving = [i for i, number in enumerate(numbers) if number in reasons]
        upsert = parcel.route.traits.endpoint_class is EndpointClass.KEYED_UPSERT
        if not staying or not upsert:
            await self.leave(parcel)
            return None, ()
        rest = parcel.part("k", staying)
        doubted = parcel.part("w", leaving)
        await self.record(
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

    async def answered(
        self, parcel: Parcel, results: Sequence[RowResult], spent: Spent
    ) -> Sequence[Parcel]:
        """
        Keep the vendor's verdict on each row, all of it at once.

        Rows that it does not speak of go again where that does no harm; elsewhere they could be
        made twice, and stay in doubt.
        """
        self._refused_in_a_row = 0
        rows = answers.sort(results)
        traits, now = parcel.route.traits, self.clock.now()
        retryable, doubted = rows.retryable, rows.untold
        if does_no_harm(traits):
            retryable, doubted = tuple(sorted((*rows.retryable, *rows.untold))), ()
        wait = self.wait(parcel, None) if retryable else None
        dead = rows.dead if wait is not None else (*rows.dead, *retryable)
        parts: tuple[Parcel, ...] = ()
        if wait is not None:
            parts = (replace(parcel.part("r", retryable), wait=wait),)
        children = [(part.cut, BatchState.PLANNED) for part in parts]
        if doubted:
            children.append((parcel.part("u", doubted).cut, BatchState.IN_DOUBT))
        letters = [
            answers.letter(
                parcel,
                i,
                error,
                names=self.names,
                now=now,
                longest_wait=self.patience.longest_wait,
            )
            for i in dead
            if (error := results[i].error) is not None
        ]
        await self.record(
            Settlement(
                parcel.cut,
                BatchState.DELIVERED,
                delivered=parcel.count(rows.delivered),
                rejected=parcel.count(dead),
                receipts=answers.receipts(parcel, results, rows.delivered),
                fence_until=fence_of_answer(traits, parcel.fence, now),
                children=tuple(children),
                doubt_until=FOR_GOOD if doubted else None,
                letters=tuple(letters),
                closed_keys=answers.closed(parcel, rows.delivered, self.open_letters, self.names),
                spent=spent,
            )
        )
        return parts

    async def refused(
        self, parcel: Parcel, error: BatchRefused, *, spent: Spent | None
    ) -> Sequence[Parcel]:
        """Halve what was refused whole, until the row that is to blame stands alone."""
        refused = Settlement(parcel.cut, BatchState.REFUSED, fence_until=parcel.fence, spent=spent)
        if parcel.cut.rows > 1:
            middle = parcel.cut.rows // 2
            halves = [
                replace(parcel.part(suffix, positions), tries=0, began=None)
                for suffix, positions in (
                    ("a", range(middle)),
                    ("b", range(middle, parcel.cut.rows)),
                )
            ]
            children = tuple((half.cut, BatchState.PLANNED) for half in halves)
            await self.record(replace(refused, children=children))
            return halves
        reason = RowError(error.code, error.message, Fate.PERMANENT)
        letter = answers.letter(
            parcel, 0, reason, names=self.names, now=self.clock.now(), longest_wait=0
        )
        await self.record(replace(refused, rejected=dict(parcel.cut.operations), letters=(letter,)))
        self._refused_in_a_row += 1
        if self._refused_in_a_row >= _REFUSED_IN_A_ROW:
            budget = self.journal.budget
            raise Unavailable(
                f"{budget.connection} refused {_REFUSED_IN_A_ROW} single rows one after the "
                f"other ({error.code}); it is not the rows.",
                hint="Compare the mapping with what the destination describes, then replay.",
                sync=budget.sync,
            )
        return ()

    async def unanswered(
        self, parcel: Parcel, error: DestinationError, deadline: datetime, spent: Spent
    ) -> Parcel:
        """Keep that an attempt brought no verdict, and whether it may take effect all the same."""
        if isinstance(error, Transient) and error.applied is Applied.UNKNOWN:
            fence = fence_of_attempt(parcel.route.traits, deadline)
            parcel = replace(parcel, fence=max(fence, parcel.fence or fence))
        state = BatchState.SENT if parcel.fence else BatchState.PLANNED
        await self.record(Settlement(parcel.cut, state, fence_until=parcel.fence, spent=spent))
        return parcel

    async def leave(self, parcel: Parcel) -> None:
        """Let a parcel lie: in doubt if an attempt was never answered, else as it was planned."""
        if parcel.fence is not None:
            fence = fence_of_doubt(parcel.route.traits, parcel.fence)
            await self.doubt(parcel.cut, fence, payload_digest=parcel.digest)

    async def doubt(
        self, cut: Cut, fence_until: datetime | None, *, payload_digest: str | None = None
    ) -> None:
        """Keep that nobody knows whether a batch was applied, and which bytes may settle it."""
        # Without ledger or lease the batch stays `sent`, which the next run settles as well.
        with suppress(Unavailable, Busy):
            await self.record(
                Settlement(
                    cut,
                    BatchState.IN_DOUBT,
                    fence_until=fence_until,
                    payload_digest=payload_digest,
                )
            )

    def wait(self, parcel: Parcel, retry_after: float | None) -> float | None:
        """Return the seconds until these rows go again, or None if they do not."""
        began = self.clock.monotonic() if parcel.began is None else parcel.began
        return self.patience.wait(
            tries=parcel.tries,
            elapsed=self.clock.monotonic() - began,
            retry_after=retry_after,
            randomness=self.randomness,
        )

    async def record(self, settlement: Settlement) -> None:
        """Write what came of an attempt, and tell of it."""
        await self.journal.record(settlement)
        self.recorded(settlement)
