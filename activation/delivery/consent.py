"""Consent, asked for again while a delivery runs."""

from __future__ import annotations

import asyncio

from activation.clock import Clock
from activation.delivery.ports import Actions, Wire


class Consent:
    """Which actions have lost it; the answer is never older than `seconds` when a batch leaves."""

    def __init__(self, actions: Actions, *, clock: Clock, wire: Wire, seconds: float) -> None:
        self._actions = actions
        self._clock = clock
        self._wire = wire
        self._seconds = seconds
        self._asked_at: float | None = None
        self._revoked: frozenset[int] = frozenset()
        self._asking = asyncio.Lock()

    async def revoked(self) -> frozenset[int]:
        """
        Return the numbers of the actions that may no longer be sent.

        Raises:
            Unavailable: it could not be asked; nothing may be sent.
        """
        async with self._asking:
            now = self._clock.monotonic()
            if self._asked_at is None or now - self._asked_at >= self._seconds:
                self._revoked = await self._wire.run(self._actions.revoked)
                self._asked_at = now
            return self._revoked
