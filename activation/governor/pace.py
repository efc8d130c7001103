"""
How fast a bucket goes now: slower after the vendor's 429 or when its answers take long.

What is kept is the share of the full pace at one moment; it grows back with time alone, so that
recovering costs no write and needs nobody to be there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

_RECOVERY = timedelta(minutes=2)
"""From nothing to the full pace."""
_ONCE = timedelta(seconds=2)
"""Requests that were under way together are slowed for once."""
SLOWEST = 0.05
_HALF = 0.5
_LATENCY = 0.75


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace of one bucket, as all processes of an account know it."""

    kept: float = 1.0
    """The share of the full pace at `slowed_at`."""
    slowed_at: datetime | None = None
    not_before: datetime | None = None
    """The vendor's Retry-After: no request of the bucket leaves earlier."""

    def share(self, now: datetime) -> float:
        """Return the share of the full pace that has grown back by now."""
        if self.slowed_at is None:
            return 1.0
        grown = max(timedelta(0), now - self.slowed_at) / _RECOVERY
        return min(1.0, self.kept + grown)

    def rest(self, now: datetime) -> float:
        """Return the seconds for which the vendor asked not to be asked."""
        if self.not_before is None:
            return 0.0
        return max(0.0, (self.not_before - now).total_seconds())

    def throttled(self, now: datetime, retry_after: float | None) -> Pace:
        """Return the pace after the vendor said: too many requests."""
        slowed = self._slowed(now, _HALF)
        if retry_after is None:
            return slowed
        until = now + timedelta(seconds=retry_after)
        return replace(slowed, not_before=max(until, self.not_before or until))

    def laboured(self, now: datetime) -> Pace:
        """Return the pace after answers took much longer than they used to."""
        return self._slowed(now, _LATENCY)

    def _slowed(self, now: datetime, by: float) -> Pace:
        if self.slowed_at is not None and timedelta(0) <= now - self.slowed_at < _ONCE:
            return self
        return replace(self, kept=max(SLOWEST, self.share(now) * by), slowed_at=now)


FULL = Pace()
