"""What the credentials may do of what is needed, and what they may beyond it."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.base import Grant, Target
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.names import (
    MEMBERSHIPS,
    ORGANIZATIONS,
    REFERENCE,
    USERS,
    check_target,
)
from activation.destinations.zendesk.session import ROOT, Session
from activation.errors import Applied

_SECONDS = 30.0
_ROLES = ("admin", "agent")
_RESOURCES = {
    USERS: ("users",),
    ORGANIZATIONS: ("organizations",),
    MEMBERSHIPS: ("users", "organizations"),
}


def preflight(session: Session, target: Target, *, oauth: bool) -> tuple[Grant, ...]:
    """
    Ask Zendesk what the credentials may do; nothing is written.

    Raises:
        ConfigurationError: a name in the target is not one.
        Transient, BatchRefused, AccessRefused: see `errors`.
    """
    kind = check_target(target)
    grants: list[Grant] = []
    if oauth:
        read = list(_RESOURCES[kind])
        if kind is USERS and any(mapping.to == REFERENCE for mapping in target.fields):
            read.append("organizations")
        grants += _scopes(_scopes_held(session), write=_RESOURCES[kind], read=read)
    else:
        # It is the user's password in all but name.
        grants.append(Grant("every scope, by an API token", held=True, needed=False))
    user = _object(session, "users/me", "user")
    grants.append(Grant("role admin or agent", held=user.get("role") in _ROLES, needed=True))
    if kind is USERS and session.account.imports:
        grants.append(Grant("data imports", held=_imports(session), needed=True))
    return tuple(grants)


def _scopes_held(session: Session) -> frozenset[str]:
    scopes = _object(session, "oauth/tokens/current", "token").get("scopes")
    return frozenset(scopes if isinstance(scopes, list) else ())


def _scopes(held: frozenset[str], *, write: tuple[str, ...], read: list[str]) -> Iterator[Grant]:
    needed = {
        *(f"{resource}:write" for resource in write),
        *(f"{resource}:read" for resource in read),
    }
    for scope in sorted(needed):
        broad = scope.partition(":")[2]
        yield Grant(f"scope {scope}", held=scope in held or broad in held, needed=True)
    for scope in sorted(held - needed):
        yield Grant(f"scope {scope}", held=True, needed=False)


def _imports(session: Session) -> bool:
    """Tell whether bulk imports are enabled, by a job of no users at all."""
    reply = session.call(
        "POST",
        "users/create_or_update_many",
        seconds=_SECONDS,
        data=b'{"users":[]}',
        accept=frozenset(
            {HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
        ),
    )
    return reply.status != HTTPStatus.FORBIDDEN


def _object(session: Session, path: str, name: str) -> dict[str, Any]:
    """Return what is there; nothing where the credentials may not see it."""
    refused = frozenset({HTTPStatus.FORBIDDEN})
    reply = session.call("GET", path, seconds=_SECONDS, accept=refused)
    if reply.status == HTTPStatus.FORBIDDEN:
        return {}
    try:
        found = orjson.loads(reply.body)[name]
        if isinstance(found, dict):
            return found
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise garbled(f"GET {ROOT}{path}", applied=Applied.NO)
