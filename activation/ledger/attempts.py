"""
The two writes around every request: the intent before it, what came of it after.

Each is one transaction: either all of it is kept, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from activation.destinations.base import QuotaReading
from activation.governor.budget import Budget
from activation.ledger import batches, dead_letters, leases, quota, receipts, switches
from activation.ledger.batches import BatchState, Cut, Ending, Intent
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.leases import Lease
from activation.ledger.receipts import Receipt
from activation.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of an attempt."""

    cut: Cut
    state: BatchState
    delivered: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    receipts: tuple[Receipt, ...] = ()
    fence_until: datetime | None = None
    """Set if an attempt at this batch was never answered."""
    payload_digest: str | None = None
    """Set for a batch that is left in doubt: the bytes that may be sent again."""
    children: tuple[tuple[Cut, BatchState], ...] = ()
    """Smaller batches in which the other rows travel on."""
    letters: tuple[DeadLetter, ...] = ()
    closed_keys: tuple[str, ...] = ()
    """Hashes of delivered keys that had an open dead letter."""
    reserved_at: datetime | None = None
    """When the request was reserved; None if none was made."""
    quota: QuotaReading | None = None


def intend(store: Store, intent: Intent, *, lease: Lease, budget: Budget) -> None:
    """
    Write that a batch is about to be sent, if it may be.

    Raises:
        Paused: the kill switch is on.
        QuotaExhausted: nothing is left of the day.
        Busy: the lease is lost.
        Unavailable: the ledger cannot be written.
    """
    now = store.clock.now()
    with store.write() as connected:
        switches.check(connected, budget.sync, budget.connection)
        leases.hold(connected, lease, now)
        quota.reserve(connected, budget, now)
        batches.intend(connected, intent, now)


def record(store: Store, settlement: Settlement, *, lease: Lease, budget: Budget) -> None:
    """
    Write what came of an attempt: batch, smaller batches, dead letters, quota, all or nothing.

    Raises:
        Busy: the lease is lost; the new owner settles the batch.
        Unavailable: the ledger cannot be written; the batch stays intended.
    """
    now = store.clock.now()
    cut = settlement.cut
    with store.write() as connected:
        leases.hold(connected, lease, now)
        batches.put(connected, cut)
        packed = receipts.pack(settlement.receipts) if settlement.receipts else None
        ending = Ending(
            settlement.state,
            settlement.delivered,
            settlement.rejected,
            settlement.fence_until,
            packed,
            settlement.payload_digest,
        )
        batches.settle(connected, cut.id, ending, now)
        for child, state in settlement.children:
            batches.put(connected, child)
            if state is not BatchState.PLANNED:
                part = Ending(state, fence_until=settlement.fence_until)
                batches.settle(connected, child.id, part, now)
        dead_letters.overtake(connected, cut.sync, settlement.closed_keys)
        dead_letters.add(connected, settlement.letters)
        if settlement.reserved_at is not None:
            quota.answered(
                connected,
                budget.connection,
                settlement.quota,
                reserved_at=settlement.reserved_at,
                now=now,
            )
