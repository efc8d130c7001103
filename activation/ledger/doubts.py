"""What only a human can settle: batches that may have been applied, at endpoints without keys."""

from __future__ import annotations

from dataclasses import dataclass

from activation.errors import UsageError
from activation.ledger import audit, batches, receipts
from activation.ledger.audit import Act
from activation.ledger.batches import Batches, BatchRecord, BatchState, Ending
from activation.ledger.ranges import unpack
from activation.ledger.receipts import Receipt
from activation.ledger.store import Store
from activation.ledger.switches import require_words


@dataclass(frozen=True, slots=True)
class Doubts:
    """The batches in doubt, and a human's word on them."""

    store: Store

    def list(self, sync: str) -> tuple[BatchRecord, ...]:
        """Return the batches of a sync that are in doubt, in the order in which they were cut."""
        unknown = Batches(self.store).unknown(sync)
        return tuple(batch for batch in unknown if batch.state is BatchState.IN_DOUBT)

    def settle(self, sync: str, batch_id: str, *, applied: bool, reason: str, author: str) -> None:
        """
        Take a human's word for what became of a batch: all of it was applied, or nothing was.

        What was applied counts as delivered; what was not is planned again.

        Raises:
            UsageError: no such batch is in doubt, or reason or author is empty.
        """
        require_words(reason=reason, author=author)
        batch = next((found for found in self.list(sync) if found.cut.id == batch_id), None)
        if batch is None:
            raise UsageError(
                f"no batch `{batch_id}` of {sync} is in doubt.",
                hint=f"`activation doubts list {sync}` names those that are.",
                sync=sync,
            )
        now = self.store.clock.now()
        ending = Ending(BatchState.PLANNED, job="")
        if applied:
            known = [Receipt(number, None) for number in unpack(batch.cut.actions)]
            packed = receipts.pack(known)
            ending = Ending(BatchState.DELIVERED, batch.cut.operations, receipt=packed)
        subject = {"sync": sync, "batch": batch_id, "applied": "yes" if applied else "no"}
        with self.store.write() as connected:
            batches.settle(connected, [(batch.cut, ending)], now)
            audit.append(connected, Act.SETTLE, subject, author=author, reason=reason, at=now)
