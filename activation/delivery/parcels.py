"""Parcels: batches with their rows and bytes, as they travel through a delivery."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from activation.destinations.base import Target
from activation.destinations.traits import Traits
from activation.ledger.batches import BatchRecord, Cut
from activation.ledger.ranges import pack, unpack

Encode = Callable[[pa.Table], bytes]


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch on its way: row i of `rows` is the i-th of the cut's actions."""

    cut: Cut
    rows: pa.Table
    payload: bytes
    fence: datetime | None = None
    """Until when an attempt that nobody answered may take effect; None if there was none."""
    tries: int = 0
    """Attempts in this delivery, of these rows, in this parcel or in its parents."""
    began: float | None = None
    """When the first of them was made, on the monotonic clock."""
    wait: float = 0
    """Seconds to let pass before the next one."""

    @property
    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of the actions, in the order of the rows."""
        return unpack(self.cut.actions)

    @property
    def keys(self) -> list[str]:
        """Return the sync keys, in the order of the rows."""
        keys: list[str] = self.rows.column("sync_key").to_pylist()
        return keys

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the bytes, in hex."""
        return hashlib.sha256(self.payload).hexdigest()

    def count(self, positions: Sequence[int]) -> dict[str, int]:
        """Return how many of these rows there are of each operation."""
        if len(positions) == self.cut.rows:
            return dict(self.cut.operations)
        return operations(self.rows.take(pa.array(positions, pa.int64())))

    def part(self, suffix: str, positions: Sequence[int], encode: Encode) -> Parcel:
        """Return a smaller parcel of these rows, which carries on the attempts made so far."""
        numbers = self.numbers
        rows = self.rows.take(pa.array(positions, pa.int64()))
        actions = pack(numbers[position] for position in positions)
        cut = Cut(
            id=f"{self.cut.id}.{suffix}",
            plan_digest=self.cut.plan_digest,
            sync=self.cut.sync,
            seq=self.cut.seq,
            first_action=actions[0][0],
            last_action=actions[-1][1],
            actions=actions,
            operations=operations(rows),
            parent=self.cut.id,
            attempts=self.cut.attempts,
        )
        return replace(self, cut=cut, rows=rows, payload=encode(rows), wait=0)

    def without(self, numbers: Collection[int], encode: Encode) -> Parcel:
        """Return the same parcel, with these actions taken out for want of consent."""
        staying = [i for i, number in enumerate(self.numbers) if number not in numbers]
        leaving = [i for i, number in enumerate(self.numbers) if number in numbers]
        rows = self.rows.take(pa.array(staying, pa.int64()))
        blocked = dict(self.cut.blocked)
        for operation, count in self.count(leaving).items():
            blocked[operation] = blocked.get(operation, 0) + count
        cut = replace(
            self.cut,
            actions=pack(self.numbers[i] for i in staying),
            operations=operations(rows),
            blocked=blocked,
        )
        return replace(self, cut=cut, rows=rows, payload=encode(rows) if staying else b"")


def operations(rows: pa.Table) -> dict[str, int]:
    """Return how many rows there are of each operation."""
    counted = pc.value_counts(rows.column("operation")).to_pylist()
    return {entry["values"]: entry["counts"] for entry in counted}


def encoder(encode: Callable[[Target, pa.Table], bytes], target: Target) -> Encode:
    """Return what makes bytes of rows: the key, the mapped fields, and what is told of them."""
    columns = ["sync_key", *(mapping.to for mapping in target.fields)]

    def of_rows(rows: pa.Table) -> bytes:
        told = [name for name in ("destination_id", "changed") if name in rows.column_names]
        return encode(target, rows.select([*columns, *told]))

    return of_rows


def cut_rows(
    rows: pa.Table, first: int, encode: Encode, traits: Traits
) -> Iterator[tuple[int, pa.Table, bytes]]:
    """
    Yield the rows in pieces that fit into one request: number of the first, rows, bytes.

    A single row that is too large comes out all the same; the vendor's verdict on it is known.
    """
    for start in range(0, rows.num_rows, traits.batch_rows):
        yield from _fit(
            rows.slice(start, traits.batch_rows), first + start, encode, traits.batch_bytes
        )


def _fit(
    rows: pa.Table, first: int, encode: Encode, most_bytes: int
) -> Iterator[tuple[int, pa.Table, bytes]]:
    payload = encode(rows)
    if len(payload) <= most_bytes or rows.num_rows == 1:
        yield first, rows, payload
        return
    half = rows.num_rows // 2
    yield from _fit(rows.slice(0, half), first, encode, most_bytes)
    yield from _fit(rows.slice(half), first + half, encode, most_bytes)


def fresh(plan_digest: str, sync: str, seq: int, piece: tuple[int, pa.Table, bytes]) -> Parcel:
    """Return a parcel of rows that have never been in one."""
    first, rows, payload = piece
    last = first + rows.num_rows - 1
    cut = Cut(
        id=f"{plan_digest[:12]}-{seq:06d}",
        plan_digest=plan_digest,
        sync=sync,
        seq=seq,
        first_action=first,
        last_action=last,
        actions=((first, last),),
        operations=operations(rows),
    )
    return Parcel(cut, rows, payload)


def again(record: BatchRecord, rows: pa.Table, encode: Encode) -> Parcel:
    """Return the parcel of a batch that the ledger holds; `rows` are all that were cut for it."""
    first = record.cut.first_action
    positions = [number - first for number in unpack(record.cut.actions)]
    rows = rows.take(pa.array(positions, pa.int64()))
    return Parcel(record.cut, rows, encode(rows), fence=record.fence_until)
