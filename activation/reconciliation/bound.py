"""How sure a sample makes us."""

from __future__ import annotations

import math

CONFIDENCE = 0.95
_STEPS = 60  # halvings of [0, 1]: finer than a double can tell


def upper_bound(differing: int, sampled: int, confidence: float = CONFIDENCE) -> float:
    """
    Return the share that the whole exceeds with a probability of at most 1 - `confidence`.

    This is the exact one-sided bound of Clopper and Pearson; with no difference in n rows it is
    the "rule of three", about 3 / n.
    """
    if sampled == 0 or differing >= sampled:
        return 1.0
    low, high = differing / sampled, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _at_most(differing, sampled, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(successes: int, trials: int, share: float) -> float:
    """Return the probability of at most that many successes."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return 0.0
    total = 0.0
    for k in range(successes + 1):
        ways = math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        total += math.exp(ways + k * math.log(share) + (trials - k) * math.log1p(-share))
    return min(total, 1.0)
