"""The end of a delivery before its time: nothing new starts, what is under way is finished."""

from __future__ import annotations

import asyncio

from activation.clock import Clock
from activation.errors import Busy, Paused


class Halt:
    """Called once, by whoever first meets a reason; heard by all."""

    def __init__(self) -> None:
        self.reason: Exception | None = None
        self._heard: asyncio.Future[None] | None = None

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
            if self._heard is not None:
                self._heard.set_result(None)

    async def rest(
        self, clock: Clock, seconds: float, *, or_until: asyncio.Future[None] | None = None
    ) -> None:
        """Let time pass, but not after the halt was called, or something else has happened."""
        if seconds <= 0 or self.called:
            return
        if self._heard is None:
            self._heard = asyncio.get_running_loop().create_future()
        sleeping = asyncio.ensure_future(clock.sleep(seconds))
        ends = {sleeping, self._heard} if or_until is None else {sleeping, self._heard, or_until}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
