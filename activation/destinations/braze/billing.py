"""
What a request is billed, in data points.

"Data points", "Consumption count": each attribute set on a profile and each event is one; an
array set as a whole is one, and values added or removed are one each.  Identifiers and the state
of subscriptions are free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activation.destinations.base import RowResult

UNIT = "data points"
FREE = frozenset(
    {"external_id", "user_alias", "braze_id", "_update_existing_only", "_merge_objects"}
    | {"push_token_import", "push_tokens"}
    | {"email_subscribe", "push_subscribe", "subscription_groups"}
)
"""Members of an attributes object that cost nothing."""


def billed(array: str, objects: Sequence[Mapping[str, Any]], results: Sequence[RowResult]) -> int:
    """Return what the accepted ones of these objects are billed."""
    accepted = [o for o, result in zip(objects, results, strict=True) if result.error is None]
    return len(accepted) if array == "events" else sum(map(points, accepted))


def points(item: Mapping[str, Any]) -> int:
    """Return what an attributes object is billed."""
    return sum(_cost(value) for name, value in item.items() if name not in FREE)


def _cost(value: Any) -> int:
    if isinstance(value, dict) and value.keys() <= {"add", "remove"}:
        return sum(len(values) for values in value.values())
    return 1
