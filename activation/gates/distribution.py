"""The values of the model look like they did, and as the contract accepts them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from activation.contract.model import Contract
from activation.gates.mappings import changed_fields
from activation.gates.past import NOTHING_PAST, Last, Past
from activation.gates.shares import allowed, limit_percent, percent
from activation.gates.verdict import Evidence, Gate, Verdict, approval_step
from activation.planning.distribution import KEY
from activation.planning.model import FieldProfile, Plan

_NOISE = 5.0
"""
So many standard errors the mean of few rows may move by chance.

Of a table of 100 rows or more the contract's `shift` is the wider of the two.
"""


def distribution(contract: Contract, plan: Plan, past: Past = NOTHING_PAST) -> Verdict:
    """Fail if values are not as accepted, or fields moved further than one plan may move them."""
    source, last = plan.source, past.last
    breaches = [*_outside(contract, plan)]
    compared = _compared(contract, plan, last)
    earlier = 0 if last is None else last.rows
    evidence: Evidence = {"fields": len(source.fields), "compared": len(compared)}
    for field, (now, before) in compared.items():
        breaches += _refilled(contract, field, now, source.rows, before, earlier)
        move = _move(contract, field, now, before)
        if move is not None:
            evidence[f"{field}_moved"] = round(move.share, 3)
            breaches += move.breaches
    for field, profile in source.fields.items():
        evidence |= {
            f"{field}_filled": profile.filled,
            f"{field}_mean": None if profile.mean is None else round(profile.mean, 4),
        }
        if profile.outside:
            evidence[f"{field}_outside"] = profile.outside
    if not breaches:
        return Verdict(Gate.DISTRIBUTION, passed=True, summary=_fine(last), evidence=evidence)
    return Verdict(
        Gate.DISTRIBUTION,
        passed=False,
        summary=" ".join(breaches),
        evidence=evidence,
        next_step=(
            f"Look at {contract.source.model}: a unit, swapped columns, test data, a join. "
            f"{approval_step(plan, Gate.DISTRIBUTION)}"
        ),
    )


def _compared(
    contract: Contract, plan: Plan, last: Last | None
) -> dict[str, tuple[FieldProfile, FieldProfile]]:
    """Return the fields that were mapped alike in the last plan, as they are and as they were."""
    if last is None or not last.rows or not plan.source.rows:
        return {}
    other = changed_fields(last.mapping, contract)
    return {
        field: (now, last.profile[field])
        for field, now in plan.source.fields.items()
        if field in last.profile and field not in other and field != KEY
    }


def _outside(contract: Contract, plan: Plan) -> Iterator[str]:
    guard = contract.guards.distribution
    most = allowed(guard.outside, plan.source.rows)
    for field, profile in plan.source.fields.items():
        if profile.outside > most:
            what = "keys" if field == KEY else f"values of `{field}`"
            yield (
                f"{profile.outside:,} {what} are not as the contract accepts them; the limit is "
                f"{limit_percent(guard.outside)} ({most:,})."
            )


def _refilled(  # noqa: PLR0913, PLR0917 - both sides with their rows
    contract: Contract, field: str, now: FieldProfile, rows: int, before: FieldProfile, earlier: int
) -> Iterator[str]:
    limit = contract.guards.distribution.filled
    was = before.filled / earlier
    # Counted in rows, so that a share of few rows is not held against a fraction of one.
    if abs(now.filled - was * rows) > max(1, allowed(limit, rows)):
        yield (
            f"`{field}` is filled in {_share(now.filled / rows)} of the rows and was in "
            f"{_share(was)}; the limit is {limit_percent(limit)} at once."
        )


@dataclass(frozen=True, slots=True)
class _Move:
    """How far a mean has moved."""

    share: float
    """Of what it may."""
    breaches: tuple[str, ...] = ()


def _move(contract: Contract, field: str, now: FieldProfile, before: FieldProfile) -> _Move | None:
    """Return how far a mean has moved; None if there is nothing to tell it by."""
    if now.mean is None or before.mean is None or not before.deviation:
        return None
    own = next((f.accepted for f in contract.fields if f.to == field), None)
    common = contract.guards.distribution.shift
    shift = common if own is None or own.shift is None else own.shift
    limit = max(shift, _NOISE / sqrt(min(now.filled, before.filled)))
    moved = abs(now.mean - before.mean) / before.deviation
    if moved <= limit:
        return _Move(moved / limit)
    said = (
        f"The mean of `{field}` moved by {moved:.3g} standard deviations, from "
        f"{before.mean:.4g} to {now.mean:.4g}; the limit is {limit:.3g}."
    )
    return _Move(moved / limit, (said,))


def _fine(last: Last | None) -> str:
    if last is None or not last.rows:
        return "Values are as the contract accepts them; there is no earlier plan to compare with."
    return f"Values look as they did in the plan of {last.at:%Y-%m-%d %H:%M} UTC."


def _share(share: float) -> str:
    return percent(round(share * 10_000), 10_000)
