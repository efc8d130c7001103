"""Whether a phase is healthy enough for the next one to open: pure decisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from activation.contract.rollout import Promotion
from activation.contract.values import format_duration, format_share


class State(StrEnum):
    """How a condition stands."""

    MET = "met"
    LACKING = "lacking"  # too little is known yet: stay
    BROKEN = "broken"  # a limit is passed: stop


class Step(StrEnum):
    """What follows for the rollout."""

    STAY = "stay"
    PROMOTE = "promote"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is known of a phase since it was opened."""

    delivered: int = 0
    rejected: int = 0
    loaded_at: datetime | None = None
    """When a plan of it was first delivered to the end."""
    unexplained: float | None = None
    """The bound of the last parity; None if none was read."""
    dead_letters: int = 0
    planned: int = 0
    """Rows of its newest plan."""
    conflicts: int = 0
    """Rows of that plan that people had edited meanwhile."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, what it asks for and what there is."""

    name: str
    state: State
    need: str
    have: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows, and why."""

    step: Step
    conditions: tuple[Condition, ...]

    @property
    def because(self) -> str:
        """Return the conditions that decided, in one sentence."""
        telling = {Step.STOP: State.BROKEN, Step.STAY: State.LACKING, Step.PROMOTE: State.MET}
        chosen = [c for c in self.conditions if c.state is telling[self.step]]
        return "; ".join(f"{c.name}: {c.have} (asked for: {c.need})" for c in chosen)


def judge(promotion: Promotion, metrics: Metrics, now: datetime) -> Decision:
    """
    Weigh the conditions: one that is broken stops, one that lacks something stays.

    With too few outcomes no share is judged: one bad row of three says nothing.
    """
    conditions = tuple(_conditions(promotion, metrics, now))
    states = {condition.state for condition in conditions}
    if State.BROKEN in states:
        return Decision(Step.STOP, conditions)
    return Decision(Step.STAY if State.LACKING in states else Step.PROMOTE, conditions)


def _conditions(promotion: Promotion, metrics: Metrics, now: datetime) -> Iterator[Condition]:
    settled = metrics.delivered + metrics.rejected
    enough = settled >= promotion.outcomes
    yield Condition(
        "outcomes",
        State.MET if enough else State.LACKING,
        f"at least {promotion.outcomes:,}",
        f"{settled:,}",
    )
    soaked = None if metrics.loaded_at is None else now - metrics.loaded_at
    yield Condition(
        "soak",
        State.MET if soaked is not None and soaked >= promotion.soak else State.LACKING,
        f"{format_duration(promotion.soak)} since it was delivered in full",
        "not delivered in full yet"
        if soaked is None
        else f"{soaked.total_seconds() / 3600:,.1f} h",
    )
    waiting = metrics.dead_letters + metrics.delivered
    for name, limit, part, whole in (
        ("rejected", promotion.rejected, metrics.rejected, settled),
        ("dead_letters", promotion.dead_letters, metrics.dead_letters, waiting),
        ("conflicts", promotion.conflicts, metrics.conflicts, metrics.planned),
    ):
        share = part / whole if whole else 0.0
        yield _limit(name, limit, share if enough else None)
    yield _limit("unexplained", promotion.unexplained, metrics.unexplained)


def _limit(name: str, limit: float, share: float | None) -> Condition:
    need = f"at most {format_share(limit)}"
    if share is None:
        return Condition(name, State.LACKING, need, "not known yet")
    state = State.MET if share <= limit else State.BROKEN
    return Condition(name, state, need, f"{share:.2%}")
