"""The plan changes no more of what was delivered than the contract allows, and than is usual."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from activation.contract.guards import Guards
from activation.contract.model import Contract
from activation.gates.mappings import changed_fields, told_changes
from activation.gates.past import NOTHING_PAST, Past
from activation.gates.shares import allowed, limit_percent, percent
from activation.gates.usual import Expectation, expectations
from activation.gates.verdict import Evidence, Gate, Verdict, approval_step
from activation.planning.model import BlastRadius, Plan

REVOCATIONS = 25
"""So many withdrawals are never held up: a small list has a large share in a few of them."""
_FOLLOWS_MAPPING = frozenset({"changed", "cleared"})
"""What another mapping does to every row, so that it is not held against earlier plans."""


def blast_radius(contract: Contract, plan: Plan, past: Past = NOTHING_PAST) -> Verdict:
    """Fail if a share goes beyond its guard or what is usual, or the source is empty."""
    blast, guards = plan.blast, contract.guards
    before = blast.delivered_before
    usual = expectations(guards.usual, past, before=before, newest=plan.source.newest_version)
    remapped = _remapped(contract, plan, past)
    if remapped is not None:
        usual = {name: one for name, one in usual.items() if name not in _FOLLOWS_MAPPING}
    evidence = _evidence(plan, guards, usual)
    if remapped:
        evidence["remapped_fields"] = list(remapped)
    if before == 0:
        summary = (
            f"First load of phase {plan.phase}: nothing was delivered before; "
            f"{blast.created:,} rows would be new."
        )
        return Verdict(Gate.BLAST_RADIUS, passed=True, summary=summary, evidence=evidence)
    breaches = list(_breaches(blast, guards, usual))
    if plan.source.rows == 0:
        breaches.insert(0, f"model {contract.source.model} is empty and {before:,} rows are out")
    if not breaches:
        summary = (
            f"{blast.changed:,} of {before:,} delivered rows would change; within every guard"
            f"{_compared(usual, guards)}."
        )
        return Verdict(Gate.BLAST_RADIUS, passed=True, summary=summary, evidence=evidence)
    if remapped and past.last is not None:
        told = told_changes(past.last.mapping, contract)
        breaches.insert(0, f"the mapping changed since the last plan: {told}")
    summary = "; ".join(breaches)
    return Verdict(
        Gate.BLAST_RADIUS,
        passed=False,
        summary=f"{summary[0].upper()}{summary[1:]}.",
        evidence=evidence,
        next_step=_next_step(contract, plan, remapped),
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


def _breaches(
    blast: BlastRadius, guards: Guards, usual: Mapping[str, Expectation]
) -> Iterator[str]:
    before = blast.delivered_before
    for guarded in _guarded(blast, guards):
        most = guarded.allowed(before)
        said = guarded.sentence.format(share=percent(guarded.rows, before), before=before)
        if guarded.rows > most:
            limit = limit_percent(guarded.limit)
            yield f"{said} ({guarded.rows:,}); the limit is {limit} ({most:,})"
        elif guarded.name in usual and guarded.rows > usual[guarded.name].most:
            expected = usual[guarded.name]
            yield (
                f"{said} ({guarded.rows:,}), which is unusual: {expected.mean:,.1f} is the mean of "
                f"the last {expected.plans} plans, and up to {expected.most:,} is still usual"
            )


def _evidence(plan: Plan, guards: Guards, usual: Mapping[str, Expectation]) -> Evidence:
    blast = plan.blast
    evidence: Evidence = {
        "delivered_before": blast.delivered_before,
        "source_rows": plan.source.rows,
        "created_in_all_phases": blast.created,
        "late": blast.late,
        "mapping_changed": plan.mapping_changed,
        "hash_changed": plan.hash_changed,
        "plans_compared": max((one.plans for one in usual.values()), default=0),
    }
    for guarded in _guarded(blast, guards):
        evidence[guarded.name] = guarded.rows
        evidence[f"{guarded.name}_allowed"] = guarded.allowed(blast.delivered_before)
        if guarded.name in usual:
            evidence[f"{guarded.name}_mean"] = round(usual[guarded.name].mean, 2)
            evidence[f"{guarded.name}_usual"] = usual[guarded.name].most
    return evidence


def _remapped(contract: Contract, plan: Plan, past: Past) -> tuple[str, ...] | None:
    """Return the fields that are mapped otherwise than in the last plan; None if none is."""
    if past.last is not None and past.last.mapping:
        return changed_fields(past.last.mapping, contract) or None
    return () if plan.mapping_changed else None


def _compared(usual: Mapping[str, Expectation], guards: Guards) -> str:
    if usual:
        return f", and as usual against the last {max(one.plans for one in usual.values())} plans"
    return f"; fewer than {guards.usual.fewest} earlier plans are known to compare with"


def _next_step(contract: Contract, plan: Plan, remapped: tuple[str, ...] | None) -> str:
    look = f"Look at the rows: `activation plan {contract.sync} --phase {plan.phase} --rows 20`."
    step = f"{look} {approval_step(plan, Gate.BLAST_RADIUS)}"
    if remapped is not None or plan.hash_changed:
        cause = "the contract's fields changed" if remapped is not None else "the row hash changed"
        return f"Many rows look changed because {cause} since they were delivered. {step}"
    return step
