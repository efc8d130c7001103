"""What a vendor's answer means for each row: pure decisions, nothing is written here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.delivery.parcels import Parcel
from activation.delivery.scrub import scrub
from activation.destinations.base import Fate, RowError, RowResult
from activation.errors import Applied
from activation.hash_keys import HashKeys
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Sorted:
    """Positions of a parcel's rows by what the vendor said of them."""

    delivered: tuple[int, ...]
    dead: tuple[int, ...]
    """What does not go again in this delivery."""
    retryable: tuple[int, ...]
    untold: tuple[int, ...] = ()
    """Rows that may have been written, as far as the answer goes."""


def sort(results: Sequence[RowResult]) -> Sorted:
    """Sort the rows by their results."""
    errors = [result.error for result in results]
    refused = [(i, e) for i, e in enumerate(errors) if e and e.applied is Applied.NO]
    return Sorted(
        delivered=tuple(i for i, error in enumerate(errors) if error is None),
        dead=tuple(i for i, error in refused if error.fate is not Fate.RETRYABLE),
        retryable=tuple(i for i, error in refused if error.fate is Fate.RETRYABLE),
        untold=tuple(i for i, e in enumerate(errors) if e and e.applied is Applied.UNKNOWN),
    )


def receipts(
    parcel: Parcel, results: Sequence[RowResult], positions: Iterable[int]
) -> tuple[Receipt, ...]:
    """Return what the destination calls these rows, and which of them it made."""
    numbers = parcel.numbers
    return tuple(
        Receipt(numbers[i], results[i].destination_id, created=results[i].created is True)
        for i in positions
    )


def letter(  # noqa: PLR0913 - what a letter is made of
    parcel: Parcel,
    position: int,
    error: RowError,
    *,
    names: HashKeys,
    now: datetime,
    longest_wait: float,
) -> DeadLetter:
    """Return the dead letter of a row, without any value of it."""
    row = parcel.rows.slice(position, 1).to_pylist()[0]
    number = parcel.numbers[position]
    operation, row_hash = row.pop("operation"), row.pop("row_hash")
    passing = error.fate is not Fate.PERMANENT
    return DeadLetter(
        id=f"{parcel.cut.id}:{number}",
        sync=parcel.cut.sync,
        plan_digest=parcel.cut.plan_digest,
        batch_id=parcel.cut.id,
        action_no=number,
        operation=operation,
        key_hash=names.current.row(parcel.cut.sync, row["sync_key"]),
        hash_key=names.current.id,
        row_hash=row_hash,
        code=error.code,
        fate=error.fate,
        fields=error.fields,
        text=scrub(error.text, row.values(), keep={error.code, *error.fields, *row}),
        created_at=now,
        next_attempt_at=now + timedelta(seconds=longest_wait) if passing else None,
    )


def closed(
    parcel: Parcel, positions: Iterable[int], open_letters: Collection[str], names: HashKeys
) -> tuple[str, ...]:
    """Return the names of these rows that have an open dead letter."""
    if not open_letters:
        return ()
    keys = parcel.keys
    return tuple(
        name
        for i in positions
        for name in names.rows(parcel.cut.sync, keys[i])
        if name in open_letters
    )
