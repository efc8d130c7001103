"""The fold: what the ledger knows as delivered goes into the delivered state."""

from __future__ import annotations

from activation.delivery.fold import mark_folded, receipts
from activation.planning.fold import fold
from activation.sync.parts import Parts
from activation.warehouse.port import Session


def fold_delivered(parts: Parts, session: Session) -> None:
    """
    Merge every receipt that the delivered state does not know of yet.

    A crash between MERGE and mark folds the same receipts again, which changes nothing.
    """
    sync = parts.contract.sync
    for batch in receipts(parts.ledger, sync):
        fold(
            session,
            sync,
            batch.plan_table,
            batch.rows,
            plan_digest=batch.plan_digest,
            images=parts.contract.rollback is not None,
        )
        mark_folded(parts.ledger, batch)
