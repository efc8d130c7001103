"""
One retry budget per account: repetitions are at most a tenth of the first attempts.

A vendor in trouble is not helped by ten clients that each try five times.
Attempts are counted by the minute.
The minutes that hold the last ten are never fewer than those ten minutes for repetitions, and
never more for first attempts, so that the budget holds in any ten minutes, not only on average.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

RATIO = 0.1
FLOOR = 20
"""Repetitions that are always allowed, or a run of three requests could not repeat one."""
WINDOW = 10
"""Minutes."""
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Minute:
    """The attempts of an account in one minute."""

    at: datetime
    first: int
    repeated: int


def minute_of(now: datetime) -> datetime:
    """Return the minute that a moment is in."""
    return now.replace(second=0, microsecond=0)


def since(now: datetime) -> datetime:
    """Return the earliest minute that counts."""
    return minute_of(now) - WINDOW * _MINUTE


def left(minutes: Sequence[Minute], now: datetime) -> int:
    """Return how many repetitions may go now."""
    first = sum(m.first for m in minutes if m.at > since(now))
    repeated = sum(m.repeated for m in minutes if m.at >= since(now))
    return max(0, max(FLOOR, int(first * RATIO)) - repeated)


def wait(minutes: Sequence[Minute], now: datetime) -> float:
    """Return the seconds until the oldest repetitions no longer count."""
    counting = [m.at for m in minutes if m.repeated and m.at >= since(now)]
    oldest = min(counting, default=minute_of(now))
    return max(1.0, (oldest + (WINDOW + 1) * _MINUTE - now).total_seconds())
