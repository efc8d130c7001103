"""
The daily requests of an account, shared by every process that uses it.

A request is reserved before it is sent.
What the vendor reports corrects the count upwards, never downwards: requests of other tools are
learnt as `elsewhere`, the most that the vendor has counted beyond our own answered requests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from activation.destinations.base import QuotaReading
from activation.errors import QuotaExhausted
from activation.governor.budget import Budget, Usage, day_of
from activation.ledger import tables
from activation.ledger.plans import REPLAY
from activation.ledger.store import Store, insert_or_ignore

_ROW = (
    tables.quota.c.connection == sa.bindparam("of_connection"),
    tables.quota.c.day == sa.bindparam("on_day"),
)
_SHARE_ROW = (
    tables.quota_share.c.connection == sa.bindparam("of_connection"),
    tables.quota_share.c.day == sa.bindparam("on_day"),
    tables.quota_share.c.sync == sa.bindparam("of_sync"),
)
_USAGE = sa.select(tables.quota).where(*_ROW)
_SHARE = sa.select(tables.quota_share.c.reserved).where(*_SHARE_ROW)
_CORRECT = tables.quota.update().where(*_ROW)
_COUNT = _CORRECT.values(
    reserved=tables.quota.c.reserved + sa.bindparam("more_reserved"),
    answered=tables.quota.c.answered + sa.bindparam("more_answered"),
)
_FIRST_OF_SHARE = tables.quota_share.insert()
_COUNT_SHARE = (
    tables.quota_share.update()
    .where(*_SHARE_ROW)
    .values(reserved=tables.quota_share.c.reserved + sa.bindparam("more"))
)
_DAY = (
    sa.select(tables.quota, tables.quota_share.c.sync, tables.quota_share.c.reserved.label("share"))
    .outerjoin(
        tables.quota_share,
        sa.and_(
            tables.quota_share.c.connection == tables.quota.c.connection,
            tables.quota_share.c.day == tables.quota.c.day,
        ),
    )
    .where(*_ROW)
)


@dataclass(frozen=True, slots=True)
class Quota:
    """What is used and left of every account."""

    store: Store

    def usage(self, connection: str) -> Usage:
        """Return what is known of an account today."""
        day = day_of(self.store.clock.now())
        with self.store.read() as connected:
            return _usage(connected, connection, day)

    def share(self, connection: str, sync: str) -> int:
        """Return the requests that a sync has taken of an account today."""
        day = day_of(self.store.clock.now())
        with self.store.read() as connected:
            return _share(connected, connection, sync, day)

    def of_replays(self, sync: str, since: datetime) -> int:
        """Return the write requests that replays of a sync have taken since then."""
        batch, plan = tables.batch, tables.plan
        query = (
            sa.select(sa.func.sum(batch.c.requests))
            .join(plan, plan.c.digest == batch.c.plan_digest)
            .where(
                batch.c.sync == sync,
                batch.c.intended_at >= since,
                plan.c.summary["kind"].as_string() == REPLAY,
            )
        )
        with self.store.read() as connected:
            return int(connected.scalar(query) or 0)

    def told(self, connection: str, reading: QuotaReading) -> None:
        """Keep what the vendor says of an account's usage."""
        now = self.store.clock.now()
        with self.store.write() as connected:
            correct(connected, connection, reading, now)


def read(connected: sa.Connection, connection: str, day: date) -> tuple[Usage, dict[str, int]]:
    """Return what is known of an account's day, and what each sync has taken of it."""
    rows = connected.execute(_DAY, {"of_connection": connection, "on_day": day}).all()
    shares = {row.sync: row.share for row in rows if row.sync is not None}
    return (_usage_of(rows[0], day) if rows else Usage(day)), shares


def reserve(connected: sa.Connection, budget: Budget, day: date, requests: int) -> None:
    """Count requests before they are sent; whoever calls has read that so many are left."""
    _count(connected, budget.connection, day, reserved=requests)
    which = {"of_connection": budget.connection, "on_day": day, "of_sync": budget.sync}
    if connected.execute(_COUNT_SHARE, {**which, "more": requests}).rowcount == 0:
        begun = {"connection": budget.connection, "day": day, "sync": budget.sync}
        connected.execute(_FIRST_OF_SHARE, {**begun, "reserved": requests})


def exhausted(reason: str, budget: Budget) -> QuotaExhausted:
    """Return the error that tells why no request may be sent."""
    return QuotaExhausted(
        reason,
        hint="What is not sent stays planned; repeat tomorrow, or raise the contract's quota.",
        sync=budget.sync,
        connection=budget.connection,
    )


def answered(connected: sa.Connection, connection: str, day: date, requests: int) -> None:
    """Count that requests which were reserved on that day are over."""
    _count(connected, connection, day, answered=requests)


def correct(
    connected: sa.Connection,
    connection: str,
    reading: QuotaReading,
    now: datetime,
    *,
    answered: int = 0,
) -> None:
    """Count the day's requests that are over, and keep what the vendor said with the last."""
    day = day_of(now)
    usage = _usage(connected, connection, day)
    usage = replace(usage, answered=usage.answered + answered)
    corrected = {
        "answered": usage.answered,
        "elsewhere": usage.told(reading).elsewhere,
        "used_reported": reading.used,
        "limit_reported": reading.limit,
        "reported_at": now,
    }
    which = {"of_connection": connection, "on_day": day}
    if connected.execute(_CORRECT, {**which, **corrected}).rowcount == 0:
        _count(connected, connection, day)
        connected.execute(_CORRECT, {**which, **corrected})


def _usage(connected: sa.Connection, connection: str, day: date) -> Usage:
    which = {"of_connection": connection, "on_day": day}
    row = connected.execute(_USAGE, which).one_or_none()
    return Usage(day) if row is None else _usage_of(row, day)


def _usage_of(row: Any, day: date) -> Usage:
    return Usage(day, row.reserved, row.answered, row.elsewhere, row.limit_reported)


def _share(connected: sa.Connection, connection: str, sync: str, day: date) -> int:
    which = {"of_connection": connection, "on_day": day, "of_sync": sync}
    return connected.scalar(_SHARE, which) or 0


def _count(
    connected: sa.Connection, connection: str, day: date, *, reserved: int = 0, answered: int = 0
) -> None:
    """Add to the counts of an account's day, which begins with nothing."""
    nothing = {"reserved": 0, "answered": 0, "elsewhere": 0}
    which = {"of_connection": connection, "on_day": day}
    more = {"more_reserved": reserved, "more_answered": answered}
    if connected.execute(_COUNT, {**which, **more}).rowcount == 0:
        begun = {"connection": connection, "day": day, **nothing}
        insert_or_ignore(connected, tables.quota, begun)
        connected.execute(_COUNT, {**which, **more})
