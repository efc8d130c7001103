"""What is wrong with a sync now: pure decisions over what the ledger knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.contract.model import Contract
from activation.contract.schedule import last_due
from activation.ledger.alerts import Observation
from activation.ledger.batches import BatchRecord
from activation.ledger.plans import PlanRecord, VerdictRecord
from activation.ledger.runs import RunRecord, RunState

GRACE = timedelta(hours=1)
"""How late a scheduled run may be: models are built before it, and other runs may be in the way."""
_PAUSED = "kill_switch"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the ledger knows of one sync."""

    contract: Contract
    now: datetime
    plan: PlanRecord | None = None
    """The newest plan, of whatever phase."""
    verdicts: Mapping[str, VerdictRecord] | None = None
    """Of that plan."""
    runs: Sequence[RunRecord] = ()
    """Newest first."""
    in_doubt: Sequence[BatchRecord] = ()
    paused: str | None = None
    """Who paused it and why."""
    stopped: str | None = None
    """Why the rollout goes no further."""
    open_since: datetime | None = None
    """When its first phase was opened; None if none is open, so that no run is due."""


def observe(snapshot: Snapshot) -> dict[str, Observation]:
    """Return what is wrong, by kind of alert."""
    found = [
        *_gates(snapshot),
        *_findings(snapshot),
        *_endings(snapshot),
        *_missed(snapshot),
        *_doubts(snapshot),
    ]
    if snapshot.stopped is not None:
        found.append(Observation("promotion_stopped", snapshot.stopped))
    return {observation.kind: observation for observation in found}


def _gates(snapshot: Snapshot) -> Iterator[Observation]:
    run_id = None if snapshot.plan is None else str(snapshot.plan.summary.get("run_id") or "")
    for gate, verdict in (snapshot.verdicts or {}).items():
        # Whether it is paused now is known better than by a plan that may be old.
        if not verdict.passed and gate != _PAUSED:
            yield Observation(gate, verdict.summary, run_id or None)
    if snapshot.paused is not None:
        yield Observation(_PAUSED, snapshot.paused)


def _findings(snapshot: Snapshot) -> Iterator[Observation]:
    told: set[str] = set()
    for run in snapshot.runs:
        for finding in run.findings:
            # A run that was stopped has no parity; the last one that has it counts.
            if finding["name"] not in told and not finding["passed"]:
                yield Observation(str(finding["name"]), str(finding["summary"]), run.run_id)
            told.add(str(finding["name"]))


def _endings(snapshot: Snapshot) -> Iterator[Observation]:
    ended = [run for run in snapshot.runs if run.state is not RunState.RUNNING]
    if not ended or _gated(snapshot):
        return
    last = ended[0]
    message = last.message or "it said nothing"
    plan = snapshot.plan
    if last.state is RunState.STOPPED and plan is not None and plan.stopped_by == "quota":
        yield Observation("quota", message, last.run_id)
    elif last.state is RunState.STOPPED and snapshot.paused is None:
        yield Observation("run_stopped", message, last.run_id)
    elif last.state in {RunState.FAILED, RunState.REFUSED}:
        yield Observation("run_failed", message, last.run_id)


def _gated(snapshot: Snapshot) -> bool:
    """Tell whether the last run only says what a gate has said."""
    return any(not verdict.passed for verdict in (snapshot.verdicts or {}).values())


def _missed(snapshot: Snapshot) -> Iterator[Observation]:
    schedule, opened = snapshot.contract.schedule, snapshot.open_since
    if schedule is None or opened is None or snapshot.paused is not None:
        return
    due = last_due(schedule, snapshot.now - GRACE)
    seen = [run.started_at for run in snapshot.runs]
    if snapshot.plan is not None:
        seen.append(snapshot.plan.created_at)
    if due > opened and max(seen, default=opened) < due:
        yield Observation("run_missed", f"the run due at {due:%Y-%m-%d %H:%M} UTC did not begin.")


def _doubts(snapshot: Snapshot) -> Iterator[Observation]:
    overdue = [
        batch
        for batch in snapshot.in_doubt
        if batch.fence_until is not None and batch.fence_until < snapshot.now
    ]
    if overdue:
        rows = sum(batch.cut.rows for batch in overdue)
        oldest = min(batch.fence_until for batch in overdue if batch.fence_until is not None)
        yield Observation(
            "in_doubt",
            f"{rows:,} rows in {len(overdue):,} requests were never answered; the oldest could "
            f"take effect until {oldest:%Y-%m-%d %H:%M} UTC.",
        )
