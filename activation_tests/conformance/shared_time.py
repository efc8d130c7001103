"""One time for the engine, the adapter and the sandbox: it passes when the engine waits."""

from __future__ import annotations

from datetime import datetime

from activation_tests.delivery.rig import Time
from activation_tests.sandbox.turning_clock import TurningClock


class SharedTime(Time):
    """The engine's virtual time, which turns the sandbox's clock as it goes."""

    def __init__(self, clock: TurningClock) -> None:
        """Share that clock."""
        self.clock = clock

    @property
    def seconds(self) -> float:
        """Return seconds since the start."""
        return self.clock.monotonic()

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if (further := seconds - self.clock.monotonic()) > 0:
            self.clock.turn(further)

    def now(self) -> datetime:
        """Return the wall clock."""
        return self.clock.now()

    def pass_(self, seconds: float) -> None:
        """Let that many seconds pass; what a blocking adapter waits with."""
        self.clock.turn(seconds)
