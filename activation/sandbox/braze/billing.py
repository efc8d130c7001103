"""Data points as they are billed, by what they were for: proof that only changes are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from activation.sandbox.braze.quirks import LOCALE_POINTS
from activation.sandbox.braze.setting import IDENTIFIERS, INSTRUCTIONS
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State

_FREE = (
    IDENTIFIERS
    | INSTRUCTIONS
    | {"push_tokens", "email_subscribe", "push_subscribe", "subscription_groups"}
)
_LOCALE = frozenset({"country", "language"})


class Billing:
    """The account's data points, kept on disk."""

    def __init__(self, state: State, quirks: Quirks) -> None:
        self._state = state
        self._quirks = quirks

    def prepare(self) -> None:
        """Make the table."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS braze_points (name TEXT PRIMARY KEY, points INTEGER)"
        )

    def bill(self, array: str, objects: Sequence[Mapping[str, Any]]) -> None:
        """Bill accepted objects, whether or not they change anything."""
        if array == "attributes":
            counted = Counter(chain.from_iterable(objects))
            for item in objects:
                for name, value in item.items():
                    if type(value) is dict:
                        counted[name] += _points(value) - 1
            locale_is_free = self._quirks.value(LOCALE_POINTS) == "free"
            for name in _FREE | _LOCALE if locale_is_free else _FREE:
                counted.pop(name, None)
        else:
            named = (item.get("name") or item.get("product_id") for item in objects)
            counted = Counter(f"{array}/{name}" for name in named)
        self._state.connection.executemany(
            "INSERT INTO braze_points VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET points = points + excluded.points",
            list(counted.items()),
        )

    def document(self) -> dict[str, Any]:
        """Return the points billed in all, and by attribute or event."""
        rows = self._state.rows("SELECT name, points FROM braze_points ORDER BY name")
        return {"total": sum(points for _, points in rows), "by": dict(rows)}


def _points(value: Any) -> int:
    """Return the points of one attribute: values added to an array are one each."""
    if isinstance(value, dict):
        if value.keys() <= {"add", "remove"}:
            return sum(len(v) if isinstance(v, list) else 1 for v in value.values())
        if value.keys() != {"inc"}:
            # "Nested custom attributes", "Data points": each key that is sent.
            return sum(map(_points, value.values())) or 1
    return 1
