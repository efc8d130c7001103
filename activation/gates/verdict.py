"""A gate's verdict on one plan, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Evidence: TypeAlias = dict[str, str | int | float | bool | list[str] | None]


class Gate(StrEnum):
    """The gates, in the order in which they are told."""

    FRESHNESS = "freshness"
    GRAIN = "grain"
    CONSENT = "consent"
    BLAST_RADIUS = "blast_radius"
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
