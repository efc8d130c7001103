"""Alerts: what is wrong now, since when, and whether anybody has been told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Observation:
    """Something that is wrong with a sync now; without any personal value."""

    kind: str
    """An entry of the catalogue."""
    summary: str
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """The last word on one kind of trouble of one sync."""

    sync: str
    kind: str
    firing: bool
    since: datetime
    """When it began to fire, or ended."""
    summary: str
    run_id: str | None
    untold: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether an alert fires, and whether that has not been told yet."""

    firing: bool
    untold: bool


def turned(known: Standing | None, *, observed: bool) -> Standing | None:
    """
    Return how an alert stands after a look, or None if nothing changed.

    Each change is told once.
    Trouble that came and went between two messages is told neither as come nor as gone.
    """
    if known is None:
        return Standing(firing=True, untold=True) if observed else None
    if known.firing == observed:
        return None
    return Standing(firing=observed, untold=not known.untold)


@dataclass(frozen=True, slots=True)
class Alerts:
    """The alerts of all syncs."""

    store: Store

    def keep(self, sync: str, observed: Mapping[str, Observation]) -> None:
        """Keep what is wrong with a sync now; what is not among it is over."""
        now = self.store.clock.now()
        table = tables.alert
        with self.store.write() as connected:
            found = connected.execute(sa.select(table).where(table.c.sync == sync))
            known = {row.kind: _record(row) for row in found}
            for kind in sorted(known.keys() | observed.keys()):
                before = known.get(kind)
                standing = None if before is None else Standing(before.firing, before.untold)
                after = turned(standing, observed=kind in observed)
                seen = observed.get(kind)
                if after is None:
                    continue
                values: dict[str, Any] = {
                    "firing": after.firing,
                    "untold": after.untold,
                    "since": now,
                }
                if seen is not None:
                    values |= {"summary": seen.summary, "run_id": seen.run_id}
                at = (table.c.sync == sync) & (table.c.kind == kind)
                if before is None:
                    connected.execute(table.insert().values(sync=sync, kind=kind, **values))
                else:
                    connected.execute(table.update().where(at).values(**values))

    def list(self, *, firing: bool | None = None, untold: bool | None = None) -> list[AlertRecord]:
        """Return the alerts that fire, or have been told, or not; all of them by default."""
        table = tables.alert
        query = sa.select(table).order_by(table.c.since, table.c.sync, table.c.kind)
        if firing is not None:
            query = query.where(table.c.firing.is_(firing))
        if untold is not None:
            query = query.where(table.c.untold.is_(untold))
        with self.store.read() as connected:
            return [_record(row) for row in connected.execute(query)]

    def told(self, record: AlertRecord) -> None:
        """Keep that this change was told; one that came after it is still to be told."""
        table = tables.alert
        with self.store.write() as connected:
            connected.execute(
                table.update()
                .where(
                    table.c.sync == record.sync,
                    table.c.kind == record.kind,
                    table.c.firing.is_(record.firing),
                )
                .values(untold=False)
            )


def _record(row: Any) -> AlertRecord:
    return AlertRecord(
        sync=row.sync,
        kind=row.kind,
        firing=row.firing,
        since=row.since,
        summary=row.summary,
        run_id=row.run_id,
        untold=row.untold,
    )
