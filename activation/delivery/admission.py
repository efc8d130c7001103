"""Whether a plan may be delivered at all; asked of the ledger, whoever asks for the delivery."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from activation.delivery.order import DeliveryOrder
from activation.errors import Refused
from activation.ledger import Ledger
from activation.ledger.approvals import OVERRIDABLE
from activation.ledger.gates import GATES
from activation.ledger.holds import held
from activation.ledger.plans import PlanRecord, PlanState, VerdictRecord
from activation.planning.erasure import PHASE as ERASURE

_AGAIN = "Plan the sync again."


def admit(order: DeliveryOrder, ledger: Ledger, now: datetime) -> PlanRecord:
    """
    Return the plan if it may be delivered, or if it has been to the end.

    Raises:
        UsageError: there is no such plan.
        Refused: a gate did not pass, the sync is held, or the plan is too old, not the newest, or
            of another contract.
        Unavailable: the ledger cannot be read.
    """
    plan = ledger.plans.get(order.plan_digest)
    if plan.state is PlanState.SETTLED:
        return plan
    _of_this_contract(plan, order)
    _newest(plan, ledger)
    approvals = ledger.approvals.of(plan.digest)
    verdicts = ledger.plans.verdicts(plan.digest)
    _gated(plan, verdicts, approvals)
    _unheld(plan, ledger)
    if "freshness" not in approvals:
        _fresh(plan, verdicts["freshness"], now)
    # Whoever approves a plan may need the night for it: it lives as long as the approval.
    if not approvals and now - plan.created_at > order.bounds.max_age:
        minutes = order.bounds.max_age.total_seconds() / 60
        raise _refusal(plan, f"is older than {minutes:g} minutes", _AGAIN)
    return plan


def _of_this_contract(plan: PlanRecord, order: DeliveryOrder) -> None:
    if plan.sync != order.contract.sync:
        raise _refusal(plan, f"is of {plan.sync}, not of {order.contract.sync}", _AGAIN)
    if plan.contract_digest != order.contract.digest:
        raise _refusal(plan, "was made from another state of the contract", _AGAIN)


def _newest(plan: PlanRecord, ledger: Ledger) -> None:
    newest = ledger.plans.latest(plan.sync, plan.phase)
    if plan.state is PlanState.SUPERSEDED or newest is None or newest.digest != plan.digest:
        raise _refusal(plan, f"is not the newest of phase {plan.phase}", "Deliver the newest one.")
    if overtaker := ledger.plans.overtaken_by(plan.digest):
        # Its rows may be older than what the other has written, or there already.
        raise _refusal(plan, f"was overtaken by {overtaker[:12]}, which was sent", _AGAIN)


def _unheld(plan: PlanRecord, ledger: Ledger) -> None:
    """Let only rollbacks and erasures through while the sync is held after a rollback."""
    free = plan.is_rollback or plan.phase == ERASURE
    hold = None if free else ledger.holds.of(plan.sync)
    if hold is not None:
        raise _refusal(plan, "may not be sent", held(hold, plan.sync))


def _gated(
    plan: PlanRecord, verdicts: Mapping[str, VerdictRecord], approvals: Collection[str]
) -> None:
    stopping = sorted(GATES - (OVERRIDABLE & set(approvals)))
    failed = [verdict for gate in stopping if (verdict := verdicts.get(gate)) is not None]
    failed = [verdict for verdict in failed if not verdict.passed]
    missing = sorted(GATES - verdicts.keys())
    if not failed and not missing:
        return
    said = [f"{verdict.gate}: {verdict.summary}" for verdict in failed]
    said += [f"{gate}: never asked" for gate in missing]
    steps = [verdict.next_step for verdict in failed if verdict.next_step]
    if missing:
        steps.append(_AGAIN)
    raise _refusal(plan, "was stopped by its gates: " + "; ".join(said), " ".join(steps) or _AGAIN)


def _fresh(plan: PlanRecord, verdict: VerdictRecord, now: datetime) -> None:
    """See that what was young enough when it was planned is so still."""
    until = verdict.evidence.get("young_until")
    if until is not None and now > datetime.fromisoformat(until):
        raise _refusal(plan, f"has gone stale since it was planned: {verdict.summary}", _AGAIN)


def _refusal(plan: PlanRecord, what: str, hint: str) -> Refused:
    return Refused(
        f"Plan {plan.digest[:12]} {what}; nothing was sent.",
        hint=hint,
        sync=plan.sync,
        phase=plan.phase,
        plan=plan.digest,
    )
