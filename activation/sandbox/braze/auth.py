"""REST API keys: any that is not empty, or the only one; each permission can be withheld."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from activation.errors import UsageError
from activation.sandbox.braze.errors import access_denied, invalid_key
from activation.sandbox.braze.quirks import PERMISSION_STATUS
from activation.sandbox.quirks import Quirks

PERMISSIONS: Mapping[tuple[str, str], str] = {
    ("POST", "/users/track"): "users.track",
    ("POST", "/users/export/ids"): "users.export.ids",
    ("POST", "/users/delete"): "users.delete",
    ("POST", "/users/identify"): "users.identify",
    ("POST", "/users/merge"): "users.merge",
    ("POST", "/users/alias/new"): "users.alias.new",
    ("POST", "/users/alias/update"): "users.alias.update",
    ("POST", "/users/external_ids/rename"): "users.external_ids.rename",
    ("POST", "/users/external_ids/remove"): "users.external_ids.remove",
    ("POST", "/email/status"): "email.status",
    ("POST", "/subscription/status/set"): "subscription.status.set",
    ("POST", "/v2/subscription/status/set"): "subscription.status.set",
    ("GET", "/subscription/status/get"): "subscription.status.get",
    ("GET", "/subscription/user/status"): "subscription.groups.get",
    ("GET", "/custom_attributes"): "custom_attributes.get",
    ("GET", "/events/list"): "events.list",
}


class Keys:
    """Who is let in, and to what."""

    def __init__(self, credentials: tuple[str, str] | None, quirks: Quirks) -> None:
        self._only = credentials[1] if credentials else None
        self._quirks = quirks
        self._withheld: frozenset[str] = frozenset()

    def withhold(self, permissions: Iterable[str]) -> None:
        """Take these permissions, and no others, from every key."""
        wanted = frozenset(permissions)
        if unknown := sorted(wanted - set(PERMISSIONS.values())):
            known = ", ".join(sorted(set(PERMISSIONS.values())))
            raise UsageError(f"There is no permission {unknown[0]!r}.", hint=f"Known: {known}.")
        self._withheld = wanted

    def admit(self, method: str, path: str, header: str) -> None:
        """Raise Refused if the key is unknown or lacks the endpoint's permission."""
        key = _key(header)
        if not key or (self._only is not None and key != self._only):
            raise invalid_key()
        if PERMISSIONS.get((method, path)) in self._withheld:
            raise access_denied(int(self._quirks.number(PERMISSION_STATUS)))

    def reset(self) -> None:
        """Give everything back."""
        self._withheld = frozenset()


def _key(header: str) -> str:
    """Return the key; one in quotes is another key, and as a rule none."""
    scheme, _, key = header.partition(" ")
    return key.strip() if scheme == "Bearer" and '"' not in key and "'" not in key else ""
