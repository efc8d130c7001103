"""What the token may do of what is needed, and what it may beyond it: its scopes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import orjson

from activation.destinations.base import Connection, Grant, Target
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.memberships import list_of
from activation.destinations.hubspot.names import Kind, check_target, is_custom
from activation.destinations.hubspot.session import Session
from activation.errors import Applied

_SECONDS = 30.0
_PRIVATE = "/oauth/v2/private-apps/get/access-token-info"
_INTROSPECT = "/oauth/v3/token/introspect"
_OWN = {"0-1": "contacts", "0-2": "companies", "0-3": "deals"}
_EVERY_TOKEN = "oauth"  # noqa: S105 - a scope


def preflight(session: Session, connection: Connection, target: Target) -> tuple[Grant, ...]:
    """
    Ask HubSpot what the token may do; nothing is written.

    Raises:
        ConfigurationError: a name in the target cannot be one.
        Transient, BatchRefused, AccessRefused, QuotaRefused: see `errors`.
    """
    held = _scopes(session, connection)
    needed = tuple(dict.fromkeys(_needed(session, target)))
    return (
        *(Grant(scope, held=scope in held, needed=True) for scope in needed),
        *(
            Grant(scope, held=True, needed=False)
            for scope in sorted(held.difference(needed, (_EVERY_TOKEN,)))
        ),
    )


def _needed(session: Session, target: Target) -> Iterator[str]:
    named = check_target(target)
    if named.kind is Kind.SUBSCRIPTION:
        yield "communication_preferences.statuses.batch.write"
        yield "communication_preferences.statuses.batch.read"
        yield "communication_preferences.read_write"
        return
    if named.kind is Kind.LIST:
        yield "crm.lists.write"
        yield "crm.lists.read"
        yield f"crm.objects.{_scope(list_of(session, named.name)['objectTypeId'])}.read"
        return
    yield f"crm.objects.{_scope(named.name)}.write"
    yield f"crm.objects.{_scope(named.name)}.read"


def _scope(name: str) -> str:
    """Return what scopes call an object: all custom ones have the same."""
    return "custom" if is_custom(name) else _OWN.get(name, name)


def _scopes(session: Session, connection: Connection) -> frozenset[str]:
    token = session.token(_SECONDS)
    if session.oauth:
        given = connection.credentials
        form = {
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
            "token": token,
            "token_type_hint": "access_token",
        }
        path, body, kind = (
            _INTROSPECT,
            urlencode(form).encode(),
            "application/x-www-form-urlencoded",
        )
    else:
        path, body, kind = _PRIVATE, orjson.dumps({"tokenKey": token}), "application/json"
    answer = session.call("POST", path, seconds=_SECONDS, data=body, content_type=kind)
    scopes: Any = document_of(answer.body).get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise garbled(f"POST {path}", applied=Applied.NO)
    return frozenset(scopes)
