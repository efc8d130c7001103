"""Parcels: batches with their rows and bytes, as they travel through a delivery."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from activation.delivery.routes import Route, Routes
from activation.destinations.traits import Verb
from activation.ledger.batches import BatchRecord, Cut
from activation.ledger.ranges import pack, unpack


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that fit into one request."""

    rows: pa.Table
    payload: bytes
    route: Route


@dataclass(frozen=True, slots=True)
class Parcel:
    """A batch on its way: row i of `rows` is the i-th of the cut's actions."""

    cut: Cut
    rows: pa.Table
    payload: bytes
    route: Route
    first_at: datetime | None = None
    """When the first attempt at it was about to be made, in whatever delivery."""
    fence: datetime | None = None
    """Until when an attempt that nobody answered may take effect; None if there was none."""
    tries: int = 0
    """Attempts in this delivery, of these rows, in this parcel or in its parents."""
    began: float | None = None
    """When the first of them was made, on the monotonic clock."""
    wait: float = 0
    """Seconds to let pass before the next one."""
    for_answer: bool = False
    """Whether an answer to another request ends that wait."""
    held_up: float | None = None
    """Since when, on the monotonic clock, the governor lets it wait for something but its pace."""
    job: str | None = None
    """The vendor's id of the job that carries it."""
    only_adopt: bool = False
    """A later plan has begun to send: nothing of it may leave any more, only its job be heard."""
    people_seen: int = -1
    """The newest act about people that its rows were held against."""

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
        if not positions:
            return {}
        return operations(self.rows.take(pa.array(positions, pa.int64())))

    def part(self, suffix: str, positions: Sequence[int]) -> Parcel:
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
        payload = self.route.encode(rows)
        return replace(
            self,
            cut=cut,
            rows=rows,
            payload=payload,
            first_at=None,
            wait=0,
            for_answer=False,
            held_up=None,
            job=None,
        )

    def without(self, reasons: Mapping[int, str]) -> Parcel:
        """Return the same parcel, with these actions taken out, each for its reason."""
        numbers = self.numbers
        staying = [i for i, number in enumerate(numbers) if number not in reasons]
        rows = self.rows.take(pa.array(staying, pa.int64()))
        blocked = {reason: dict(rows) for reason, rows in self.cut.blocked.items()}
        for reason in dict.fromkeys(reasons.values()):
            leaving = [i for i, number in enumerate(numbers) if reasons.get(number) == reason]
            of_reason = blocked.setdefault(str(reason), {})
            for operation, count in self.count(leaving).items():
                of_reason[operation] = of_reason.get(operation, 0) + count
        cut = replace(
            self.cut,
            actions=pack(numbers[i] for i in staying),
            operations=operations(rows),
            blocked=blocked,
        )
        payload = self.route.encode(rows) if staying else b""
        return replace(self, cut=cut, rows=rows, payload=payload)


def operations(rows: pa.Table) -> dict[str, int]:
    """Return how many rows there are of each operation."""
    counted = pc.value_counts(rows.column("operation")).to_pylist()
    return {entry["values"]: entry["counts"] for entry in counted}


def cut_rows(rows: pa.Table, first: int, routes: Routes) -> Iterator[tuple[int, Piece]]:
    """
    Yield the rows in pieces that fit into one request, each with the number of its first row.

    Rows of different verbs never share one.
    A single row that is too large comes out all the same; the vendor's verdict on it is known.
    """
    for start, some, verb in _of_one_verb(rows):
        route = routes.of(verb)
        for offset in range(0, some.num_rows, route.traits.batch_rows):
            piece = some.slice(offset, route.traits.batch_rows)
            yield from _fit(piece, first + start + offset, route)


def verb_of(rows: pa.Table) -> Verb:
    """Return the verb of rows that were cut for one batch."""
    return next((verb for _, _, verb in _of_one_verb(rows)), Verb.UPSERT)


def _of_one_verb(rows: pa.Table) -> Iterator[tuple[int, pa.Table, Verb]]:
    """Yield the stretches of rows that ask for the same."""
    if "verb" not in rows.column_names:
        yield 0, rows, Verb.UPSERT
        return
    stretches = pc.run_end_encode(rows.column("verb").combine_chunks())
    start = 0
    for end, verb in zip(stretches.run_ends.to_pylist(), stretches.values.to_pylist(), strict=True):
        yield start, rows.slice(start, end - start), Verb(verb)
        start = end


def _fit(rows: pa.Table, first: int, route: Route) -> Iterator[tuple[int, Piece]]:
    payload = route.encode(rows)
    if len(payload) <= route.traits.batch_bytes or rows.num_rows == 1:
        yield first, Piece(rows, payload, route)
        return
    half = rows.num_rows // 2
    yield from _fit(rows.slice(0, half), first, route)
    yield from _fit(rows.slice(half), first + half, route)


def fresh(plan_digest: str, sync: str, seq: int, first: int, piece: Piece) -> Parcel:
    """Return a parcel of rows that have never been in one."""
    last = first + piece.rows.num_rows - 1
    cut = Cut(
        id=f"{plan_digest[:12]}-{seq:06d}",
        plan_digest=plan_digest,
        sync=sync,
        seq=seq,
        first_action=first,
        last_action=last,
        actions=((first, last),),
        operations=operations(piece.rows),
    )
    return Parcel(cut, piece.rows, piece.payload, piece.route)


def again(record: BatchRecord, rows: pa.Table, routes: Routes) -> Parcel:
    """Return the parcel of a batch that the ledger holds; `rows` are all that were cut for it."""
    first = record.cut.first_action
    positions = [number - first for number in unpack(record.cut.actions)]
    rows = rows.take(pa.array(positions, pa.int64()))
    route = routes.of(Verb(record.verb) if record.verb else verb_of(rows), record.endpoint)
    return Parcel(
        record.cut,
        rows,
        route.encode(rows),
        route,
        first_at=record.first_intended_at,
        fence=record.fence_until,
        job=record.job,
    )
