"""Delivers a plan: reads, encodes, sends and records at the same time, and stops in good order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from activation.clock import Clock
from activation.delivery.admission import admit
from activation.delivery.carrying import Means, Parcels, carry_all, open_path, read, reopened
from activation.delivery.journal import Journal
from activation.delivery.order import DeliveryOrder, Outcomes
from activation.delivery.parcels import cut_rows, fresh, verb_of
from activation.delivery.ports import Actions, Progress, Wire
from activation.delivery.routes import Route
from activation.delivery.sending import SendPath
from activation.destinations.base import Destination
from activation.errors import Busy, Paused, QuotaExhausted, Unavailable
from activation.ledger import Ledger
from activation.ledger.attempts import Settlement
from activation.ledger.batches import OPEN, UNKNOWN, BatchRecord
from activation.ledger.conservation import check
from activation.ledger.outcomes import tally
from activation.ledger.plans import PlanRecord, PlanState
from activation.ledger.ranges import gaps

_MOST_ROWS = 50_000
"""Rows that are read at once where a batch holds fewer."""

_REASONS: dict[type[Exception], str] = {
    Paused: "paused",
    QuotaExhausted: "quota",
    Unavailable: "unavailable",
    Busy: "busy",
}


async def deliver(  # noqa: PLR0913 - everything is handed in, so that a simulator can be
    order: DeliveryOrder,
    *,
    destination: Destination,
    actions: Actions,
    ledger: Ledger,
    clock: Clock,
    wire: Wire,
    randomness: random.Random,
    progress: Callable[[Progress], None],
) -> Outcomes:
    """
    Send what a plan has in mind, and return what became of it.

    A plan that was delivered in part is taken up where it was left; one that was delivered to the
    end is not sent again.

    Raises:
        Refused: the plan may not be delivered; nothing was sent.
        Busy: another run of the sync is under way; nothing was sent.
        Stopped: it ended early. What was sent is recorded, the rest is held; `ledger.outcomes`
            tells which. Safe to repeat.
        RowsLostError: the rows do not add up.
    """
    seconds = order.bounds.lease_seconds
    lease = ledger.leases.acquire(order.contract.sync, order.owner, seconds=seconds)
    try:
        # Asked under the lease, or another run could send a newer plan after the answer.
        plan = admit(order, ledger, clock.now())
        if plan.state is PlanState.SETTLED:
            return outcomes(ledger, plan.digest)
        ledger.plans.mark(plan.digest, PlanState.DELIVERING)
        if reading := destination.quota():
            ledger.quota.told(plan.connection, reading)
        known = ledger.batches.of_plan(plan.digest)
        path = open_path(
            Means(destination, ledger, clock, wire, randomness),
            order,
            lease,
            actions,
            plan=plan,
            recorded=_Teller(plan, known, progress).tell,
        )
        parcels = _parcels(plan, known, actions, path, chunk_batches=order.bounds.chunk_batches)
        await carry_all(parcels, path, order)
        return _close(ledger, plan, path.halt.reason)
    finally:
        with suppress(Unavailable):  # it runs out by itself
            ledger.leases.release(lease)


def outcomes(ledger: Ledger, plan_digest: str) -> Outcomes:
    """
    Return what became of a plan so far.

    Raises:
        RowsLostError: the rows do not add up.
    """
    plan = ledger.plans.get(plan_digest)
    batches = ledger.batches.of_plan(plan_digest)
    return _outcomes(ledger, plan, batches, settled=plan.state is PlanState.SETTLED)


def _outcomes(
    ledger: Ledger, plan: PlanRecord, batches: Sequence[BatchRecord], *, settled: bool
) -> Outcomes:
    tallies = tally(plan, batches)
    check(tallies)
    return Outcomes(
        plan_digest=plan.digest,
        tallies=tallies,
        requests=sum(batch.requests for batch in batches),
        dead_letters=ledger.dead_letters.of_plan(plan.digest),
        settled=settled,
    )


async def _parcels(
    plan: PlanRecord,
    known: Sequence[BatchRecord],
    actions: Actions,
    path: SendPath,
    *,
    chunk_batches: int,
) -> Parcels:
    """Yield what is left of a plan: what nobody answered, what was put back, what is new."""
    cuts = [(b.cut.first_action, b.cut.last_action) for b in known if b.cut.parent is None]
    stretches = list(_stretches(plan, cuts))
    # A verb that the destination does not offer ends it here, before anything is sent.
    verbs = [verb_of(await read(actions, start, start, path.wire)) for start, _ in stretches]
    routes = [path.routes.of(verb) for verb in verbs]
    _expect(path.journal, known, zip(stretches, routes, strict=True))
    for batch in sorted(known, key=_unknown_last, reverse=True):
        if batch.state in OPEN and (parcel := await reopened(batch, actions, path)):
            yield parcel
    seq = max((batch.cut.seq for batch in known), default=0)
    for (start, end), route in zip(stretches, routes, strict=True):
        batch_rows = route.traits.batch_rows
        chunk = batch_rows * max(1, min(chunk_batches, _MOST_ROWS // batch_rows))
        for first in range(start, end + 1, chunk):
            rows = await read(actions, first, min(first + chunk - 1, end), path.wire)
            pieces = cut_rows(rows, first, path.routes)
            while piece := await path.wire.run(partial(next, pieces, None)):
                seq += 1
                yield fresh(plan.digest, plan.sync, seq, *piece)


def _stretches(plan: PlanRecord, cuts: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what no batch was cut from yet; removals, which stand first, by themselves."""
    removals = sum(
        count.rows
        for count in plan.counts
        if count.operation == "delete" and count.disposition == "send"
    )
    for start, end in gaps(cuts, 0, plan.to_send - 1):
        if start < removals <= end:
            yield start, removals - 1
            yield removals, end
        else:
            yield start, end


