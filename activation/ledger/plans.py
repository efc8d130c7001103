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
from activation.ledger.batches import LAST_ATTEMPT, OPEN, BatchState
from activation.ledger.store import Store

ROLLBACK, REPLAY = "rollback", "replay"
"""Kinds of plans, in their summary; a plan of all that differs has none."""


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
    attempts_seen: int
    """The sync's newest attempt when it was made; it does not know of any later one."""

    @property
    def is_rollback(self) -> bool:
        """Tell whether it takes something back."""
        return self.summary.get("kind") == ROLLBACK

    @property
    def is_replay(self) -> bool:
        """Tell whether it is of dead letters alone."""
        return self.summary.get("kind") == REPLAY

    @property
    def is_whole(self) -> bool:
        """Tell whether it is of all that differs."""
        return not self.is_rollback and not self.is_replay


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


_PLAN = sa.select(tables.plan).where(tables.plan.c.digest == sa.bindparam("digest"))
_LATEST = (
    sa.select(tables.plan)
    .where(tables.plan.c.sync == sa.bindparam("sync"), tables.plan.c.phase == sa.bindparam("phase"))
    .order_by(tables.plan.c.no.desc())
    .limit(1)
)
_NEWEST = sa.select(sa.func.max(tables.plan.c.no))
_REWRITE = tables.plan.update().where(tables.plan.c.digest == sa.bindparam("this"))
_INSERT = tables.plan.insert()
_SUPERSEDE = (
    tables.plan.update()
    .where(
        tables.plan.c.sync == sa.bindparam("of_sync"),
        tables.plan.c.phase == sa.bindparam("of_phase"),
        tables.plan.c.digest != sa.bindparam("by"),
        tables.plan.c.state.in_([PlanState.OPEN, PlanState.DELIVERING]),
    )
    .values(state=PlanState.SUPERSEDED)
)
_HAS_UNSETTLED = tables.plan.c.digest.in_(
    sa.select(tables.batch.c.plan_digest).where(
        tables.batch.c.sync == sa.bindparam("sync"),
        sa.or_(
            tables.batch.c.state.in_(OPEN),
            sa.and_(
                tables.batch.c.state == BatchState.DELIVERED,
                tables.batch.c.folded_at.is_(None),
            ),
            tables.batch.c.fence_until > sa.bindparam("now"),
        ),
    )
)
_UNSETTLED = sa.select(tables.plan.c.warehouse_table).where(_HAS_UNSETTLED)
_IN_USE = sa.select(tables.plan.c.warehouse_table).where(
    sa.or_(
        tables.plan.c.no.in_(
            _NEWEST.where(tables.plan.c.sync == sa.bindparam("sync")).group_by(tables.plan.c.phase)
        ),
        _HAS_UNSETTLED,
    )
)
_VERDICTS = sa.select(tables.verdict).where(tables.verdict.c.plan_digest == sa.bindparam("digest"))
_FORGET_VERDICTS = tables.verdict.delete().where(
    tables.verdict.c.plan_digest == sa.bindparam("digest")
)
_KEEP_VERDICT = tables.verdict.insert()


def _sent(digest: Any) -> sa.ColumnElement[bool]:
    batch = tables.batch
    return sa.exists().where(batch.c.plan_digest == digest, batch.c.requests > 0)


