"""
How fast this process calls.

Writes are paced by the engine, for all processes of an account, which knows nothing of reads and
of the look-ups that some writes begin with.  So all calls keep to the same limit here, too: one
leaves when fewer requests of this process than the limit were answered in the last window.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from activation.clock import Clock


class Pacer:
    """Counts requests by when they were answered."""

    def __init__(
        self, clock: Clock, pause: Callable[[float], None], *, requests: int, seconds: float
    ) -> None:
        """Begin with a limit of so many requests in so many seconds."""
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._requests = requests
        self._seconds = seconds
        self._answered: deque[float] = deque()
        self._under_way = 0

    def limit(self, requests: int, seconds: float) -> None:
        """Keep to what the vendor says of its limit."""
        with self._lock:
            self._requests, self._seconds = requests, seconds

    def begin(self) -> None:
        """Count a request as under way, once there is room for it."""
        while (wait := self._room()) > 0:
            self._pause(wait)

    def end(self) -> None:
        """Count a request as answered, or as lost: it may have arrived."""
        with self._lock:
            self._under_way -= 1
            self._answered.append(self._clock.monotonic())

    def _room(self) -> float:
        """Take the room that there is and return 0, or return the seconds until there is some."""
        with self._lock:
            now = self._clock.monotonic()
            while self._answered and self._answered[0] + self._seconds <= now:
                self._answered.popleft()
            if len(self._answered) + self._under_way < self._requests:
                self._under_way += 1
                return 0.0
            if not self._answered:
                return self._seconds / self._requests
            return self._answered[0] + self._seconds - now
