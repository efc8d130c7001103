"""What everybody on the stage shares: time, the scenario, the trace, and what was seen."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activation_tests.simulation.loop import VirtualLoop
from activation_tests.simulation.scenario import Scenario
from activation_tests.simulation.trace import Trace


@dataclass(slots=True)
class Stage:
    """The shared part of one simulated world."""

    scenario: Scenario
    loop: VirtualLoop
    trace: Trace
    faulty: bool = True
    """Whether faults are still about."""
    jumped: float = 0.0
    """Seconds by which the machines' wall clock is wrong."""
    states: set[str] = field(default_factory=set)
    """The rare states that this seed came through."""
    violations: list[str] = field(default_factory=list)

    def now(self) -> float:
        """Return virtual seconds since the start; they are always right."""
        return self.loop.time()

    def wall(self) -> datetime:
        """Return what the machines believe the time to be."""
        return self.scenario.start + timedelta(seconds=self.now() + self.jumped)

    def chance(self, name: str) -> random.Random:
        """Return randomness of one's own, so that one part's draws do not move another's."""
        return random.Random(f"{self.scenario.seed}/{name}")  # noqa: S311 - replayable

    def tell(self, who: str, what: str) -> None:
        """Write a line into the trace."""
        self.trace.add(self.now(), who, what)

    def saw(self, state: str) -> None:
        """Keep that a rare state was reached."""
        self.states.add(state)

    def violated(self, promise: str, what: str) -> None:
        """Keep that a promise was broken."""
        self.violations.append(f"{promise}: {what}")
        self.tell("JUDGE", f"{promise}: {what}")
