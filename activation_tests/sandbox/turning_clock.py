"""A clock that stands still until a test turns it."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta

START = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)


class TurningClock:
    """Implements `Clock`; sleepers wake when a test has turned the clock far enough."""

    def __init__(self) -> None:
        self._now = START
        self._sleepers: list[tuple[datetime, asyncio.Event, asyncio.AbstractEventLoop]] = []
        self._changed = threading.Condition()

    def now(self) -> datetime:
        """Return the time that the test set."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return (self._now - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Wait for the test to turn the clock."""
        if seconds <= 0:
            return
        event = asyncio.Event()
        with self._changed:
            due = self._now + timedelta(seconds=seconds)
            self._sleepers.append((due, event, asyncio.get_running_loop()))
            self._changed.notify_all()
        await event.wait()

    def await_sleeper(self, timeout: float = 5) -> None:
        """Return once something sleeps."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._sleepers, timeout), "nothing sleeps"

    def turn(self, seconds: float) -> None:
        """Let that many seconds pass."""
        with self._changed:
            self._now += timedelta(seconds=seconds)
            due = [s for s in self._sleepers if s[0] <= self._now]
            self._sleepers = [s for s in self._sleepers if s[0] > self._now]
        for _, event, loop in due:
            loop.call_soon_threadsafe(event.set)

    def reset(self) -> None:
        """Return to the start; whoever still sleeps wakes."""
        self.turn(1e7)
        self._now = START
