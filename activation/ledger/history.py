"""The plans of a sync that were carried out, and the newest that was made, for later ones."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from activation.errors import UsageError
from activation.ledger import tables
from activation.ledger.plans import PlanRecord, PlanState, record_of
from activation.ledger.store import Store

_DIGITS = 12
"""So many digits of a digest are enough to name a plan."""


@dataclass(frozen=True, slots=True)
class History:
    """What earlier plans of a sync were like."""

    store: Store

    def find(self, digits: str) -> PlanRecord:
        """
        Return the plan whose digest begins with these digits.

        Raises:
            UsageError: they are fewer than twelve, or no plan or several begin with them.
        """
        if len(digits) < _DIGITS or not digits.isalnum():
            raise UsageError(
                f"`{digits}` names no plan.",
                hint=f"Give at least the first {_DIGITS} digits of its digest, as a run tells it.",
            )
        begins = tables.plan.c.digest.startswith(digits.lower(), autoescape=True)
        with self.store.read() as connected:
            rows = connected.execute(sa.select(tables.plan).where(begins).limit(2)).all()
        if len(rows) != 1:
            raise UsageError(
                f"The ledger knows {'several plans' if rows else 'no plan'} {digits}.",
                hint="A preview is in no ledger; `activation run` tells the plan that was stopped.",
            )
        return record_of(rows[0])

    def newest(self, sync: str) -> PlanRecord | None:
        """Return the plan that was made last, whatever became of it."""
        found = self._plans(sync, limit=1)
        return found[0] if found else None

    def delivered(
        self, sync: str, *, phase: str | None = None, limit: int
    ) -> tuple[PlanRecord, ...]:
        """Return the plans that were delivered to the end, newest first, of one phase or all."""
        carried_out = [tables.plan.c.state == PlanState.SETTLED]
        if phase is not None:
            carried_out.append(tables.plan.c.phase == phase)
        return self._plans(sync, *carried_out, limit=limit)

    def approved(self, sync: str) -> frozenset[str]:
        """Return the digests of the sync's plans that somebody approved, however long ago."""
        table = tables.approval
        of_sync = sa.select(tables.plan.c.digest).where(tables.plan.c.sync == sync)
        with self.store.read() as connected:
            digests = sa.select(table.c.plan_digest).where(table.c.plan_digest.in_(of_sync))
            return frozenset(connected.scalars(digests))

    def _plans(
        self, sync: str, *which: sa.ColumnElement[bool], limit: int
    ) -> tuple[PlanRecord, ...]:
        query = (
            sa.select(tables.plan)
            .where(tables.plan.c.sync == sync, *which)
            .order_by(tables.plan.c.no.desc())
            .limit(limit)
        )
        with self.store.read() as connected:
            return tuple(record_of(row) for row in connected.execute(query))
