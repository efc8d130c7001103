"""A gate's verdict on one plan, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from activation.planning.model import Plan

Evidence: TypeAlias = dict[str, str | int | float | bool | list[str] | None]


class Gate(StrEnum):
    """The gates, in the order in which they are told."""

    FRESHNESS = "freshness"
    GRAIN = "grain"
    CONSENT = "consent"
    BLAST_RADIUS = "blast_radius"
    DISTRIBUTION = "distribution"
    SCHEMA = "schema"
    KILL_SWITCH = "kill_switch"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Passed or not, in one sentence, with the numbers behind it and what to do next."""

    gate: Gate
    passed: bool
    summary: str
    evidence: Evidence = field(default_factory=dict)
    next_step: str | None = None


def approval_step(plan: Plan, gate: Gate) -> str:
    """Return how somebody who answers for it lets this very plan through."""
    if not plan.frozen:
        return "If it is wanted, run it, and let somebody approve the plan that is stopped."
    command = f'activation approve {plan.digest[:12]} --gate {gate} --reason "..."'
    return f"If it is wanted, let somebody who answers for it approve this very plan: `{command}`."
