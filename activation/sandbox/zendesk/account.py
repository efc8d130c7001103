"""What the account has bought, and what Zendesk Support has switched on; kept over restarts."""

from __future__ import annotations

from typing import Any

import orjson

from activation.errors import UsageError
from activation.sandbox.state import State

PLANS = {
    "support_essential": 10,
    "support_team": 200,
    "support_professional": 400,
    "support_enterprise": 700,
    "suite_team": 200,
    "suite_growth": 400,
    "suite_professional": 400,
    "suite_enterprise": 700,
    "suite_enterprise_plus": 2_500,
    "high_volume": 2_500,
}
""""Rate limits": requests a minute by plan."""
EXPORTS, EXPORTS_OF_ADD_ON = 10, 30
"""Incremental exports a minute, without and with the high-volume add-on."""

_DEFAULTS: dict[str, Any] = {"plan": "suite_enterprise", "imports": False}


class Account:
    """The account's settings."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._prepare()
        found = state.rows("SELECT document FROM zendesk_account")
        self._settings: dict[str, Any] = orjson.loads(found[0][0]) if found else dict(_DEFAULTS)

    def _prepare(self) -> None:
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS zendesk_account (id INTEGER PRIMARY KEY, document TEXT)"
        )

    @property
    def requests_a_minute(self) -> int:
        """Return the requests a minute that the plan allows."""
        return PLANS[self._settings["plan"]]

    @property
    def exports_a_minute(self) -> int:
        """Return the incremental exports a minute that the plan allows."""
        return EXPORTS_OF_ADD_ON if self._settings["plan"] == "high_volume" else EXPORTS

    @property
    def imports(self) -> bool:
        """Tell whether bulk imports are enabled; they are not until the vendor does it."""
        return bool(self._settings["imports"])

    def document(self) -> dict[str, Any]:
        """Return the settings."""
        return dict(self._settings)

    def change(self, changes: dict[str, Any]) -> dict[str, Any]:
        """
        Change settings and return all of them.

        Raises:
            UsageError: a name or a value is not known.
        """
        for name, value in changes.items():
            if name not in _DEFAULTS:
                hint = f"Settings: {', '.join(_DEFAULTS)}."
                raise UsageError(f"The account has no setting {name!r}.", hint=hint)
            if (name == "plan" and value not in PLANS) or (
                name == "imports" and not isinstance(value, bool)
            ):
                hint = f"Plans: {', '.join(PLANS)}; imports are true or false."
                raise UsageError(f"{name} cannot be {value!r}.", hint=hint)
        self._settings = {**self._settings, **changes}
        self._state.connection.execute(
            "INSERT OR REPLACE INTO zendesk_account VALUES (1, ?)",
            (orjson.dumps(self._settings).decode(),),
        )
        return self.document()

    def reset(self) -> None:
        """Return to a new account."""
        self._prepare()
        self._settings = dict(_DEFAULTS)
