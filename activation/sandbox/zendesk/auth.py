"""The token endpoint, the access tokens that it issues, and what they may do."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.responses import Response

from activation.clock import Clock
from activation.sandbox.state import State
from activation.sandbox.zendesk.errors import (
    CallRefused,
    invalid_token,
    json_answer,
    missing_scope,
    unauthenticated,
    unreadable,
)
from activation.sandbox.zendesk.parts import stamp

_LIFE = 1_800
"""Clients made since 30 April 2026 get tokens of half an hour unless they ask for another life."""
_SHORTEST, _LONGEST = 300, 172_800
_SHOWN = 10
_RESOURCES = {
    "organizations": "organizations",
    "organization_fields": "organizations",
    "organization_memberships": "organizations",
}
"""By the first part of a path; all others are users'. Of memberships it is not documented."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, and with what."""

    scopes: frozenset[str] | None
    """None for an API token, which may do all that its user may."""
    number: int = 0
    issued: datetime | None = None
    expires: datetime | None = None
    shown: str = ""


class Tokens:
    """Access tokens that are valid; only their digests are kept."""

    def __init__(self, state: State, clock: Clock, credentials: tuple[str, str] | None) -> None:
        self._state = state
        self._clock = clock
        self._credentials = credentials
        self._prepare()

    def _prepare(self) -> None:
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS zendesk_tokens (number INTEGER PRIMARY KEY AUTOINCREMENT,"
            " digest TEXT UNIQUE, scope TEXT, issued REAL, expires REAL, shown TEXT)"
        )
        self._withheld: set[str] = set()
        self._callers: dict[str, Caller] = {
            digest: _caller(*row)
            for digest, *row in self._state.rows(
                "SELECT digest, number, scope, issued, expires, shown FROM zendesk_tokens"
            )
        }

    def issue(self, body: bytes) -> Response:
        """Answer a token request."""
        try:
            asked = orjson.loads(body)
        except orjson.JSONDecodeError:
            return unreadable().answer()
        refused = self._refusal(asked if isinstance(asked, dict) else {})
        if refused is not None:
            return refused.answer()
        token = secrets.token_hex(32)
        now = self._clock.now()
        life = int(asked.get("expires_in") or _LIFE)
        scope = asked.get("scope")
        # A scope that is not text makes a token too, with which every call is refused.
        kept = scope if isinstance(scope, str) else ""
        expires = now + timedelta(seconds=life)
        row = (_digest(token), kept, now.timestamp(), expires.timestamp(), token[:_SHOWN])
        cursor = self._state.connection.execute(
            "INSERT INTO zendesk_tokens (digest, scope, issued, expires, shown)"
            " VALUES (?, ?, ?, ?, ?)",
            row,
        )
        self._callers[row[0]] = _caller(int(cursor.lastrowid or 0), *row[1:])
        # The published description answers 201.
        content = {"access_token": token, "token_type": "bearer", "scope": kept, "expires_in": life}
        return json_answer(content, 201)

    def _refusal(self, asked: Mapping[str, Any]) -> CallRefused | None:
        given = str(asked.get("client_id") or ""), str(asked.get("client_secret") or "")
        if asked.get("grant_type") != "client_credentials":
            text = "The authorization grant type is not supported by the authorization server."
            return _oauth(400, "unsupported_grant_type", text)
        if not all(given) or (self._credentials and given != self._credentials):
            text = (
                "Client authentication failed due to an unknown client, no client authentication "
                "included, or an unsupported authentication method."
            )
            return _oauth(401, "invalid_client", text)
        life = asked.get("expires_in")
        if life is not None and not (type(life) is int and _SHORTEST <= life <= _LONGEST):
            text = f"expires_in must be from {_SHORTEST} to {_LONGEST} seconds."
            return _oauth(400, "invalid_request", text)
        return None

    def caller(self, authorization: str) -> Caller:
        """
        Return who makes a call.

        Raises:
            CallRefused: 401.
        """
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            return self._by_api_token(value)
        if scheme.lower() != "bearer":
            raise unauthenticated()
        caller = self._callers.get(_digest(value))
        if caller is None or caller.expires is None or caller.expires <= self._clock.now():
            raise invalid_token()
        kept = (caller.scopes or frozenset()) - self._withheld
        return caller if kept == caller.scopes else replace(caller, scopes=kept)

    def _by_api_token(self, encoded: str) -> Caller:
        try:
            name, _, token = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise unauthenticated() from None
        email, slash, word = name.rpartition("/")
        expected = self._credentials and (email, token) != self._credentials
        if not slash or word != "token" or "@" not in email or not token or expected:
            raise unauthenticated()
        return Caller(scopes=None)

    def withhold(self, scope: str) -> None:
        """Take a scope from all tokens, those that are issued later too."""
        self._withheld |= {scope, scope.rpartition(":")[2]}

    def revoke(self, authorization: str) -> None:
        """End the token that the header carries."""
        digest = _digest(authorization.partition(" ")[2])
        self._callers.pop(digest, None)
        self._state.connection.execute("DELETE FROM zendesk_tokens WHERE digest = ?", (digest,))

    def reset(self) -> None:
        """End all tokens."""
        self._prepare()


def check_scope(caller: Caller, method: str, path: str) -> None:
    """
    Let a call pass that the token's scopes allow.

    Raises:
        CallRefused: 403.
    """
    if caller.scopes is None:
        return
    verb = "read" if method == "GET" else "write"
    first = path.partition("/")[0]
    if first in ("oauth", "job_statuses") and caller.scopes:
        return
    resource = _RESOURCES.get(first, "users")
    if not caller.scopes & {verb, f"{resource}:{verb}"}:
        raise missing_scope(f"{resource}:{verb}")


def token_document(caller: Caller, address: str, user: int) -> dict[str, Any]:
    """Return a token as `oauth/tokens/current` tells of it."""
    return {
        "url": f"{address}/api/v2/oauth/tokens/{caller.number}.json",
        "id": caller.number,
        "user_id": user,
        "client_id": 1,
        "token": caller.shown,
        "scopes": sorted(caller.scopes or ()),
        "created_at": _stamp(caller.issued),
        "expires_at": _stamp(caller.expires),
        "used_at": _stamp(caller.issued),
    }


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _caller(number: int, scope: str, issued: float, expires: float, shown: str) -> Caller:
    begun, ends = datetime.fromtimestamp(issued, UTC), datetime.fromtimestamp(expires, UTC)
    return Caller(frozenset(scope.split()), number, begun, ends, shown)


def _oauth(status: int, code: str, text: str) -> CallRefused:
    return CallRefused(status, {"error": code, "error_description": text})


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
