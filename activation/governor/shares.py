"""
Weighted fair share: what the syncs of one account may have of something that is short.

What one does not want is lent to the others, in proportion to their weights, and given back as
soon as it is wanted: a share is worked out anew for each request.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Claim:
    """What one sync has of it, and what it wants beyond that."""

    sync: str
    weight: int
    held: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sync that is being delivered now would like to send."""

    sync: str
    weight: int
    waiting: int
    """Requests that it has to send yet."""
    withdrawals: int
    """Those among them that remove or erase."""
    wanting: int
    """Those that would leave this moment, had they a permit."""
    seen_at: datetime
    wanted_at: datetime | None = None
    """When one of them last had to wait for a permit."""


ACTIVE = timedelta(seconds=10)
"""A demand that was not repeated for so long is over."""


def allotments(total: int, claims: Sequence[Claim]) -> Mapping[str, float]:
    """
    Return what each sync may have of `total`, in fractions: weighted, and never more than it wants.

    Nothing is left over as long as somebody wants it.
    """
    allotted = dict.fromkeys((claim.sync for claim in claims), 0.0)
    hungry = [claim for claim in claims if claim.held + claim.wanted > 0]
    left = float(total)
    while hungry and left > 0:
        level = left / sum(claim.weight for claim in hungry)
        modest = [claim for claim in hungry if claim.held + claim.wanted <= level * claim.weight]
        if not modest:
            return allotted | {claim.sync: level * claim.weight for claim in hungry}
        for claim in modest:
            allotted[claim.sync] = float(claim.held + claim.wanted)
            left -= allotted[claim.sync]
        hungry = [claim for claim in hungry if claim not in modest]
    return allotted


def more(total: int, free: int, mine: Claim, others: Sequence[Claim]) -> int:
    """
    Return how much more a sync may take of what is free.

    A fraction is rounded up, or two syncs could wait for each other over the last one.
    """
    if not any(other.wanted for other in others):
        return min(free, mine.wanted)
    allotted = allotments(total, (mine, *others))[mine.sync]
    return max(0, min(free, mine.wanted, math.ceil(allotted - 1e-9) - mine.held))
