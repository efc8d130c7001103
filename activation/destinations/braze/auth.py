"""The REST API key: one a workspace, with a permission for each endpoint; it never expires."""

from __future__ import annotations

import re

from activation.destinations.base import Connection
from activation.errors import ConfigurationError

_KEY = re.compile(r"[\x21-\x7e]{1,500}")
_QUOTES = "\"'`"


def authorization(connection: Connection) -> str:
    """Return the header's value; raise ConfigurationError if the key is missing or cannot be."""
    key = connection.credentials.get("api_key", "")
    wrong = None
    if not key:
        wrong = "has no api_key among its credentials"
    elif _KEY.fullmatch(key) is None or key[0] in _QUOTES:
        wrong = "has an api_key with spaces, quotes or other signs that no key has"
    elif key.lower().startswith("bearer"):
        wrong = "has an api_key that begins with Bearer"
    if wrong:
        raise ConfigurationError(
            f"Connection {connection.name} {wrong}.",
            hint="Give the REST API key alone, as Settings, API Keys shows it.",
            connection=connection.name,
        )
    return f"Bearer {key}"
