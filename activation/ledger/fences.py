"""Fences: actions that a request may yet put into effect, so that nothing newer may be sent."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.batches import BatchState, ranges_of
from activation.ledger.ranges import Ranges
from activation.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Fenced:
    """Actions whose keys may yet be written by a request that we stopped listening to."""

    plan_digest: str
    plan_table: str
    actions: Ranges
    until: datetime


_FENCED = (
    sa.select(
        tables.batch.c.plan_digest,
        tables.plan.c.warehouse_table,
        tables.batch.c.actions,
        tables.batch.c.fence_until,
    )
    .join(tables.plan, tables.plan.c.digest == tables.batch.c.plan_digest)
    .where(
        tables.batch.c.sync == sa.bindparam("sync"),
        tables.batch.c.fence_until > sa.bindparam("now"),
    )
    .order_by(tables.batch.c.fence_until, tables.batch.c.id)
)
_SENT_ONCE = sa.select(tables.batch.c.id, tables.batch.c.actions).where(
    tables.batch.c.plan_digest == sa.bindparam("digest"),
    tables.batch.c.state == BatchState.DELIVERED,
    tables.batch.c.fence_until > sa.bindparam("now"),
    # Of several attempts an earlier one may still be on its way.
    tables.batch.c.attempts == 1,
)
_LIFT = (
    tables.batch.update().where(tables.batch.c.id == sa.bindparam("this")).values(fence_until=None)
)


@dataclass(frozen=True, slots=True)
class Fences:
    """The fences around what is on its way."""

    store: Store

    def of(self, sync: str) -> tuple[Fenced, ...]:
        """
        Return the actions of a sync whose keys must not be written anew yet.

        That is every action with an attempt that was not answered and may still take effect,
        also if a later attempt was answered.
        """
        asked = {"sync": sync, "now": self.store.clock.now()}
        with self.store.read() as connected:
            rows = connected.execute(_FENCED, asked).all()
        return tuple(
            Fenced(row.plan_digest, row.warehouse_table, ranges_of(row.actions), row.fence_until)
            for row in rows
        )

    def lift(self, digest: str, *, but: Collection[int] = ()) -> None:
        """
        Keep that what a plan delivered has taken effect, where it was sent once only.

        Batches with one of the actions `but` stay fenced.
        """
        asked = {"digest": digest, "now": self.store.clock.now()}
        staying = sorted(but)
        with self.store.write() as connected:
            seen = [
                {"this": row.id}
                for row in connected.execute(_SENT_ONCE, asked)
                if not any(_holds_one(first, last, staying) for first, last in row.actions)
            ]
            if seen:
                connected.execute(_LIFT, seen)


def _holds_one(first: int, last: int, numbers: Sequence[int]) -> bool:
    """Tell whether one of these sorted numbers lies in the range."""
    place = bisect_left(numbers, first)
    return place < len(numbers) and numbers[place] <= last
