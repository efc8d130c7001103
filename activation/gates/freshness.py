"""The data itself is young enough, by its version column."""

from __future__ import annotations

from datetime import datetime

from activation.contract.model import Contract
from activation.gates.ages import judge_age
from activation.gates.verdict import Gate, Verdict
from activation.planning.model import Plan


def freshness(contract: Contract, plan: Plan, now: datetime) -> Verdict:
    """Fail if the newest version is older than the contract allows, ahead of us, or missing."""
    source, newest = contract.source, plan.source.newest_version
    step = f"Build the model again: `dbt build --select +{source.model}`, then plan again."
    if newest is None:
        return Verdict(
            Gate.FRESHNESS,
            passed=False,
            summary=f"Model {source.model} has no row with a {source.version}.",
            evidence={"rows": plan.source.rows},
            next_step=step,
        )
    age = judge_age("The newest data", newest, contract.freshness.max_age, now)
    return Verdict(
        Gate.FRESHNESS,
        passed=age.passed,
        summary=age.sentence,
        evidence=age.evidence,
        next_step=None if age.passed else step,
    )
