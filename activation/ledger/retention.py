"""
Retention: what is settled and old is removed, a portion at a time, so that the ledger stays small.

A plan goes with all that was counted of it, or not at all.  It stays, however old it is, while
- it is the newest of its phase, or has not come to its end;
- one of its batches is in doubt, not folded, or fenced, or was settled lately;
- one of its dead letters is kept, which is for as long as the contract says;
- its last attempt is the newest of its sync: by that number older plans know that they are.

Audit chain, switches, phases, leases and people are never removed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.batches import UNKNOWN, BatchState
from activation.ledger.plans import PlanState
from activation.ledger.store import Store

RUNS_KEPT = 200
"""Runs of each sync that stay, however old: rollouts, alerts and drafts look at so many."""
_PORTION = 500
"""Rows in one transaction: nobody who wants to write waits for longer than that takes."""
_PORTIONS = 40
"""Transactions at one time; what is left goes the next time."""
_ATTEMPTS_COUNT = timedelta(days=1)
"""How long minutes of attempts stay; the retry budget looks at ten of them."""

_plan, _batch, _letter, _run = tables.plan, tables.batch, tables.dead_letter, tables.run
Condition: TypeAlias = "sa.ColumnElement[bool]"


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows went, by table."""

    rows: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Return how many went in all."""
        return sum(self.rows.values())


@dataclass(frozen=True, slots=True)
class Retention:
    """Removes what nobody needs any more."""

    store: Store

    def apply(self, keep: timedelta) -> Removed:
        """
        Remove what was settled longer ago than that; return what went.

        Safe at any time and beside anything: whatever is needed is found out in the transaction
        that removes.

        Raises:
            Unavailable: the ledger cannot be written; what went before is gone all the same.
        """
        now = self.store.clock.now()
        removed: dict[str, int] = {}
        portions = _PORTIONS
        for table, old in _old(now, now - keep):
            while portions and self._has(table, old):
                portions -= 1
                with self.store.write() as connected:
                    removed[table.name] = removed.get(table.name, 0) + _remove(
                        connected, table, old
                    )
        return Removed(removed)

    def _has(self, table: sa.Table, old: Condition) -> bool:
        """Tell whether anything is old, without keeping a writer waiting."""
        with self.store.read() as connected:
            found = sa.select(sa.literal(1)).select_from(table).where(old).limit(1)
            return connected.scalar(found) is not None


def _old(now: datetime, before: datetime) -> Iterator[tuple[sa.Table, Condition]]:
    """
    Yield what may go, table by table.

    A plan goes before its batches, so that no plan is ever left with a part of them.
    """
    yield _plan, _settled_before(now, before)
    for table in (tables.verdict, tables.approval, _batch):
        yield table, ~sa.exists().where(_plan.c.digest == table.c.plan_digest)
    yield _run, _run.c.run_id.in_(_runs_beyond(before))
    for days in (tables.quota, tables.quota_share):
        yield days, days.c.day < before.date()
    yield tables.retry, tables.retry.c.minute < now - _ATTEMPTS_COUNT
    yield tables.signal, tables.signal.c.at < before


def _settled_before(now: datetime, before: datetime) -> Condition:
    newest = _plan.alias("newest")
    other = _batch.alias("other")
    last = (
        sa.select(sa.func.max(other.c.attempt_no))
        .where(other.c.sync == _plan.c.sync)
        .scalar_subquery()
    )
    needed: Sequence[Condition] = (
        _batch.c.state.in_(UNKNOWN),
        (_batch.c.state == BatchState.DELIVERED) & _batch.c.folded_at.is_(None),
        _batch.c.fence_until > now,
        _batch.c.settled_at >= before,
        _batch.c.intended_at >= before,
        _batch.c.attempt_no == last,
    )
    return sa.and_(
        _plan.c.created_at < before,
        _plan.c.state.in_([PlanState.SETTLED, PlanState.SUPERSEDED]),
        _plan.c.no.not_in(
            sa.select(sa.func.max(newest.c.no)).group_by(newest.c.sync, newest.c.phase)
        ),
        ~sa.exists().where(_batch.c.plan_digest == _plan.c.digest, sa.or_(*needed)),
        ~sa.exists().where(_letter.c.plan_digest == _plan.c.digest),
    )


def _runs_beyond(before: datetime) -> sa.Select[Any]:
    place = sa.func.row_number().over(
        partition_by=_run.c.sync, order_by=(_run.c.started_at.desc(), _run.c.run_id)
    )
    runs = sa.select(_run.c.run_id, _run.c.started_at, place.label("place")).subquery()
    return sa.select(runs.c.run_id).where(runs.c.place > RUNS_KEPT, runs.c.started_at < before)


def _remove(connected: sa.Connection, table: sa.Table, old: Condition) -> int:
    """Remove one portion of what is old; return how many rows it was."""
    keys = list(table.primary_key)
    portion = sa.select(*keys).where(old).limit(_PORTION)
    key = keys[0] if len(keys) == 1 else sa.tuple_(*keys)
    return connected.execute(table.delete().where(key.in_(portion))).rowcount
