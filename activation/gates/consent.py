"""Consent is known and young enough; rows without it are already blocked in the plan."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from activation.contract.consent import NoConsent
from activation.contract.model import Contract
from activation.gates.ages import judge_age
from activation.gates.verdict import Evidence, Gate, Verdict
from activation.planning.model import Disposition, Plan


def consent(contract: Contract, plan: Plan, now: datetime) -> Verdict:
    """Fail if the consent model is empty or older than the contract allows."""
    promise = contract.consent
    if isinstance(promise, NoConsent):
        summary = f"No consent is asked for: {contract.destination.object} is not about people."
        return Verdict(Gate.CONSENT, passed=True, summary=summary)
    reasons: Counter[str] = Counter()
    for count in plan.counts:
        if count.disposition is Disposition.BLOCKED:
            reasons[count.reason or "unknown"] += count.rows
    blocked: Evidence = {"blocked": reasons.total()}
    blocked |= {f"blocked_{reason}": rows for reason, rows in sorted(reasons.items())}
    step = f"Build consent again: `dbt build --select +{promise.model}`, then plan again."
    newest = plan.source.consent_newest
    if newest is None:
        summary = f"Consent model {promise.model} is empty, so nobody may be written about."
        return Verdict(
            Gate.CONSENT, passed=False, summary=summary, evidence=blocked, next_step=step
        )
    age = judge_age("Consent", newest, promise.max_lag, now)
    told = ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(reasons.items()))
    return Verdict(
        Gate.CONSENT,
        passed=age.passed,
        summary=f"{age.sentence} Blocked: {told or 'no row'}.",
        evidence=age.evidence | blocked,
        next_step=None if age.passed else step,
    )
