"""Consent is known and young enough; rows without it are already blocked in the plan."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from activation.contract.consent import ConsentSource, NoConsent
from activation.contract.model import Contract
from activation.gates.ages import Age, judge_age
from activation.gates.verdict import Evidence, Gate, Verdict
from activation.planning.model import Disposition, Plan


def consent(contract: Contract, plan: Plan, now: datetime) -> Verdict:
    """Fail if a consent model is empty or older than the contract allows."""
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
    judged = [(source, _judged(source, plan, now)) for source in promise.sources]
    failed = [(source, age) for source, age in judged if not age.passed]
    told = ", ".join(f"{rows:,} {reason}" for reason, rows in sorted(reasons.items()))
    shown = failed or judged[:1] if len(judged) == 1 else failed
    sentences = [age.sentence for _, age in shown] or [
        f"Each of {len(judged)} consent models is young enough."
    ]
    models = " ".join(f"+{source.model}" for source, _ in failed)
    evidence = judged[0][1].evidence if len(judged) == 1 else _of_each(judged)
    return Verdict(
        Gate.CONSENT,
        passed=not failed,
        summary=f"{' '.join(sentences)} Blocked: {told or 'no row'}.",
        evidence=evidence | blocked,
        next_step=f"Build consent again: `dbt build --select {models}`, then plan again."
        if failed
        else None,
    )


def _judged(source: ConsentSource, plan: Plan, now: datetime) -> Age:
    newest = plan.source.consents.get(source.model)
    if newest is None:
        sentence = f"Consent model {source.model} is empty, so nobody may be written about."
        return Age(sentence, passed=False, evidence={})
    return judge_age(f"Consent of {source.model}", newest, source.max_lag, now)


def _of_each(judged: list[tuple[ConsentSource, Age]]) -> Evidence:
    return {
        f"{source.model}_{name}": value
        for source, age in judged
        for name, value in age.evidence.items()
    }
