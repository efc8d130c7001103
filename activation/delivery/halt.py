"""The end of a delivery before its time: nothing new starts, what is under way is finished."""

from __future__ import annotations

import asyncio

from activation.clock import Clock
from activation.errors import Busy, Paused


class Halt:
    """Called once, by whoever first meets a reason; heard by all."""

    def __init__(self) -> None:
        self.reason: Exception | None = None
        self._heard = asyncio.Event()

    @property
    def called(self) -> bool:
        """Return whether nothing new may start."""
        return self.reason is not None

    @property
    def urgent(self) -> bool:
        """Return whether not even what is cleared may leave any more."""
        return isinstance(self.reason, Paused | Busy)

    def call(self, reason: Exception) -> None:
        """Let nothing new start; the first reason is the one that is told."""
        if self.reason is None:
            self.reason = reason
            self._heard.set()

    async def rest(self, clock: Clock, seconds: float) -> None:
        """Let time pass, but not after the halt was called."""
        if seconds <= 0:
            return
        sleeping = asyncio.ensure_future(clock.sleep(seconds))
        hearing = asyncio.ensure_future(self._heard.wait())
        try:
            await asyncio.wait({sleeping, hearing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            hearing.cancel()
