"""
Cooling permits: how many requests a bucket lets out, and from when on each may go again.

A bucket has as many permits as its limit allows.
One is taken just before a request leaves and is free again one window after the answer came back.
The vendor counts a request no earlier than it was sent and no later than it was answered, so that
two uses of one permit are a whole window apart on the vendor's own clock, whatever the latency:
no window, fixed or rolling, ever holds more requests than there are permits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from activation.destinations.traits import Bucket

ANY = Bucket("requests", 25, None)
"""What is kept to where a vendor names no pace: so many requests at once, per account."""

_MARGIN = 0.002
"""The share of a window that is added: machines that share an account differ by milliseconds."""
_ANSWER = 1.0
"""Seconds after which to look whether another process has had an answer."""


def buckets_of(named: Sequence[Bucket]) -> tuple[Bucket, ...]:
    """Return the buckets that an endpoint is paced by; there is always one."""
    return tuple(named) or (ANY,)


def cooled_at(bucket: Bucket, over_at: datetime) -> datetime:
    """Return when a permit is free again whose request was over at that time."""
    if bucket.seconds is None:
        return over_at
    return over_at + timedelta(seconds=bucket.seconds * (1 + _MARGIN))


def usable(bucket: Bucket, share: float) -> int:
    """Return how many permits are in use at that share of the full pace; one always is."""
    return max(1, int(bucket.requests * share))


def free_no_sooner(bucket: Bucket, free_at: datetime, now: datetime, *, held: bool) -> datetime:
    """
    Return when a permit may be free: it is not worth asking for it earlier.

    One whose request is under way comes back earlier than is written, but from the answer on it
    cools like any other.
    """
    if not held:
        return free_at
    return min(free_at, cools_from(bucket, now))


def cools_from(bucket: Bucket, now: datetime) -> datetime:
    """Return when a permit may be free whose request leaves, or is under way, now."""
    return now + timedelta(seconds=_ANSWER if bucket.seconds is None else bucket.seconds)
