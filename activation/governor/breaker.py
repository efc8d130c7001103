"""
The circuit breaker: an endpoint that fails again and again is left alone, then probed by one.

    closed ──(failures in a row)──► open ──(its time is over)──► one probe ──► closed
                                      ▲                              │
                                      └────────(it failed)───────────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

FAILURES = 5
"""Failures in a row, of whatever process, that open it."""
_FORGOTTEN = timedelta(minutes=10)
"""A failure older than this does not count as one before the next."""
_FIRST = timedelta(seconds=15)
_LONGEST = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Breaker:
    """What all processes of an account know of an endpoint's health."""

    failures: int = 0
    failed_at: datetime | None = None
    open_until: datetime | None = None
    probe_until: datetime | None = None
    """Somebody's probe is under way until then."""

    def wait(self, now: datetime) -> float:
        """Return the seconds until the next question is worth asking; 0 lets a request go."""
        until = max((t for t in (self.open_until, self.probe_until) if t), default=now)
        return max(0.0, (until - now).total_seconds())

    @property
    def probing(self) -> bool:
        """Return whether the next request to go is a probe, which goes alone."""
        return self.open_until is not None

    def probed(self, until: datetime) -> Breaker:
        """Return the breaker while one request finds out."""
        return replace(self, probe_until=until)

    def failed(self, now: datetime) -> Breaker:
        """Return the breaker after a request that no verdict came of."""
        if self.failed_at is not None and now - self.failed_at > _FORGOTTEN:
            return Breaker(1, now)
        failures = self.failures + 1
        if failures < FAILURES:
            return Breaker(failures, now)
        if self.open_until is not None and self.probe_until is None and now < self.open_until:
            return self  # it was under way when the breaker opened
        times = min(failures - FAILURES, 10)
        return Breaker(failures, now, open_until=now + min(_LONGEST, _FIRST * 2**times))

    def answered(self) -> Breaker:
        """Return the breaker after a request that the vendor answered."""
        return CLOSED

    def released(self) -> Breaker:
        """Return the breaker after a probe that never left."""
        return replace(self, probe_until=None)


CLOSED = Breaker()
