"""Hands what was delivered to the delivered state: receipts out of the ledger, a plan at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa

from activation.ledger import Ledger
from activation.ledger.batches import Unfolded
from activation.ledger.receipts import unpack

SCHEMA = pa.schema(
    [
        ("plan_table", pa.string()),
        ("action_no", pa.int64()),
        ("destination_id", pa.string()),
        ("created", pa.bool_()),
        ("delivered_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True, slots=True)
class Receipts:
    """The delivered actions of one plan that the delivered state does not know of yet."""

    plan_digest: str
    plan_table: str
    rows: pa.Table
    """Columns of `SCHEMA`; rejected actions are not among them."""
    batch_ids: tuple[str, ...]


def receipts(ledger: Ledger, sync: str) -> tuple[Receipts, ...]:
    """Return what is to be folded, the plan that was delivered first at the front."""
    return tuple(
        _of_plan(digest, list(batches))
        for digest, batches in groupby(ledger.batches.unfolded(sync), key=_plan_digest)
    )


def mark_folded(ledger: Ledger, folded: Receipts) -> None:
    """Keep that the delivered state knows of these; call it after the MERGE is durable."""
    ledger.batches.mark_folded(folded.batch_ids)


def _of_plan(digest: str, batches: Sequence[Unfolded]) -> Receipts:
    plan_table = batches[0].plan_table
    delivered = [
        (receipt.action_no, receipt.destination_id, receipt.created, batch.delivered_at)
        for batch in batches
        if batch.receipt is not None
        for receipt in unpack(batch.receipt)
    ]
    rows = pa.table(
        {
            "plan_table": pa.repeat(plan_table, len(delivered)).cast(pa.string()),
            "action_no": [number for number, *_ in delivered],
            "destination_id": [destination_id for _, destination_id, *_ in delivered],
            "created": [created for _, _, created, _ in delivered],
            "delivered_at": [at for *_, at in delivered],
        },
        schema=SCHEMA,
    )
    return Receipts(digest, plan_table, rows, tuple(batch.batch_id for batch in batches))


def _plan_digest(batch: Unfolded) -> str:
    return batch.plan_digest
