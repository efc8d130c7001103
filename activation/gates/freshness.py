"""The data, and that of every model it is made with, is young enough and goes forward."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from activation.contract.model import Contract
from activation.contract.schedule import next_due
from activation.gates.ages import Age, judge_age
from activation.gates.past import NOTHING_PAST, Past
from activation.gates.verdict import Evidence, Gate, Verdict, approval_step
from activation.planning.model import Plan


@dataclass(frozen=True, slots=True)
class _Judged:
    """One model, and its age; None if it has no data at all."""

    model: str
    newest: datetime | None
    limit: timedelta
    age: Age


def freshness(contract: Contract, plan: Plan, now: datetime, past: Past = NOTHING_PAST) -> Verdict:
    """Fail if a model's data is older than allowed, ahead of us, missing, or goes backwards."""
    judged = list(_judged(contract, plan, now))
    evidence: Evidence = {"rows": plan.source.rows, **judged[0].age.evidence}
    for one in judged[1:]:
        evidence |= {f"{one.model}_{name}": value for name, value in one.age.evidence.items()}
    failed = [one for one in judged if not one.age.passed]
    sentences = [one.age.sentence for one in failed or judged[:1]]
    backwards = _backwards(plan, past)
    if backwards is not None:
        sentences.append(backwards)
    if len(judged) > 1 and not failed:
        sentences.append(f"Each of {len(judged) - 1} reference models is young enough.")
    passed = not failed and backwards is None
    if passed:
        evidence["young_until"] = _young_until(judged).isoformat()
        return Verdict(Gate.FRESHNESS, passed, " ".join(sentences), evidence)
    if contract.freshness.strict:
        evidence["final"] = True
    late = [one for one in failed if one.newest is None or one.newest <= now]
    if late and contract.schedule is not None:
        due = next_due(contract.schedule, now)
        evidence["fresh_at"] = due.isoformat()
        sentences.append(f"The next run, which builds it, is due at {due:%Y-%m-%d %H:%M} UTC.")
    return Verdict(
        Gate.FRESHNESS, passed, " ".join(sentences), evidence, _next_step(contract, plan, failed)
    )


def _judged(contract: Contract, plan: Plan, now: datetime) -> Iterator[_Judged]:
    source, limit = contract.source, contract.freshness.max_age
    missing = f"Model {source.model} has no row with a {source.version}."
    yield _aged(source.model, "The newest data", missing, plan.source.newest_version, limit, now)
    for reference in contract.freshness.references:
        yield _aged(
            reference.model,
            f"Reference model {reference.model}",
            f"Reference model {reference.model} has no row with a {reference.column}.",
            plan.source.references.get(reference.model),
            reference.max_age,
            now,
        )


def _aged(  # noqa: PLR0913, PLR0917 - each is named above
    model: str, what: str, missing: str, newest: datetime | None, limit: timedelta, now: datetime
) -> _Judged:
    if newest is None:
        return _Judged(model, None, limit, Age(missing, passed=False, evidence={}))
    return _Judged(model, newest, limit, judge_age(what, newest, limit, now))


def _backwards(plan: Plan, past: Past) -> str | None:
    """Return what to say if the model reaches less far than what was delivered from it."""
    newest, last = plan.source.newest_version, past.last
    if newest is None or last is None or last.newest is None or newest >= last.newest:
        return None
    return (
        f"It reaches to {newest:%Y-%m-%d %H:%M:%S} UTC, and the last plan that was delivered to "
        f"{last.newest:%Y-%m-%d %H:%M:%S}: an old snapshot, or a time zone."
    )


def _young_until(judged: list[_Judged]) -> datetime:
    return min(one.newest + one.limit for one in judged if one.newest is not None)


def _next_step(contract: Contract, plan: Plan, failed: list[_Judged]) -> str:
    models = [one.model for one in failed] or [contract.source.model]
    wanted = " ".join(f"+{model}" for model in models)
    step = f"Build the model again: `dbt build --select {wanted}`, then plan again."
    if contract.freshness.strict:
        return f"{step} Nobody can approve older data here (freshness.strict)."
    return f"{step} {approval_step(plan, Gate.FRESHNESS)}"