def _expect(
    journal: Journal,
    known: Iterable[BatchRecord],
    ahead: Iterable[tuple[tuple[int, int], Route]],
) -> None:
    """Tell the journal how many requests are yet to be made, for the other syncs to know."""
    journal.waiting += sum(batch.state in OPEN for batch in known)
    for (start, end), route in ahead:
        batches = -(-(end - start + 1) // route.traits.batch_rows)
        requests = batches * route.requests
        journal.waiting += requests
        journal.withdrawals += requests if route.withdrawal else 0


def _unknown_last(batch: BatchRecord) -> bool:
    return batch.state in UNKNOWN


def _close(ledger: Ledger, plan: PlanRecord, reason: Exception | None) -> Outcomes:
    """Keep how far the plan came, hold its rows against the equation, and tell why it ended."""
    if reason is not None:
        why = _REASONS.get(type(reason), "failed")
        with suppress(Unavailable):  # the reason itself is worth more
            ledger.plans.mark(plan.digest, PlanState.DELIVERING, stopped_by=why)
            check(ledger.outcomes(plan.digest))
        raise reason
    batches = ledger.batches.of_plan(plan.digest)
    settled = not any(batch.state in OPEN for batch in batches)
    came = _outcomes(ledger, replace(plan, stopped_by=None), batches, settled=settled)
    if settled:
        ledger.plans.mark(plan.digest, PlanState.SETTLED)
    return came


class _Teller:
    """Adds up what is recorded and tells it."""

    def __init__(
        self,
        plan: PlanRecord,
        known: Sequence[BatchRecord],
        progress: Callable[[Progress], None],
    ) -> None:
        self._progress = progress
        self._total = plan.to_send
        self._delivered = sum(sum(batch.delivered.values()) for batch in known)
        self._rejected = sum(sum(batch.rejected.values()) for batch in known)
        self._blocked = {batch.cut.id: batch.cut.rows_blocked for batch in known}
        self._requests = sum(batch.requests for batch in known)

    def tell(self, settlement: Settlement) -> None:
        """Tell how far the delivery is, now that this is recorded."""
        self._delivered += sum(settlement.delivered.values())
        self._rejected += sum(settlement.rejected.values())
        self._blocked[settlement.cut.id] = settlement.cut.rows_blocked
        self._requests += settlement.spent is not None
        self._progress(
            Progress(
                self._total,
                self._delivered,
                self._rejected,
                sum(self._blocked.values()),
                self._requests,
            )
        )
