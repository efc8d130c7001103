"""The attempts of an account by the minute, for its retry budget."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from activation.governor.retries import Minute, minute_of, since
from activation.ledger import tables
from activation.ledger.store import insert_or_ignore

_TABLE = tables.retry
_MINUTES = sa.select(_TABLE).where(
    _TABLE.c.connection == sa.bindparam("of_connection"), _TABLE.c.minute >= sa.bindparam("since")
)
_ADD = (
    _TABLE.update()
    .where(
        _TABLE.c.connection == sa.bindparam("of_connection"),
        _TABLE.c.minute == sa.bindparam("of_minute"),
    )
    .values(
        first=_TABLE.c.first + sa.bindparam("more_first"),
        repeated=_TABLE.c.repeated + sa.bindparam("more_repeated"),
    )
)


def minutes(connected: sa.Connection, connection: str, now: datetime) -> tuple[Minute, ...]:
    """Return the minutes that count now."""
    rows = connected.execute(_MINUTES, {"of_connection": connection, "since": since(now)})
    return tuple(Minute(row.minute, row.first, row.repeated) for row in rows)


def add(
    connected: sa.Connection, connection: str, now: datetime, *, first: int = 0, repeated: int = 0
) -> None:
    """Count attempts of a minute."""
    minute = minute_of(now)
    which = {"of_connection": connection, "of_minute": minute}
    more = {"more_first": first, "more_repeated": repeated}
    if connected.execute(_ADD, {**which, **more}).rowcount == 0:
        begun = {"connection": connection, "minute": minute, "first": 0, "repeated": 0}
        insert_or_ignore(connected, _TABLE, begun)
        connected.execute(_ADD, {**which, **more})
