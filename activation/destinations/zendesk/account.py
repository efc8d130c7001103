"""What a connection says of its account, below `account:` in connections.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Self

from activation.destinations.base import Connection
from activation.destinations.zendesk.traits import DEFAULT_PLAN, PLANS
from activation.errors import ConfigurationError

SCOPE = "read users:write organizations:write"
""""Scope": write access to two resources, read access to everything else."""

_SETTINGS = ("plan", "imports", "scope")
_IMPORTS = ("enabled", "disabled")


@dataclass(frozen=True, slots=True)
class Account:
    """The account's plan, and what is switched on for it."""

    plan: str
    imports: bool
    """Whether Zendesk Support has enabled bulk imports of users; they are off by default."""
    scope: str
    """What OAuth tokens are asked for."""

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read what the connection says; raise ConfigurationError for a word that is not known."""
        given = connection.account
        for name in given:
            _known(connection, "account", name, _SETTINGS)
        plan = given.get("plan", DEFAULT_PLAN)
        imports = given.get("imports", "enabled")
        return cls(
            plan=_known(connection, "account.plan", plan, tuple(PLANS)),
            imports=_known(connection, "account.imports", imports, _IMPORTS) == "enabled",
            scope=given.get("scope", SCOPE),
        )


def _known(connection: Connection, of: str, value: str, known: tuple[str, ...]) -> str:
    if value in known:
        return value
    nearest = get_close_matches(value, known, n=1)
    raise ConfigurationError(
        f"{of} of connection {connection.name} has no {value!r}.",
        hint=f"Did you mean {nearest[0]}?" if nearest else f"Known: {', '.join(known)}.",
        connection=connection.name,
    )
