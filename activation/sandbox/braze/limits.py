"""What Braze allows in a second, a minute or an hour, and how its answers tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.sandbox.braze.quirks import RESET_HEADER
from activation.sandbox.quirks import Quirks
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import FixedWindow, Window

_EXPORT = "/users/export/ids"
_WINDOWS: Mapping[str, tuple[int, float]] = {
    "users/track": (3_000, 3.0),
    "users/export/ids": (250, 60.0),
    "users/export/ids with fields": (40, 1.0),
    "users": (20_000, 60.0),
    "external_ids": (1_000, 60.0),
    "subscription/status/set": (5_000, 60.0),
    "events/list": (1_000, 3600.0),
    "others": (250_000, 3600.0),
}
"""
The rate limits of the documentation; windows begin at multiples of their length, as recorded.
"""
_PATHS = {
    "/users/track": "users/track",
    "/users/delete": "users",
    "/users/alias/new": "users",
    "/users/alias/update": "users",
    "/users/identify": "users",
    "/users/merge": "users",
    "/users/external_ids/rename": "external_ids",
    "/users/external_ids/remove": "external_ids",
    "/subscription/status/set": "subscription/status/set",
    "/v2/subscription/status/set": "subscription/status/set",
    "/events/list": "events/list",
}


class Limits:
    """The windows of one workspace."""

    def __init__(self, surroundings: Surroundings, quirks: Quirks) -> None:
        self._surroundings = surroundings
        self._quirks = quirks
        self.windows: dict[str, Window] = {
            name: FixedWindow(surroundings.clock, limit=limit, seconds=seconds)
            for name, (limit, seconds) in _WINDOWS.items()
        }

    def window(self, path: str, body: Mapping[str, Any] | None) -> Window:
        """Return the window that a request counts against."""
        if path == _EXPORT:
            fields = " with fields" if body and body.get("fields_to_export") else ""
            return self.windows[f"users/export/ids{fields}"]
        return self.windows[_PATHS.get(path, "others")]

    def headers(self, window: Window) -> dict[str, str]:
        """Return how a window stands."""
        seconds = window.resets_in()
        if self._quirks.value(RESET_HEADER) == "seconds":
            reset = self._surroundings.told(seconds)
        else:
            reset = self._surroundings.told_at(seconds)
        return {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(max(window.limit - window.used, 0)),
            "X-RateLimit-Reset": str(-int(-reset // 1)),
        }
