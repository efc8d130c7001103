"""The permits of an account's buckets, one row each; see `governor.permits` for how they cool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from activation.destinations.traits import Bucket
from activation.ledger import tables
from activation.ledger.store import Store, insert_or_ignore

_TABLE = tables.permit
_OF_BUCKET = (
    _TABLE.c.connection == sa.bindparam("of_connection"),
    _TABLE.c.bucket == sa.bindparam("of_bucket"),
)
_COUNT = sa.select(sa.func.count()).where(*_OF_BUCKET)
_BEYOND = _TABLE.delete().where(*_OF_BUCKET, _TABLE.c.no >= sa.bindparam("limit"))
_NEXT = (
    sa.select(_TABLE.c.no, _TABLE.c.free_at, _TABLE.c.holder)
    .where(*_OF_BUCKET, _TABLE.c.no < sa.bindparam("usable"))
    .order_by(_TABLE.c.free_at, _TABLE.c.no)
    .limit(sa.bindparam("some"))
)
_HELD = (
    sa.select(_TABLE.c.sync, sa.func.count())
    .where(*_OF_BUCKET, _TABLE.c.free_at > sa.bindparam("now"))
    .group_by(_TABLE.c.sync)
)
_THIS = _TABLE.update().where(*_OF_BUCKET, _TABLE.c.no == sa.bindparam("this"))
_TAKE = _THIS.values(
    free_at=sa.bindparam("until"), sync=sa.bindparam("by_sync"), holder=sa.bindparam("by")
)
# Who comes too late finds the permit with somebody else.
_GIVE_BACK = _THIS.where(_TABLE.c.holder == sa.bindparam("by")).values(
    free_at=sa.bindparam("until"), holder=None
)


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to one request of a bucket."""

    bucket: Bucket
    no: int
    free_at: datetime
    """When it can be taken."""
    held: bool
    """Whether its request is under way, as far as is known; it may be given back earlier."""


@dataclass(frozen=True, slots=True)
class Permits:
    """The permits of all accounts."""

    store: Store

    def prepare(self, connection: str, buckets: Iterable[Bucket]) -> None:
        """See that every bucket has as many permits as its limit allows."""
        with self.store.read() as connected:
            wrong = [b for b in buckets if _count(connected, connection, b) != b.requests]
        if not wrong:
            return
        now = self.store.clock.now()
        with self.store.write() as connected:
            for bucket in wrong:
                which = _which(connection, bucket)
                connected.execute(_BEYOND, {**which, "limit": bucket.requests})
                fresh = {"connection": connection, "bucket": bucket.name, "free_at": now}
                rows = [{**fresh, "no": no} for no in range(bucket.requests)]
                insert_or_ignore(connected, _TABLE, rows)


def coming(
    connected: sa.Connection, connection: str, bucket: Bucket, *, usable: int, some: int
) -> list[Permit]:
    """Return the permits that are free first, at most `some` of those in use."""
    which = {**_which(connection, bucket), "usable": usable, "some": some}
    rows = connected.execute(_NEXT, which)
    return [Permit(bucket, row.no, row.free_at, row.holder is not None) for row in rows]


def held(
    connected: sa.Connection, connection: str, bucket: Bucket, now: datetime
) -> Mapping[str | None, int]:
    """Return how many permits each sync has that are not free."""
    rows = connected.execute(_HELD, {**_which(connection, bucket), "now": now})
    return {row[0]: row[1] for row in rows}


def take(
    connected: sa.Connection,
    connection: str,
    taken: Sequence[tuple[Permit, str, datetime]],
    sync: str,
) -> None:
    """Take permits, each for a holder, and for so long unless it is given back."""
    if taken:
        rows = [
            {
                **_which(connection, permit.bucket),
                "this": permit.no,
                "until": until,
                "by": by,
                "by_sync": sync,
            }
            for permit, by, until in taken
        ]
        connected.execute(_TAKE, rows)


def give_back(
    connected: sa.Connection, connection: str, back: Sequence[tuple[Permit, str, datetime]]
) -> None:
    """Let the permits that a holder has not lost be free from a moment on."""
    if back:
        rows = [
            {**_which(connection, p.bucket), "this": p.no, "until": t, "by": by}
            for p, by, t in back
        ]
        connected.execute(_GIVE_BACK, rows)


def _count(connected: sa.Connection, connection: str, bucket: Bucket) -> int:
    return connected.scalar(_COUNT, _which(connection, bucket)) or 0


def _which(connection: str, bucket: Bucket) -> dict[str, str]:
    return {"of_connection": connection, "of_bucket": bucket.name}
