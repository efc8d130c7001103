"""
The daily requests of an account, shared by every process that uses it.

A request is reserved before it is sent.
What the vendor reports corrects the count upwards, never downwards: requests of other tools are
learnt as `elsewhere`, the most that the vendor has counted beyond our own answered requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from activation.destinations.base import QuotaReading
from activation.errors import QuotaExhausted
from activation.governor.budget import Budget, Usage, day_of, refusal
from activation.ledger import tables
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
    .values(reserved=tables.quota_share.c.reserved + 1)
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

    def told(self, connection: str, reading: QuotaReading) -> None:
        """Keep what the vendor says of an account's usage."""
        now = self.store.clock.now()
        with self.store.write() as connected:
            _correct(connected, connection, reading, now)


def reserve(connected: sa.Connection, budget: Budget, now: datetime) -> None:
    """
    Count one request before it is sent.

    Raises:
        QuotaExhausted: the sync's share or the account's day is used up.
    """
    day = day_of(now)
    # The account's row is locked first, so that two processes cannot both take the last request.
    _count(connected, budget.connection, day, reserved=1)
    usage = _usage(connected, budget.connection, day)
    before = usage.taken(-1)
    share = _share(connected, budget.connection, budget.sync, day)
    if reason := refusal(before, share, budget):
        # Leaving the transaction by an error takes the reservation back.
        raise QuotaExhausted(
            reason,
            hint="What is not sent stays planned; repeat tomorrow, or raise the contract's quota.",
            sync=budget.sync,
            connection=budget.connection,
        )
    _count_share(connected, budget, day)


def answered(
    connected: sa.Connection,
    connection: str,
    reading: QuotaReading | None,
    *,
    reserved_at: datetime,
    now: datetime,
) -> None:
    """Count that a reserved request is over, and keep what the vendor said with its answer."""
    _count(connected, connection, day_of(reserved_at), answered=1)
    if reading is not None:
        _correct(connected, connection, reading, now)


def _correct(
    connected: sa.Connection, connection: str, reading: QuotaReading, now: datetime
) -> None:
    day = day_of(now)
    _count(connected, connection, day)
    corrected = {
        "elsewhere": _usage(connected, connection, day).told(reading).elsewhere,
        "used_reported": reading.used,
        "limit_reported": reading.limit,
        "reported_at": now,
    }
    connected.execute(_CORRECT, {"of_connection": connection, "on_day": day, **corrected})


def _usage(connected: sa.Connection, connection: str, day: date) -> Usage:
    which = {"of_connection": connection, "on_day": day}
    row = connected.execute(_USAGE, which).one_or_none()
    if row is None:
        return Usage(day)
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


def _count_share(connected: sa.Connection, budget: Budget, day: date) -> None:
    """Count a request of one sync."""
    which = {"of_connection": budget.connection, "on_day": day, "of_sync": budget.sync}
    if connected.execute(_COUNT_SHARE, which).rowcount == 0:
        begun = {"connection": budget.connection, "day": day, "sync": budget.sync, "reserved": 1}
        connected.execute(_FIRST_OF_SHARE, begun)
