"""A caller of the sandbox's Braze that speaks HTTP and nothing else."""

from __future__ import annotations

from typing import Any

import requests

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.turning_clock import TurningClock

DELAY = 2.0
EMAIL_ERROR = "The value provided for the 'email' field is not a valid email."


class Workspace:
    """A session with a key, and the clock by which what was queued takes effect."""

    def __init__(self, sandbox: Sandbox, clock: TurningClock) -> None:
        """Take any key."""
        self.sandbox = sandbox
        self.clock = clock
        self.http = requests.Session()
        self.http.headers["Authorization"] = "Bearer k3y"

    def post(self, path: str, body: Any = None, **given: Any) -> requests.Response:
        """Post JSON."""
        return self.http.post(f"{self.sandbox.address}{path}", json=body, timeout=5, **given)

    def get(self, path: str, **params: Any) -> requests.Response:
        """Get a path."""
        return self.http.get(f"{self.sandbox.address}{path}", params=params, timeout=5)

    def track(self, *attributes: dict[str, Any], **arrays: Any) -> requests.Response:
        """Send attributes, or other arrays."""
        body = {"attributes": list(attributes)} if attributes else {}
        return self.post("/users/track", body | arrays)

    def settle(self, seconds: float = DELAY) -> None:
        """Let what was queued take effect."""
        self.clock.turn(seconds)

    def set(self, *attributes: dict[str, Any]) -> None:
        """Send attributes and let them take effect."""
        answer = self.track(*attributes)
        assert answer.status_code == 201, answer.text
        self.settle()

    def export(self, **whom: Any) -> dict[str, Any]:
        """Export profiles."""
        answer = self.post("/users/export/ids", whom)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def user(self, external_id: str) -> dict[str, Any] | None:
        """Return a profile, or None."""
        return next(iter(self.export(external_ids=[external_id])["users"]), None)

    def custom(self, external_id: str) -> dict[str, Any]:
        """Return the custom attributes of a profile."""
        found = self.user(external_id)
        assert found is not None
        attributes: dict[str, Any] = found.get("custom_attributes", {})
        return attributes

    def points(self) -> dict[str, Any]:
        """Return the data points billed."""
        return self.sandbox.call("GET", "braze/data_points")

    def quirk(self, **settings: Any) -> None:
        """Set quirks."""
        for name, value in settings.items():
            self.sandbox.set_quirk("braze", name, value)
