"""Nearly every source row has a key of its own; the others are taken out."""

from __future__ import annotations

from activation.contract.model import Contract
from activation.gates.shares import allowed, limit_percent, percent
from activation.gates.verdict import Evidence, Gate, Verdict
from activation.planning.model import Plan


def grain(contract: Contract, plan: Plan) -> Verdict:
    """Fail if columns are missing, or more rows lack a key of their own than allowed."""
    source, limit = plan.source, contract.guards.grain
    unusable = source.null_keys + source.repeated_keys
    most = allowed(limit, source.rows)
    evidence: Evidence = {
        "rows": source.rows,
        "null_keys": source.null_keys,
        "repeated_keys": source.repeated_keys,
        "allowed": most,
        "missing_columns": list(source.missing_columns),
    }
    model, columns = contract.source.model, ", ".join(contract.source.grain)
    if source.missing_columns:
        summary = f"Model {model} lacks {', '.join(source.missing_columns)}, which is mapped."
        step = f"Mend the model, or the contract: `activation validate {contract.sync}`."
    elif unusable:
        summary = (
            f"{percent(unusable, source.rows)} of {source.rows:,} rows have no key of their own "
            f"({source.null_keys:,} empty, {source.repeated_keys:,} repeated); "
            f"the limit is {limit_percent(limit)} ({most:,})."
        )
        step = f"Mend the model: {columns} must be filled and unique in {model}."
    else:
        summary = f"Each of {source.rows:,} rows has a key of its own."
        step = None
    passed = unusable <= most and not source.missing_columns
    return Verdict(Gate.GRAIN, passed, summary, evidence, None if passed else step)
