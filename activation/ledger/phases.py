"""Which phases of a sync are open, by whose word, and which were loaded in full."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from activation.errors import UsageError
from activation.ledger import audit, tables
from activation.ledger.store import Store, insert_or_ignore
from activation.ledger.switches import require_words


@dataclass(frozen=True, slots=True)
class PhaseRecord:
    """A phase that was opened."""

    sync: str
    phase: str
    opened_at: datetime
    opened_by: str
    reason: str
    loaded_at: datetime | None
    """When its first plan was delivered to the end; None before that."""
    stopped_at: datetime | None = None
    """When a condition stopped the rollout here; None if it goes on."""
    stopped_because: str | None = None
    released_at: datetime | None = None
    """When somebody last let a stopped rollout go on: what was before no longer counts."""


@dataclass(frozen=True, slots=True)
class Phases:
    """The open phases of all syncs; a phase that is not among them does not exist yet."""

    store: Store

    def open(self, sync: str, phase: str, *, reason: str, author: str) -> PhaseRecord:
        """
        Open a phase; one that is open already stays as it was.

        Raises:
            UsageError: reason or author is empty.
        """
        require_words(reason=reason, author=author)
        reason, author, at = reason.strip(), author.strip(), self.store.clock.now()
        subject = {"sync": sync, "phase": phase}
        told = {"opened_at": at, "opened_by": author, "reason": reason}
        with self.store.write() as connected:
            if insert_or_ignore(connected, tables.phase, {**subject, **told}):
                audit.append(
                    connected, audit.Act.OPEN, subject, author=author, reason=reason, at=at
                )
        return next(opened for opened in self.opened(sync) if opened.phase == phase)

    def opened(self, sync: str) -> tuple[PhaseRecord, ...]:
        """Return the open phases of a sync in the order in which they were opened."""
        table = tables.phase
        with self.store.read() as connected:
            rows = connected.execute(
                sa.select(table)
                .where(table.c.sync == sync)
                .order_by(table.c.opened_at, table.c.phase)
            ).mappings()
            return tuple(PhaseRecord(**row) for row in rows)

    def stop(self, sync: str, phase: str, *, reason: str, author: str) -> None:
        """Let the rollout go no further than this phase until somebody releases it."""
        now, table = self.store.clock.now(), tables.phase
        with self.store.write() as connected:
            changed = connected.execute(
                table.update()
                .where(table.c.sync == sync, table.c.phase == phase, table.c.stopped_at.is_(None))
                .values(stopped_at=now, stopped_because=reason)
            )
            if changed.rowcount:
                subject = {"sync": sync, "phase": phase}
                audit.append(
                    connected, audit.Act.STOP, subject, author=author, reason=reason, at=now
                )

    def release(self, sync: str, *, reason: str, author: str) -> tuple[str, ...]:
        """
        Let a stopped rollout go on, judged by what happens from now; return the phases.

        Raises:
            UsageError: reason or author is empty, or the rollout is not stopped.
        """
        require_words(reason=reason, author=author)
        reason, author, now = reason.strip(), author.strip(), self.store.clock.now()
        table = tables.phase
        stopped = sa.and_(table.c.sync == sync, table.c.stopped_at.is_not(None))
        with self.store.write() as connected:
            phases: tuple[str, ...] = tuple(
                connected.scalars(sa.select(table.c.phase).where(stopped))
            )
            if not phases:
                raise UsageError(
                    f"The rollout of {sync} is not stopped.",
                    hint=f"`activation status {sync}` shows what it still lacks.",
                    sync=sync,
                )
            connected.execute(
                table.update()
                .where(stopped)
                .values(stopped_at=None, stopped_because=None, released_at=now)
            )
            for phase in phases:
                subject = {"sync": sync, "phase": phase}
                audit.append(
                    connected, audit.Act.RELEASE, subject, author=author, reason=reason, at=now
                )
        return phases

    def mark_loaded(self, sync: str, phase: str) -> None:
        """Keep that a plan of this phase was delivered to the end; the first time counts."""
        table = tables.phase
        with self.store.write() as connected:
            connected.execute(
                table.update()
                .where(table.c.sync == sync, table.c.phase == phase, table.c.loaded_at.is_(None))
                .values(loaded_at=self.store.clock.now())
            )
