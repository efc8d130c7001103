"""Replay: whether dead letters may be tried again now, and the plan that does it."""

from __future__ import annotations

from dataclasses import dataclass

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.delivery.order import target_of
from activation.delivery.replay import replays_left
from activation.ledger import Ledger
from activation.ledger.plans import REPLAY, PlanState
from activation.planning.dispositions import VERBS
from activation.planning.model import Disposition
from activation.planning.replay import dispositions
from activation.sync import planning
from activation.sync.parts import Parts
from activation.sync.results import Planned


@dataclass(frozen=True, slots=True)
class Outlook:
    """Whether a replay is due."""

    phase: str | None
    """The widest open phase, if a replay should run now."""
    because: str


def replay_due(contract: Contract, ledger: Ledger) -> Outlook:
    """Return whether dead letters should be tried again now, and why, or why not."""
    sync = contract.sync
    opened = {phase.phase for phase in ledger.phases.opened(sync)}
    widest = [phase.name for phase in contract.rollout.phases if phase.name in opened]
    due = len(ledger.dead_letters.due(sync))
    if not widest:
        return Outlook(None, f"no phase of {sync} is open")
    if not due:
        moment = ledger.dead_letters.next_due(sync)
        later = "none waits for time alone" if moment is None else f"the next at {moment:%H:%M} UTC"
        return Outlook(None, f"no dead letter is due; {later}")
    hindrance = _hindrance(contract, ledger, widest[-1])
    if hindrance is not None:
        return Outlook(None, hindrance)
    return Outlook(widest[-1], f"{due:,} dead letters are due")


def _hindrance(contract: Contract, ledger: Ledger, phase: str) -> str | None:
    """Return why dead letters that are due are not tried now; None if they are."""
    sync = contract.sync
    switch = ledger.switches.paused(sync, contract.destination.connection)
    plan = ledger.plans.latest(sync, phase)
    found: str | None = None
    if switch is not None:
        found = f"{switch.scope} is paused: {switch.reason}"
    elif ledger.holds.of(sync) is not None:
        found = f"{sync} is held after a rollback"
    elif plan is not None and plan.is_whole and plan.state is PlanState.DELIVERING:
        found = "a delivery is under way or was stopped; its rows go first"
    elif not replays_left(contract, ledger):
        found = "today's share of replays is used up"
    return found


def plan_replay(parts: Parts, phase: Phase, *, run_id: str) -> Planned:
    """
    Make a plan of the dead letters that are due, as many as the pace of replays allows.

    It is made from the rows as they are now, through every gate.  A letter for which nothing is
    left to be sent is closed; one whose row is kept back waits longer each time.
    """
    contract, ledger = parts.contract, parts.ledger
    keys = ledger.dead_letters.due(contract.sync)[: _most_rows(parts)]
    planned = planning.plan(
        parts, phase, run_id=run_id, only=frozenset(keys), summary={"kind": REPLAY}
    )
    with parts.services.warehouse.session() as session:
        found = dispositions(session, contract.sync, planned.plan.table, ledger.people.keys)
    if planned.passed:
        ledger.dead_letters.settle_replay(
            contract.sync,
            overtaken=[key for key in keys if key not in found],
            waiting=[key for key in keys if found.get(key, Disposition.SEND) != Disposition.SEND],
            first=contract.replay.longest_wait,
        )
    return planned


def _most_rows(parts: Parts) -> int:
    """Return the rows that today's remaining replays hold."""
    contract = parts.contract
    target = target_of(contract, VERBS[contract.destination.mode])
    traits = parts.destination.endpoint(target, rows=1).traits
    batches = replays_left(contract, parts.ledger) // traits.requests_per_batch
    return batches * traits.batch_rows
