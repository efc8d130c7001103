"""
What a vendor allows at a time: requests in a window of seconds, or requests under way at once.

Windows live in memory and are driven by the clock that is handed in; what must outlive a restart,
such as a day's requests, is in `quota`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from activation.clock import Clock


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one request, and where the window stands after it."""

    granted: bool
    limit: int
    left: int
    """Requests that would be granted now."""
    resets_in: float
    """
    Seconds until more are granted than now.

    A fixed window begins anew then; from a rolling one the oldest request drops out; of requests
    under way at once nobody knows, and it says 0.
    """


class Window(Protocol):
    """A limit that requests are counted against."""

    limit: int

    @property
    def used(self) -> int:
        """Return the requests that count now."""
        ...

    def resets_in(self) -> float:
        """Return the seconds until fewer of them count."""
        ...

    def take(self) -> Taken:
        """Count one request if the limit allows it; a refused one does not count."""
        ...

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or what counts as used from now on, or both."""
        ...

    def reset(self) -> None:
        """Return to the limit that it began with, with nothing used."""
        ...


def take_all(windows: Iterable[Window]) -> Window | None:
    """Count one request in all windows, or in none; return the first that is full."""
    chosen = tuple(windows)
    full = next((window for window in chosen if window.used >= window.limit), None)
    if full is None:
        for window in chosen:
            window.take()
    return full


class RollingWindow:
    """At most `limit` requests in any `seconds`."""

    def __init__(self, clock: Clock, *, limit: int, seconds: float) -> None:
        self._clock = clock
        self._default = limit
        self._taken: deque[float] = deque()
        self.limit = limit
        self.seconds = seconds

    @property
    def used(self) -> int:
        """Return the requests of the last `seconds`."""
        now = self._clock.monotonic()
        # The sum that resets_in() makes too: no rounding lies between the two.
        while self._taken and self._taken[0] + self.seconds <= now:
            self._taken.popleft()
        return len(self._taken)

    def within(self, seconds: float) -> int:
        """Return the requests of so many last seconds, fewer than the window's."""
        begin = self._clock.monotonic() - seconds
        return sum(1 for _ in takewhile(lambda at: at > begin, reversed(self._taken)))

    def resets_in(self) -> float:
        """Return the seconds until the oldest request drops out."""
        if not self.used:
            return 0.0
        return self._taken[0] + self.seconds - self._clock.monotonic()

    def take(self) -> Taken:
        """Count one request if the limit allows it."""
        granted = self.used < self.limit
        if granted:
            self._taken.append(self._clock.monotonic())
        return Taken(granted, self.limit, max(self.limit - self.used, 0), self.resets_in())

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or how many requests were made just now, or both."""
        if limit is not None:
            self.limit = limit
        if used is not None:
            self._taken = deque([self._clock.monotonic()] * used)

    def reset(self) -> None:
        """Return to the limit that it began with, with nothing used."""
        self.set(limit=self._default, used=0)


class FixedWindow:
    """At most `limit` requests from one multiple of `seconds` since the epoch to the next."""

    def __init__(self, clock: Clock, *, limit: int, seconds: float) -> None:
        self._clock = clock
        self._default = limit
        self._window = -1
        self._count = 0
        self.limit = limit
        self.seconds = seconds

    @property
    def used(self) -> int:
        """Return the requests of the current window."""
        window = int(self._clock.now().timestamp() // self.seconds)
        if window != self._window:
            self._window, self._count = window, 0
        return self._count

    def resets_in(self) -> float:
        """Return the seconds until the next window begins."""
        return self.seconds - self._clock.now().timestamp() % self.seconds

    def take(self) -> Taken:
        """Count one request if the limit allows it."""
        granted = self.used < self.limit
        self._count += granted
        return Taken(granted, self.limit, max(self.limit - self._count, 0), self.resets_in())

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or what counts as used in the current window, or both."""
        if limit is not None:
            self.limit = limit
        if used is not None:
            self._count += used - self.used

    def reset(self) -> None:
        """Return to the limit that it began with, with nothing used."""
        self.set(limit=self._default, used=0)


class Concurrency:
    """At most `limit` requests, or jobs, under way at once; each must be given back."""

    def __init__(self, *, limit: int) -> None:
        self._default = limit
        self.limit = limit
        self.used = 0

    def resets_in(self) -> float:
        """Return 0: nobody knows when one ends."""
        return 0.0

    def take(self) -> Taken:
        """Count one as under way if the limit allows it."""
        granted = self.used < self.limit
        self.used += granted
        return Taken(granted, self.limit, max(self.limit - self.used, 0), 0.0)

    def give_back(self) -> None:
        """End one that was granted; one from before a reset is not counted any more."""
        self.used = max(self.used - 1, 0)

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or how many are under way, or both."""
        if limit is not None:
            self.limit = limit
        if used is not None:
            self.used = used

    def reset(self) -> None:
        """Return to the limit that it began with, with nothing under way."""
        self.set(limit=self._default, used=0)


class PerKey:
    """A window of its own for each key, such as a user or a token."""

    def __init__(self, make: Callable[[], Window]) -> None:
        self._make = make
        self._windows: dict[str, Window] = {}
        self._prune_at = 1024

    def of(self, key: str) -> Window:
        """Return the key's window."""
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= self._prune_at:
                self._windows = {k: w for k, w in self._windows.items() if w.used}
                self._prune_at = max(1024, 2 * len(self._windows))
            window = self._windows[key] = self._make()
        return window

    def reset(self) -> None:
        """Forget all keys."""
        self._windows.clear()
