"""The plan changes no more of what was delivered than the contract allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from activation.contract.guards import Guards
from activation.contract.model import Contract
from activation.gates.shares import allowed, limit_percent, percent
from activation.gates.verdict import Evidence, Gate, Verdict
from activation.planning.model import BlastRadius, Plan

REVOCATIONS = 25
"""So many withdrawals are never held up: a small list has a large share in a few of them."""


def blast_radius(contract: Contract, plan: Plan) -> Verdict:
    """Fail if any share of the delivered rows goes beyond its guard, or the source is empty."""
    blast, guards = plan.blast, contract.guards
    before = blast.delivered_before
    evidence = _evidence(plan, guards)
    if before == 0:
        summary = (
            f"First load of phase {plan.phase}: nothing was delivered before; "
            f"{blast.created:,} rows would be new."
        )
        return Verdict(Gate.BLAST_RADIUS, passed=True, summary=summary, evidence=evidence)
    breaches = list(_breaches(blast, guards))
    if plan.source.rows == 0:
        breaches.insert(0, f"model {contract.source.model} is empty and {before:,} rows are out")
    if not breaches:
        summary = (
            f"{blast.changed:,} of {before:,} delivered rows would change; within every guard."
        )
        return Verdict(Gate.BLAST_RADIUS, passed=True, summary=summary, evidence=evidence)
    summary = "; ".join(breaches)
    return Verdict(
        Gate.BLAST_RADIUS,
        passed=False,
        summary=f"{summary[0].upper()}{summary[1:]}.",
        evidence=evidence,
        next_step=_next_step(contract, plan),
    )


@dataclass(frozen=True, slots=True)
class _Guarded:
    """Rows against their guard, and what is said of them."""

    name: str
    rows: int
    limit: float
    sentence: str
    least: int = 0
    """So many rows are always allowed."""

    def allowed(self, before: int) -> int:
        """Return how many of the rows delivered before it allows."""
        return max(self.least, allowed(self.limit, before))


def _guarded(blast: BlastRadius, guards: Guards) -> tuple[_Guarded, ...]:
    of = "{share} of {before:,} delivered rows"
    return (
        _Guarded("changed", blast.changed, guards.changed, f"{of} would change"),
        _Guarded(
            "created",
            blast.created_in_loaded_phases,
            guards.created,
            "new rows in loaded phases are {share} of {before:,} delivered rows",
        ),
        _Guarded("cleared", blast.cleared, guards.cleared, f"{of} would lose a value"),
        _Guarded("deleted", blast.deleted, guards.deleted, f"{of} would be deleted"),
        _Guarded(
            "revoked",
            blast.revoked,
            guards.revoked,
            f"{of} belong to people who said no since",
            least=REVOCATIONS,
        ),
        _Guarded("lost", blast.lost, guards.lost, f"{of} are no longer in the model"),
    )


def _breaches(blast: BlastRadius, guards: Guards) -> Iterator[str]:
    before = blast.delivered_before
    for guarded in _guarded(blast, guards):
        most = guarded.allowed(before)
        if guarded.rows > most:
            share = percent(guarded.rows, before)
            said = guarded.sentence.format(share=share, before=before)
            limit = limit_percent(guarded.limit)
            yield f"{said} ({guarded.rows:,}); the limit is {limit} ({most:,})"


def _evidence(plan: Plan, guards: Guards) -> Evidence:
    blast = plan.blast
    evidence: Evidence = {
        "delivered_before": blast.delivered_before,
        "source_rows": plan.source.rows,
        "created_in_all_phases": blast.created,
        "late": blast.late,
        "mapping_changed": plan.mapping_changed,
        "hash_changed": plan.hash_changed,
    }
    for guarded in _guarded(blast, guards):
        evidence[guarded.name] = guarded.rows
        evidence[f"{guarded.name}_allowed"] = guarded.allowed(blast.delivered_before)
    return evidence


def _next_step(contract: Contract, plan: Plan) -> str:
    look = f"Look at the rows: `activation plan {contract.sync} --phase {plan.phase} --rows 20`."
    if plan.mapping_changed or plan.hash_changed:
        cause = "the contract's fields changed" if plan.mapping_changed else "the row hash changed"
        return f"Many rows look changed because {cause} since they were delivered. {look}"
    return f"{look} If the change is wanted, raise the guard in the contract for this one run."
