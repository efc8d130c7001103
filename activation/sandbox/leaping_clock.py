"""
A clock that leaps over every wait, so that days are lived through as fast as the work allows.

The engine and the sandbox go by the same one: a limit of ten seconds is waited out in no time,
and is no less a limit.
"""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta

_A_GLANCE = 0.01
"""Real seconds that somebody rests who only looks whether something has happened."""
_A_BREATH, _A_LONG_BREATH = 0.01, 0.03
"""Real seconds that a leap takes: calls in flight take real time, and must not be leapt past."""
_LONG = 10.0
"""Seconds from which on a wait is worth a long breath."""


class LeapingClock:
    """Implements `Clock`; stands still but for what is waited for."""

    def __init__(self, start: datetime, *, glances: float | None = None) -> None:
        """
        Begin at a moment.

        Args:
            start: the time at first.
            glances: a wait of so many seconds is somebody's who looks again and again while others
                work; it goes by with them, and is not leapt.
        """
        self._start = start
        self._glances = glances
        self._turning = threading.Lock()
        self.waited = 0.0

    def now(self) -> datetime:
        """Return the start, and what was waited for since."""
        return self._start + timedelta(seconds=self.waited)

    def monotonic(self) -> float:
        """Return the seconds that were waited for."""
        return self.waited

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once; whoever sleeps at the same time wakes at their own."""
        if seconds == self._glances:
            await asyncio.sleep(_A_GLANCE)
            return
        wake = self.waited + seconds
        await asyncio.sleep(_A_BREATH if seconds < _LONG else _A_LONG_BREATH)
        self._reach(wake)

    def leap(self, moment: datetime) -> None:
        """Go to a moment, unless it is over."""
        self._reach((moment - self._start).total_seconds())

    def _reach(self, seconds: float) -> None:
        with self._turning:
            self.waited = max(self.waited, seconds)
