"""What everybody on the stage shares: time, the scenario, the trace, and what was seen."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from activation_tests.simulation.loop import VirtualLoop
from activation_tests.simulation.scenario import Scenario
from activation_tests.simulation.trace import Trace

PLENTY = 1000
"""Requests a day, once the faults have healed."""
DISORDER = "good order"
"""What an exception that no part of the engine means to raise breaks."""


@dataclass(slots=True)
class Stage:
    """The shared part of one simulated world."""

    scenario: Scenario
    loop: VirtualLoop
    trace: Trace
    faulty: bool = True
    """Whether faults are still about."""
    wrong: list[float] = field(default_factory=lambda: [0.0, 0.0])
    """Seconds by which each machine's clock is wrong."""
    states: set[str] = field(default_factory=set)
    """The rare states that this seed came through."""
    violations: list[str] = field(default_factory=list)

    def now(self) -> float:
        """Return virtual seconds since the start; they are always right."""
        return self.loop.time()

    def wall(self, machine: int | None = None) -> datetime:
        """Return the time, or what a machine believes it to be."""
        wrong = 0.0 if machine is None else self.wrong[machine]
        return self.scenario.start + timedelta(seconds=self.now() + wrong)

    def allowed(self, sync: str) -> int:
        """Return the requests that a sync's contract allows it a day."""
        work = next(work for work in self.scenario.works if work.sync == sync)
        return work.requests_per_day if self.faulty else PLENTY

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


@dataclass(frozen=True, slots=True)
class StageClock:
    """The time as it is, for those who stand beside the stage."""

    stage: Stage

    def now(self) -> datetime:
        """Return the time."""
        return self.stage.wall()

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self.stage.now()

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)
