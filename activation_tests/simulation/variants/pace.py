"""Defects of the governor: quota, permits, waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from unittest.mock import patch

from activation.delivery.retry import Patience
from activation.governor.budget import Budget
from activation.governor.pace import Pace
from activation.governor.permits import cooled_at
from activation.ledger import clearing, permits, quota, spending
from activation_tests.simulation.judge import BOUNDS
from activation_tests.simulation.variants.patches import Variants, nothing

_wait = Patience.wait


def _at_once(patience: Any, **given: Any) -> Any:
    return None if _wait(patience, **given) is None else 0.001


def _without_end(patience: Any, *, tries: int, elapsed: float, **given: Any) -> Any:
    return _wait(patience, tries=1, elapsed=0 * elapsed * tries, **given)


def _window_of_sending(bucket: Any, spent: Any) -> Any:
    return cooled_at(bucket, spent.clearance.at)


def _window_of_asking(bucket: Any, ask: Any) -> Any:
    return cooled_at(bucket, ask.until - timedelta(seconds=BOUNDS.request_seconds))


VARIANTS: Variants = {
    "no quota check": lambda: [patch.object(clearing, "refusal", nothing)],
    "the vendor's count unheard": lambda: [patch.object(quota, "correct", nothing)],
    "requests not counted": lambda: [patch.object(quota, "reserve", nothing)],
    "nothing kept for people": lambda: [patch.object(Budget, "kept", lambda *_, **__: 0.0)],
    "a permit freed at sending": lambda: [
        patch.object(spending, "_free_again", _window_of_sending),
        patch.object(clearing, "_until", _window_of_asking),
    ],
    "permits not taken": lambda: [patch.object(permits, "take", nothing)],
    "retry-after unheard": lambda: [
        patch.object(Patience, "wait", _at_once),
        patch.object(Pace, "rest", lambda *_: 0.0),
    ],
    "retries without end": lambda: [patch.object(Patience, "wait", _without_end)],
}