_OVERTAKEN = (
    sa.select(tables.batch.c.plan_digest)
    .join(tables.plan, tables.plan.c.sync == tables.batch.c.sync)
    .where(
        tables.plan.c.digest == sa.bindparam("digest"),
        tables.batch.c.plan_digest != sa.bindparam("digest"),
        tables.batch.c.attempt_no > tables.plan.c.attempts_seen,
    )
    .order_by(tables.batch.c.attempt_no.desc())
    .limit(1)
)
_WAS_SENT = sa.select(_sent(sa.bindparam("digest")))


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans that were made, newest first where order matters."""

    store: Store

    def record(
        self,
        plan: FrozenPlan,
        *,
        connection: str,
        attempts_seen: int,
        summary: Mapping[str, Any] | None = None,
    ) -> PlanRecord:
        """
        Keep a plan, and let it take the place of unsettled older ones of its phase.

        A plan that comes out the same again, digest and all, is the same plan made young again;
        it keeps what it has already delivered.

        Args:
            plan: as it was frozen.
            connection: where it goes.
            attempts_seen: `last_attempt`, asked before anything was read for the plan.
            summary: what people may want to know of it.
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
            newest = connected.scalar(_NEWEST) or 0
            known = connected.execute(_PLAN, {"digest": plan.digest}).one_or_none()
            fresh = {
                "created_at": plan.created_at,
                "no": newest + 1,
                "attempts_seen": attempts_seen,
                "contract_digest": plan.contract_digest,
                "mapping_digest": plan.mapping_digest,
                "warehouse_table": plan.table,
            }
            if known is None:
                begun = {
                    "digest": plan.digest,
                    "sync": plan.sync,
                    "phase": plan.phase,
                    "connection": connection,
                    "state": PlanState.OPEN,
                    "to_send": sum(c["rows"] for c in counts if c["disposition"] == "send"),
                    "counts": counts,
                    "summary": dict(summary or {}),
                }
                connected.execute(_INSERT, {**begun, **fresh})
            else:
                if known.state == PlanState.SUPERSEDED:
                    sent = connected.scalar(_WAS_SENT, {"digest": plan.digest})
                    fresh["state"] = PlanState.DELIVERING if sent else PlanState.OPEN
                connected.execute(_REWRITE, {"this": plan.digest, **fresh})
                # Whoever approved it has not seen what it was made from this time.
                table = tables.approval
                connected.execute(table.delete().where(table.c.plan_digest == plan.digest))
            others = {"of_sync": plan.sync, "of_phase": plan.phase, "by": plan.digest}
            connected.execute(_SUPERSEDE, others)
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
            row = connected.execute(_PLAN, {"digest": digest}).one_or_none()
        if row is None:
            raise UsageError(
                f"The ledger knows no plan {digest[:12]}.", hint="Plan the sync first."
            )
        return record_of(row)

    def latest(self, sync: str, phase: str) -> PlanRecord | None:
        """Return the newest plan of a phase."""
        with self.store.read() as connected:
            row = connected.execute(_LATEST, {"sync": sync, "phase": phase}).one_or_none()
        return None if row is None else record_of(row)

    def digests(self, sync: str, phase: str) -> tuple[str, ...]:
        """Return the digests of all plans of a phase."""
        table = tables.plan
        query = sa.select(table.c.digest).where(table.c.sync == sync, table.c.phase == phase)
        with self.store.read() as connected:
            return tuple(connected.scalars(query.order_by(table.c.no)))

    def tables_in_use(self, sync: str) -> set[str]:
        """
        Return the warehouse tables of a sync that may still be read.

        That is the newest plan of each phase, and every plan with a batch whose fate is not
        known, whose receipt is not folded, or whose keys are still fenced.
        """
        asked = {"sync": sync, "now": self.store.clock.now()}
        with self.store.read() as connected:
            return set(connected.scalars(_IN_USE, asked))

    def tables_unsettled(self, sync: str) -> set[str]:
        """Return the warehouse tables of plans with a batch that is not settled for good."""
        asked = {"sync": sync, "now": self.store.clock.now()}
        with self.store.read() as connected:
            return set(connected.scalars(_UNSETTLED, asked))

    def last_attempt(self, sync: str) -> int:
        """
        Return the number of the newest attempt of a sync; they are counted in the order of intents.

        Whoever makes a plan asks before reading anything else, and keeps it with the plan: no
        clock can tell as well whether something was sent that the plan does not know of.
        """
        with self.store.read() as connected:
            return connected.scalar(LAST_ATTEMPT, {"sync": sync}) or 0

    def overtaken_by(self, digest: str) -> str | None:
        """Return another plan of the sync, of any phase, of which something was sent since."""
        with self.store.read() as connected:
            return connected.scalar(_OVERTAKEN, {"digest": digest})

    def record_verdicts(self, digest: str, verdicts: Sequence[VerdictLike]) -> None:
        """Keep what the gates said, in place of what they said of this plan before."""
        at = self.store.clock.now()
        rows = [
            {
                "plan_digest": digest,
                "gate": str(verdict.gate),
                "passed": verdict.passed,
                "summary": verdict.summary,
                "evidence": dict(verdict.evidence),
                "next_step": verdict.next_step,
                "at": at,
            }
            for verdict in verdicts
        ]
        with self.store.write() as connected:
            connected.execute(_FORGET_VERDICTS, {"digest": digest})
            if rows:
                connected.execute(_KEEP_VERDICT, rows)

    def verdicts(self, digest: str) -> dict[str, VerdictRecord]:
        """Return what the gates said of a plan, by gate."""
        with self.store.read() as connected:
            rows = connected.execute(_VERDICTS, {"digest": digest}).all()
        return {
            row.gate: VerdictRecord(
                row.gate, row.passed, row.summary, row.evidence, row.next_step, row.at
            )
            for row in rows
        }

    def mark(self, digest: str, state: PlanState, *, stopped_by: str | None = None) -> None:
        """Keep how far a delivery of the plan came, and why it ended early if it did."""
        marked = {"state": state, "stopped_by": stopped_by}
        with self.store.write() as connected:
            connected.execute(_REWRITE, {"this": digest, **marked})


def record_of(row: Any) -> PlanRecord:
    """Return a row of the table of plans."""
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
        attempts_seen=row.attempts_seen,
    )
