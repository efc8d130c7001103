"""
What the processes of one account tell each other: pace, health, and who wants how much.

Few rows an account, read all at once with every request that wants to leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa

from activation.governor.breaker import CLOSED, Breaker
from activation.governor.pace import FULL, Pace
from activation.governor.shares import ACTIVE, Demand
from activation.ledger import tables
from activation.ledger.store import upsert

T = TypeVar("T", Breaker, Demand, Pace)


class Topic(StrEnum):
    """What a signal is about; its name is that of a bucket, an endpoint or a sync."""

    PACE = "pace"
    BREAKER = "breaker"
    DEMAND = "demand"


_FIELDS = {kind: tuple(f.name for f in fields(kind)) for kind in (Pace, Breaker, Demand)}
_TOPICS = {Pace: Topic.PACE, Breaker: Topic.BREAKER, Demand: Topic.DEMAND}
_OF_CONNECTION = sa.select(tables.signal.c.topic, tables.signal.c.name, tables.signal.c.said).where(
    tables.signal.c.connection == sa.bindparam("of_connection")
)
_FORGET = tables.signal.delete().where(
    tables.signal.c.topic == Topic.DEMAND,
    tables.signal.c.connection == sa.bindparam("of_connection"),
    tables.signal.c.name == sa.bindparam("of_sync"),
)


@dataclass(frozen=True, slots=True)
class Signals:
    """All that is known of an account at one moment."""

    paces: Mapping[str, Pace]
    breakers: Mapping[str, Breaker]
    demands: Mapping[str, Demand]

    def pace(self, bucket: str) -> Pace:
        """Return the pace of a bucket."""
        return self.paces.get(bucket, FULL)

    def breaker(self, endpoint: str) -> Breaker:
        """Return the breaker of an endpoint."""
        return self.breakers.get(endpoint, CLOSED)

    def others(self, sync: str, now: datetime) -> tuple[Demand, ...]:
        """Return what other syncs want that are being delivered now."""
        return tuple(
            demand
            for name, demand in sorted(self.demands.items())
            if name != sync and now - demand.seen_at < ACTIVE
        )


def read(connected: sa.Connection, connection: str) -> Signals:
    """Return all that is known of an account."""
    found: dict[Topic, dict[str, Any]] = {topic: {} for topic in Topic}
    for row in connected.execute(_OF_CONNECTION, {"of_connection": connection}):
        found[Topic(row.topic)][row.name] = row.said
    return Signals(
        {name: _heard(Pace, said) for name, said in found[Topic.PACE].items()},
        {name: _heard(Breaker, said) for name, said in found[Topic.BREAKER].items()},
        {name: _heard(Demand, said) for name, said in found[Topic.DEMAND].items()},
    )


def tell(
    connected: sa.Connection,
    connection: str,
    name: str,
    signal: Breaker | Demand | Pace,
    now: datetime,
) -> None:
    """Let the other processes know."""
    parts = {name: getattr(signal, name) for name in _FIELDS[type(signal)]}
    said = {
        name: part.isoformat() if isinstance(part, datetime) else part
        for name, part in parts.items()
    }
    values = {
        "connection": connection,
        "topic": _TOPICS[type(signal)],
        "name": name,
        "said": said,
        "at": now,
    }
    upsert(connected, tables.signal, [values])


def leave(connected: sa.Connection, connection: str, sync: str) -> None:
    """Let the other processes know that a sync wants nothing any more."""
    connected.execute(_FORGET, {"of_connection": connection, "of_sync": sync})


def _heard(kind: type[T], said: Mapping[str, Any]) -> T:
    times = {
        key: datetime.fromisoformat(value)
        for key, value in said.items()
        if isinstance(value, str) and key.endswith(("_at", "_until", "_before"))
    }
    return kind(**{**said, **times})
