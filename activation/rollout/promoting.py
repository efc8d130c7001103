"""Opens the next phase of a rollout, or stops it, and writes down why."""

from __future__ import annotations

from dataclasses import dataclass

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.ledger import Ledger
from activation.ledger.phases import PhaseRecord
from activation.rollout.conditions import Condition, Decision, Metrics, Step, judge

AUTHOR = "promotion"
_RUNS = 200


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the rollout of a sync stands."""

    phase: PhaseRecord
    """The widest open phase."""
    following: Phase | None
    """The phase that would open next; None if there is none."""
    decision: Decision | None
    """None if the contract states no conditions, or nothing is left to open."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions as they stand; none if there are none."""
        return () if self.decision is None else self.decision.conditions


def outlook(contract: Contract, ledger: Ledger) -> Outlook | None:
    """Return how the rollout stands, or None if no phase is open."""
    opened = {record.phase: record for record in ledger.phases.opened(contract.sync)}
    widest = [phase for phase in contract.rollout.phases if phase.name in opened]
    if not widest:
        return None
    record = opened[widest[-1].name]
    following = contract.rollout.after(record.phase)
    promotion = contract.rollout.promotion
    if following is None or promotion is None:
        return Outlook(record, following, None)
    now = ledger.store.clock.now()
    return Outlook(record, following, judge(promotion, metrics(ledger, record), now))


def promote(contract: Contract, ledger: Ledger) -> tuple[Outlook | None, Phase | None]:
    """
    Take the step that the conditions ask for; return the outlook and the phase that was opened.

    A rollout that was stopped stays stopped until somebody releases it: what healed by itself
    may break again.
    """
    found = outlook(contract, ledger)
    if found is None or found.decision is None or found.following is None:
        return found, None
    if found.phase.stopped_at is not None:
        return found, None
    sync, phase, decision = contract.sync, found.phase.phase, found.decision
    if decision.step is Step.STOP:
        ledger.phases.stop(sync, phase, reason=decision.because, author=AUTHOR)
        return outlook(contract, ledger), None
    if decision.step is Step.STAY:
        return found, None
    ledger.phases.open(sync, found.following.name, reason=decision.because, author=AUTHOR)
    return found, found.following


def metrics(ledger: Ledger, record: PhaseRecord) -> Metrics:
    """Return what the ledger knows of a phase since it was opened or released."""
    since = record.released_at or record.opened_at
    runs = [
        run
        for run in ledger.runs.list(record.sync, limit=_RUNS)
        if run.phase == record.phase and run.started_at >= since
    ]
    # Each run tells what became of its plan over all deliveries: the newest word counts.
    newest = {run.plan_digest: run for run in reversed(runs)}
    tallies = [tally for run in newest.values() for tally in run.tally.values()]
    bounds = [run.parity["bound"] for run in runs if run.parity is not None]
    plan = ledger.plans.latest(record.sync, record.phase)
    counts = () if plan is None else plan.counts
    return Metrics(
        delivered=sum(tally["delivered"] for tally in tallies),
        rejected=sum(tally["rejected"] for tally in tallies),
        # What was delivered before a release has soaked under the fault that stopped it.
        loaded_at=record.loaded_at and max(record.loaded_at, since),
        unexplained=bounds[0] if bounds else None,
        dead_letters=sum(letter.rows for letter in ledger.dead_letters.counts(record.sync)),
        planned=sum(count.rows for count in counts),
        # Rows whose values stay in one field at least; each field is counted by itself.
        conflicts=max((plan.summary.get("kept") or {}).values(), default=0) if plan else 0,
    )
