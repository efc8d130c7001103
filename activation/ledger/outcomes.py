"""What became of a plan's actions, counted from its batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from activation.ledger.batches import UNKNOWN, BatchRecord, BatchState
from activation.ledger.conservation import Tally
from activation.ledger.plans import PlanRecord

NOT_SENT = "not_sent"
"""The reason of rows that no delivery has come to."""


def tally(plan: PlanRecord, batches: Iterable[BatchRecord]) -> dict[str, Tally]:
    """
    Return the rows of every operation by outcome.

    Rows that are to be sent and are in no batch are held, for the reason for which the last
    delivery ended early.
    Rows of a divided batch are counted where they travelled on, so that a part that went missing
    on the way shows as an equation that does not balance.
    """
    planned: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    kept: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for count in plan.counts:
        planned[count.operation] += count.rows
        if count.disposition == "send":
            waiting[count.operation] += count.rows
        else:
            reason = count.reason or NOT_SENT
            kept[count.disposition, count.operation][reason] += count.rows
    delivered: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    in_doubt: Counter[str] = Counter()
    for batch in batches:
        cut = batch.cut
        delivered.update(batch.delivered)
        rejected.update(batch.rejected)
        if batch.state in UNKNOWN:
            in_doubt.update(cut.operations)
        if batch.state is BatchState.PLANNED:
            waiting.update(cut.operations)
        for reason, operation, rows in _blocked(batch):
            kept["blocked", operation][reason] += rows
        if cut.parent is None:
            waiting.subtract(cut.operations)
            for _, operation, rows in _blocked(batch):
                waiting[operation] -= rows
    for operation in +waiting | -waiting:
        kept["held", operation][plan.stopped_by or NOT_SENT] += waiting[operation]
    return {
        operation: Tally(
            planned=planned[operation],
            delivered=delivered[operation],
            rejected=rejected[operation],
            in_doubt=in_doubt[operation],
            blocked=kept["blocked", operation].total(),
            held=kept["held", operation].total(),
            blocked_by=dict(kept["blocked", operation]),
            held_by=dict(kept["held", operation]),
        )
        for operation in sorted({*planned, *delivered, *rejected, *in_doubt, *waiting})
    }


def _blocked(batch: BatchRecord) -> list[tuple[str, str, int]]:
    """Return the rows that were taken out of a batch: reason, operation, how many."""
    return [
        (reason, operation, rows)
        for reason, of_reason in batch.cut.blocked.items()
        for operation, rows in of_reason.items()
    ]
