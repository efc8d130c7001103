"""What a connection says of its account, and where a version of the API has its addresses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from activation.destinations.base import Connection
from activation.destinations.hubspot.traits import (
    API_VERSION,
    BURSTS,
    DEFAULT_PLAN,
    INCREASED,
    OAUTH,
)
from activation.errors import ConfigurationError

_VERSION = re.compile(r"v3|20\d\d-\d\d")
_SETTINGS = ("plan", "api_limit_increase")


@dataclass(frozen=True, slots=True)
class Account:
    """An account's limits."""

    burst: int
    """Requests in any ten seconds."""

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read what the connection says; raise ConfigurationError for a word that is not known."""
        given = connection.account
        for name in given:
            _known(connection, "account", name, _SETTINGS)
        plan = given.get("plan", DEFAULT_PLAN)
        burst = BURSTS[_known(connection, "account.plan", plan, tuple(BURSTS))]
        more = given.get("api_limit_increase", "none")
        if _known(connection, "account.api_limit_increase", more, ("none", "bought")) == "bought":
            burst = INCREASED
        # An app of many accounts has a limit of its own in each, whatever the account has bought.
        return cls(burst if connection.credentials.get("access_token") else OAUTH)


@dataclass(frozen=True, slots=True)
class Paths:
    """The addresses of one version of the API: `v3`, or a date such as `2026-03`."""

    version: str

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read the connection's version; raise ConfigurationError if it cannot be one."""
        version = connection.api_version or API_VERSION
        if _VERSION.fullmatch(version) is None:
            raise ConfigurationError(
                f"api_version of connection {connection.name} is not a version of HubSpot's API.",
                hint=f"Write it as '{API_VERSION}', or as a date: '2026-03'.",
                connection=connection.name,
            )
        return cls(version)

    def crm(self, area: str, rest: str) -> str:
        """Return an address of records, properties or lists."""
        if self.version == API_VERSION:
            return f"/crm/v3/{area}/{rest}"
        return f"/crm/{area}/{self.version}/{rest}"

    def schema(self, name: str) -> str:
        """Return the address of an object's schema."""
        if self.version == API_VERSION:
            return f"/crm/v3/schemas/{name}"
        return f"/crm-object-schemas/{self.version}/schemas/{name}"

    def preferences(self, rest: str) -> str:
        """Return an address of subscriptions; the numbered one is version 4."""
        version = "v4" if self.version == API_VERSION else self.version
        return f"/communication-preferences/{version}/{rest}"

    def usage(self) -> str:
        """Return the address that tells the day's requests."""
        return f"/account-info/{self.version}/api-usage/daily/private-apps"


def _known(connection: Connection, of: str, value: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    nearest = get_close_matches(value, known, n=1)
    raise ConfigurationError(
        f"{of} of connection {connection.name} has no {value!r}.",
        hint=f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(known)}.",
        connection=connection.name,
    )
