"""What commands tell of gates: verdicts, who has overridden them, and the plans they stopped."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from activation.contract.model import Contract
from activation.gates.verdict import Verdict
from activation.ledger import Ledger
from activation.ledger.approvals import Approval
from activation.ledger.plans import PlanState, VerdictRecord


def gate(verdict: Verdict | VerdictRecord, override: Approval | None = None) -> dict[str, Any]:
    """Return one verdict, and who has overridden it."""
    return {
        "gate": str(verdict.gate),
        "passed": verdict.passed,
        "summary": verdict.summary,
        "evidence": dict(verdict.evidence),
        "next_step": verdict.next_step,
        "override": None if override is None else approval(override),
    }


def approval(found: Approval) -> dict[str, Any]:
    """Return who overrides a gate of a plan, why, and until when."""
    return {
        "gate": found.gate,
        "plan": found.plan_digest,
        "author": found.author,
        "reason": found.reason,
        "at": _time(found.at),
        "until": _time(found.expires_at),
    }


def plans(contract: Contract, ledger: Ledger) -> list[dict[str, Any]]:
    """Return the newest plan of each phase, what stopped it, and who approved it."""
    found = [ledger.plans.latest(contract.sync, phase.name) for phase in contract.rollout.phases]
    return [
        {
            "phase": plan.phase,
            "plan": plan.digest,
            "state": plan.state.value,
            "created_at": _time(plan.created_at),
            "to_send": plan.to_send,
            "stopped_by": [
                gate
                for gate, verdict in ledger.plans.verdicts(plan.digest).items()
                if not verdict.passed
            ],
            "approvals": [approval(one) for one in ledger.approvals.of(plan.digest).values()],
        }
        for plan in found
        if plan is not None and plan.state is not PlanState.SUPERSEDED
    ]


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")
