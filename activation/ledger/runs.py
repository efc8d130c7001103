"""Runs: when a sync was delivered, what came of it, and how source and destination compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.conservation import Tally
from activation.ledger.store import Store


class RunState(StrEnum):
    """How a run ended, or that it has not."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a sync and phase."""

    run_id: str
    sync: str
    phase: str
    plan_digest: str | None
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    tally: Mapping[str, Mapping[str, int]]
    """Rows by operation and outcome."""
    requests: int
    """The write requests that it took."""
    parity: Mapping[str, Any] | None
    message: str | None
    findings: tuple[Mapping[str, Any], ...] = ()
    """What the checks after delivery found: `name`, `passed`, `summary`."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of all syncs."""

    store: Store

    def start(self, run_id: str, sync: str, phase: str, *, plan_digest: str | None = None) -> None:
        """Keep that a run has begun; one that is begun again starts anew."""
        table = tables.run
        with self.store.write() as connected:
            connected.execute(table.delete().where(table.c.run_id == run_id))
            connected.execute(
                table.insert().values(
                    run_id=run_id,
                    sync=sync,
                    phase=phase,
                    plan_digest=plan_digest,
                    state=RunState.RUNNING,
                    started_at=self.store.clock.now(),
                    tally={},
                    requests=0,
                )
            )

    def end(  # noqa: PLR0913 - one argument a column
        self,
        run_id: str,
        state: RunState,
        *,
        tallies: Mapping[str, Tally] | None = None,
        requests: int = 0,
        parity: Mapping[str, Any] | None = None,
        findings: Sequence[Mapping[str, Any]] = (),
        message: str | None = None,
    ) -> None:
        """Keep how a run ended."""
        table = tables.run
        with self.store.write() as connected:
            connected.execute(
                table.update()
                .where(table.c.run_id == run_id)
                .values(
                    state=state,
                    ended_at=self.store.clock.now(),
                    tally={name: tally.as_dict() for name, tally in (tallies or {}).items()},
                    requests=requests,
                    parity=None if parity is None else dict(parity),
                    findings=[dict(finding) for finding in findings],
                    message=message,
                )
            )

    def add_finding(self, run_id: str, finding: Mapping[str, Any]) -> None:
        """Keep what one more check found, after a run has ended."""
        table = tables.run
        with self.store.write() as connected:
            this = table.c.run_id == run_id
            known = connected.scalar(sa.select(table.c.findings).where(this)) or []
            connected.execute(table.update().where(this).values(findings=[*known, dict(finding)]))

    def get(self, run_id: str) -> RunRecord | None:
        """Return one run; None if it never began to deliver."""
        table = tables.run
        with self.store.read() as connected:
            row = connected.execute(sa.select(table).where(table.c.run_id == run_id)).one_or_none()
        return None if row is None else _record(row)

    def list(self, sync: str, *, limit: int = 10) -> tuple[RunRecord, ...]:
        """Return the runs of a sync, newest first."""
        table = tables.run
        with self.store.read() as connected:
            rows = connected.execute(
                sa.select(table)
                .where(table.c.sync == sync)
                .order_by(table.c.started_at.desc(), table.c.run_id)
                .limit(limit)
            ).all()
        return tuple(_record(row) for row in rows)


def _record(row: Any) -> RunRecord:
    return RunRecord(
        run_id=row.run_id,
        sync=row.sync,
        phase=row.phase,
        plan_digest=row.plan_digest,
        state=RunState(row.state),
        started_at=row.started_at,
        ended_at=row.ended_at,
        tally=row.tally,
        requests=row.requests,
        parity=row.parity,
        message=row.message,
        findings=tuple(row.findings or ()),
    )
