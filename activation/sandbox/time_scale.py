"""
A clock that runs faster than the machine's, so that a daily quota can be lived through in a minute.

A sandbox that is started again goes on where its last request was, if that is ahead of the machine:
what it wrote down stays in its past, whatever the scale is then.
"""

from __future__ import annotations

from datetime import datetime

from activation.clock import Clock


class ScaledClock:
    """Implements `Clock`."""

    def __init__(self, base: Clock, scale: float, *, began: datetime, at: datetime) -> None:
        """
        Run `scale` times faster than `base`.

        Args:
            base: what tells the real time.
            scale: seconds of ours in a real second.
            began: our time at the moment `at`.
            at: the real time at which ours was `began`.
        """
        self._base = base
        self._scale = scale
        self._began = began
        self._at = at

    def now(self) -> datetime:
        """Return our wall clock, aware, in UTC."""
        return self._began + (self._base.now() - self._at) * self._scale

    def monotonic(self) -> float:
        """Return seconds of ours that never run backwards."""
        return self._base.monotonic() * self._scale

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds of ours pass."""
        await self._base.sleep(seconds / self._scale)


def sandbox_clock(base: Clock, scale: float, last: datetime | None) -> Clock:
    """
    Return the clock of a sandbox.

    Args:
        base: what tells the real time.
        scale: how many times faster the sandbox's time runs.
        last: the latest time that the sandbox wrote down.
    """
    now = base.now()
    if scale == 1 and (last is None or last <= now):
        return base
    return ScaledClock(base, scale, began=max(last or now, now), at=now)
