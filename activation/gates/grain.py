"""Nearly every source row has a key of its own, and people keep the key they had."""

from __future__ import annotations

from collections.abc import Iterator

from activation.contract.model import Contract
from activation.gates.shares import allowed, limit_percent, percent
from activation.gates.verdict import Evidence, Gate, Verdict, approval_step
from activation.planning.model import Plan


def grain(contract: Contract, plan: Plan) -> Verdict:
    """Fail if columns are missing, or too many rows lack a key of their own or got another one."""
    source = plan.source
    evidence: Evidence = {
        "rows": source.rows,
        "null_keys": source.null_keys,
        "repeated_keys": source.repeated_keys,
        "folded_keys": source.folded_keys,
        "allowed": allowed(contract.guards.grain, source.rows),
        "respelled_keys": source.respelled_keys,
        "reminted_keys": source.reminted_keys,
        "reminted_allowed": _reminted_allowed(contract, plan),
        "missing_columns": list(source.missing_columns),
    }
    if source.missing_columns:
        model = contract.source.model
        summary = f"Model {model} lacks {', '.join(source.missing_columns)}, which is mapped."
        step = f"Mend the model, or the contract: `activation validate {contract.sync}`."
        # Without the column there is nothing in the plan that could be approved.
        return Verdict(Gate.GRAIN, False, summary, evidence | {"final": True}, step)  # noqa: FBT003
    found = list(_breaches(contract, plan))
    if found:
        summary = " ".join(sentence for sentence, _ in found)
        step = " ".join([*(step for _, step in found), approval_step(plan, Gate.GRAIN)])
        return Verdict(Gate.GRAIN, passed=False, summary=summary, evidence=evidence, next_step=step)
    return Verdict(Gate.GRAIN, passed=True, summary=_fine(contract, plan), evidence=evidence)


def _breaches(contract: Contract, plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield what is wrong, and what to do about it."""
    source, guards = plan.source, contract.guards
    unusable = source.null_keys + source.repeated_keys
    if unusable > allowed(guards.grain, source.rows):
        model, columns = contract.source.model, ", ".join(contract.source.grain)
        yield (
            _unusable(contract, plan),
            f"Mend the model: {columns} must be filled and unique in {model}.",
        )
    before, most = plan.blast.delivered_before, _reminted_allowed(contract, plan)
    changed = source.respelled_keys + source.reminted_keys
    if changed > most:
        said = (
            f"{percent(changed, before)} of {before:,} delivered rows came back under another key "
            f"({source.respelled_keys:,} spelled otherwise, {source.reminted_keys:,} under a new "
            f"one); the limit is {limit_percent(guards.reminted)} ({most:,})."
        )
        yield (
            said,
            "Mend the model: a key is for good, or every record would be made a second time.",
        )


def _fine(contract: Contract, plan: Plan) -> str:
    if plan.source.null_keys + plan.source.repeated_keys:
        return _unusable(contract, plan)
    return f"Each of {plan.source.rows:,} rows has a key of its own."


def _unusable(contract: Contract, plan: Plan) -> str:
    source, limit = plan.source, contract.guards.grain
    unusable = source.null_keys + source.repeated_keys
    folded = (
        f", {source.folded_keys:,} of them only as {contract.destination.connection} tells keys "
        "apart"
        if source.folded_keys
        else ""
    )
    return (
        f"{percent(unusable, source.rows)} of {source.rows:,} rows have no key of their own "
        f"({source.null_keys:,} empty, {source.repeated_keys:,} repeated{folded}); "
        f"the limit is {limit_percent(limit)} ({allowed(limit, source.rows):,})."
    )


def _reminted_allowed(contract: Contract, plan: Plan) -> int:
    return allowed(contract.guards.reminted, plan.blast.delivered_before)
