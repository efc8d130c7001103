"""Plans and the verdicts on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa

from activation.errors import UsageError
from activation.ledger import audit, tables
from activation.ledger.batches import OPEN, BatchState
from activation.ledger.store import Store

GATES = frozenset({"freshness", "grain", "consent", "blast_radius", "schema", "kill_switch"})
"""The gates that every plan must have passed before a byte of it leaves."""


class PlanState(StrEnum):
    """How far a plan has come."""

    OPEN = "open"  # nothing of it has been sent
    DELIVERING = "delivering"  # some of it may have been sent
    SETTLED = "settled"  # every action to send has an outcome
    SUPERSEDED = "superseded"  # a newer plan of the phase has taken its place


class Count(Protocol):
    """How many actions of one operation share a disposition and a reason."""

    @property
    def operation(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def disposition(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class CountRecord:
    """A count as the ledger keeps it."""

    operation: str
    disposition: str
    reason: str | None
    rows: int


class VerdictLike(Protocol):
    """A gate's verdict, as `gates/` gives it."""

    @property
    def gate(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def passed(self) -> bool: ...  # noqa: D102
    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def evidence(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def next_step(self) -> str | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict as the ledger keeps it."""

    gate: str
    passed: bool
    summary: str
    evidence: Mapping[str, Any]
    next_step: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as the ledger keeps it; its actions stand in the warehouse."""

    digest: str
    sync: str
    phase: str
    connection: str
    created_at: datetime
    contract_digest: str
    mapping_digest: str
    table: str
    state: PlanState
    to_send: int
    counts: tuple[CountRecord, ...]
    summary: Mapping[str, Any]
    stopped_by: str | None
    """Why the last delivery of it ended early."""


class FrozenPlan(Protocol):
    """A plan, as `planning/` gives it."""

    @property
    def digest(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def sync(self) -> str: ...  # noqa: D102
    @property
    def phase(self) -> str: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102
    @property
    def contract_digest(self) -> str: ...  # noqa: D102
    @property
    def mapping_digest(self) -> str: ...  # noqa: D102
    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def counts(self) -> Sequence[Count]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans that were made, newest first where order matters."""

    store: Store

    def record(
        self, plan: FrozenPlan, *, connection: str, summary: Mapping[str, Any] | None = None
    ) -> PlanRecord:
        """
        Keep a plan, and let it take the place of unsettled older ones of its phase.

        A plan that comes out the same again, digest and all, is the same plan made young again;
        it keeps what it has already delivered.
        """
        counts: list[dict[str, Any]] = [
            {
                "operation": str(count.operation),
                "disposition": str(count.disposition),
                "reason": None if count.reason is None else str(count.reason),
                "rows": count.rows,
            }
            for count in plan.counts
        ]
        with self.store.write() as connected:
            table = tables.plan
            newest = connected.scalar(sa.select(sa.func.max(table.c.no))) or 0
            known = connected.execute(
                sa.select(table.c.state).where(table.c.digest == plan.digest)
            ).scalar()
            fresh = {
                "created_at": plan.created_at,
                "no": newest + 1,
                "contract_digest": plan.contract_digest,
                "mapping_digest": plan.mapping_digest,
                "warehouse_table": plan.table,
            }
            if known is None:
                connected.execute(
                    table.insert().values(
                        digest=plan.digest,
                        sync=plan.sync,
                        phase=plan.phase,
                        connection=connection,
                        state=PlanState.OPEN,
                        to_send=sum(c["rows"] for c in counts if c["disposition"] == "send"),
                        counts=counts,
                        summary=dict(summary or {}),
                        **fresh,
                    )
                )
            else:
                if known == PlanState.SUPERSEDED:
                    sent = connected.scalar(sa.select(_sent(plan.digest)))
                    fresh["state"] = PlanState.DELIVERING if sent else PlanState.OPEN
                connected.execute(
                    table.update().where(table.c.digest == plan.digest).values(**fresh)
                )
            connected.execute(
                table.update()
                .where(
                    table.c.sync == plan.sync,
                    table.c.phase == plan.phase,
                    table.c.digest != plan.digest,
                    table.c.state.in_([PlanState.OPEN, PlanState.DELIVERING]),
                )
                .values(state=PlanState.SUPERSEDED)
            )
            audit.append(
                connected,
                audit.Act.PLAN,
                {"sync": plan.sync, "phase": plan.phase, "plan": plan.digest},
                author=str((summary or {}).get("run_id", "unknown")),
                reason=str((summary or {}).get("reason", "what differs")),
                at=self.store.clock.now(),
            )
        return self.get(plan.digest)

    def get(self, digest: str) -> PlanRecord:
        """
        Return the plan of that digest.

        Raises:
            UsageError: there is none.
        """
        with self.store.read() as connected:
            row = connected.execute(
                sa.select(tables.plan).where(tables.plan.c.digest == digest)
            ).one_or_none()
        if row is None:
            raise UsageError(
                f"The ledger knows no plan {digest[:12]}.", hint="Plan the sync first."
            )
        return _record(row)

    def latest(self, sync: str, phase: str) -> PlanRecord | None:
        """Return the newest plan of a phase."""
        table = tables.plan
        with self.store.read() as connected:
            row = connected.execute(
                sa.select(table)
                .where(table.c.sync == sync, table.c.phase == phase)
                .order_by(table.c.created_at.desc(), table.c.no.desc())
                .limit(1)
            ).one_or_none()
        return None if row is None else _record(row)

    def tables_in_use(self, sync: str) -> set[str]:
        """
        Return the warehouse tables of a sync that may still be read.

        That is the newest plan of each phase, and every plan with a batch whose fate is not
        known, whose receipt is not folded, or whose keys are still fenced.
        """
        table, batch = tables.plan, tables.batch
        newest = (
            sa.select(sa.func.max(table.c.no)).where(table.c.sync == sync).group_by(table.c.phase)
        )
        needed = sa.select(batch.c.plan_digest).where(
            batch.c.sync == sync,
            sa.or_(
                batch.c.state.in_(OPEN),
                sa.and_(batch.c.state == BatchState.DELIVERED, batch.c.folded_at.is_(None)),
                batch.c.fence_until > self.store.clock.now(),
            ),
        )
        with self.store.read() as connected:
            return set(
                connected.scalars(
                    sa.select(table.c.warehouse_table).where(
                        sa.or_(table.c.no.in_(newest), table.c.digest.in_(needed))
                    )
                )
            )

    def overtaken_by(self, digest: str) -> str | None:
        """Return a later plan of the same sync, of any phase, that has begun to send."""
        table = tables.plan
        this = sa.select(table).where(table.c.digest == digest).subquery()
        with self.store.read() as connected:
            return connected.scalar(
                sa.select(table.c.digest)
                .where(
                    table.c.sync == this.c.sync,
                    table.c.digest != this.c.digest,
                    sa.or_(
                        table.c.created_at > this.c.created_at,
                        sa.and_(table.c.created_at == this.c.created_at, table.c.no > this.c.no),
                    ),
                    _sent(table.c.digest),
                )
                .limit(1)
            )

    def record_verdicts(self, digest: str, verdicts: Sequence[VerdictLike]) -> None:
        """Keep what the gates said, in place of what they said of this plan before."""
        table = tables.verdict
        at = self.store.clock.now()
        with self.store.write() as connected:
            connected.execute(table.delete().where(table.c.plan_digest == digest))
            for verdict in verdicts:
                connected.execute(
                    table.insert().values(
                        plan_digest=digest,
                        gate=str(verdict.gate),
                        passed=verdict.passed,
                        summary=verdict.summary,
                        evidence=dict(verdict.evidence),
                        next_step=verdict.next_step,
                        at=at,
                    )
                )

    def verdicts(self, digest: str) -> dict[str, VerdictRecord]:
        """Return what the gates said of a plan, by gate."""
        table = tables.verdict
        with self.store.read() as connected:
            rows = connected.execute(sa.select(table).where(table.c.plan_digest == digest)).all()
        return {
            row.gate: VerdictRecord(
                row.gate, row.passed, row.summary, row.evidence, row.next_step, row.at
            )
            for row in rows
        }

    def mark(self, digest: str, state: PlanState, *, stopped_by: str | None = None) -> None:
        """Keep how far a delivery of the plan came, and why it ended early if it did."""
        table = tables.plan
        with self.store.write() as connected:
            connected.execute(
                table.update()
                .where(table.c.digest == digest)
                .values(state=state, stopped_by=stopped_by)
            )


def _sent(digest: Any) -> sa.ColumnElement[bool]:
    batch = tables.batch
    return sa.exists().where(batch.c.plan_digest == digest, batch.c.requests > 0)


def _record(row: Any) -> PlanRecord:
    return PlanRecord(
        digest=row.digest,
        sync=row.sync,
        phase=row.phase,
        connection=row.connection,
        created_at=row.created_at,
        contract_digest=row.contract_digest,
        mapping_digest=row.mapping_digest,
        table=row.warehouse_table,
        state=PlanState(row.state),
        to_send=row.to_send,
        counts=tuple(CountRecord(**count) for count in row.counts),
        summary=row.summary,
        stopped_by=row.stopped_by,
    )
