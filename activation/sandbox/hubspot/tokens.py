"""Access tokens: static ones of a private app, and those that OAuth gives out for half an hour."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson

from activation.clock import Clock
from activation.sandbox.hubspot.errors import (
    PORTAL,
    CallRefused,
    expired,
    invalid,
    missing_scopes,
    unauthenticated,
)
from activation.sandbox.hubspot.values import stamp
from activation.sandbox.state import State

TOKEN_LIFE = timedelta(seconds=1800)
SCOPES = (
    "oauth",
    *(
        f"crm.{kind}.{of}.{act}"
        for kind in ("objects", "schemas")
        for of in ("contacts", "companies", "deals", "custom")
        for act in ("read", "write")
    ),
    "crm.lists.read",
    "crm.lists.write",
    "communication_preferences.read_write",
    "communication_preferences.statuses.batch.read",
    "communication_preferences.statuses.batch.write",
)
"""What a token may do unless the account's administrator takes it away."""
_APP, _USER = 4001, 7001
_UNREAD = (
    *("appInstallId", "audience", "hublet", "newSignature", "signature"),
    *("scopeToScopeGroupPks", "trialScopeToScopeGroupPks", "trialScopes"),
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a request may do."""

    digest: str
    oauth: bool
    scopes: frozenset[str]

    def need(self, *scopes: str) -> None:
        """
        Check that one of the scopes is held.

        Raises:
            CallRefused: none is.
        """
        if not self.scopes.intersection(scopes):
            raise missing_scopes(scopes)


class Tokens:
    """The tokens that are known; only their digests are kept."""

    def __init__(self, state: State, clock: Clock, credentials: tuple[str, str] | None) -> None:
        self._state = state
        self._clock = clock
        self._credentials = credentials

    def prepare(self) -> None:
        """Create the tables."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS hubspot_tokens (digest TEXT PRIMARY KEY, expires TEXT)"
        )
        self._state.connection.execute("CREATE TABLE IF NOT EXISTS hubspot_scopes (scopes TEXT)")

    def admit(self, authorization: str) -> Grant:
        """
        Return what the header's token may do.

        A token that OAuth did not give out counts as one of a private app, which never expires.
        Raises CallRefused if there is none, or if it was revoked or has expired.
        """
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise unauthenticated()
        digest = _digest(token)
        found = self._state.rows("SELECT expires FROM hubspot_tokens WHERE digest = ?", (digest,))
        if not found:
            if self._credentials and token != self._credentials[1]:
                raise unauthenticated()
            return Grant(digest, oauth=False, scopes=self.scopes())
        now, expires = self._clock.now(), datetime.fromisoformat(found[0][0])
        if now >= expires:
            raise expired(int((now - expires).total_seconds()), stamp(expires))
        return Grant(digest, oauth=True, scopes=self.scopes())

    def scopes(self) -> frozenset[str]:
        """Return what tokens may do."""
        kept = self._state.rows("SELECT scopes FROM hubspot_scopes")
        return frozenset(orjson.loads(kept[0][0]) if kept else SCOPES)

    def withdraw(self, scope: str) -> None:
        """Take a scope away from all tokens."""
        self.allow(self.scopes() - {scope})

    def allow(self, scopes: frozenset[str]) -> None:
        """Set what tokens may do."""
        self._state.connection.execute("DELETE FROM hubspot_scopes")
        kept = orjson.dumps(sorted(scopes)).decode()
        self._state.connection.execute("INSERT INTO hubspot_scopes VALUES (?)", (kept,))

    def expire(self, authorization: str) -> CallRefused:
        """Let the header's OAuth token end now; return the refusal that its user gets."""
        digest, now = _digest(authorization.partition(" ")[2]), self._clock.now()
        changed = self._state.connection.execute(
            "UPDATE hubspot_tokens SET expires = ? WHERE digest = ?", (now.isoformat(), digest)
        )
        return expired(0, stamp(now)) if changed.rowcount else unauthenticated()

    def issue(self, body: bytes) -> dict[str, Any]:
        """Answer a request for a token."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        given = (form.get("client_id", ""), form.get("client_secret", ""))
        grant = form.get("grant_type")
        if grant not in ("client_credentials", "refresh_token", "authorization_code"):
            raise _refused("unsupported_grant_type", f"unknown grant type {grant}")
        if not all(given) or (self._credentials and given != self._credentials):
            raise _refused("invalid_client", "missing or unknown client id or secret")
        if grant == "refresh_token" and not form.get("refresh_token"):
            raise _refused("invalid_grant", "missing or unknown refresh token")
        token = secrets.token_urlsafe(48)
        expires = self._clock.now() + TOKEN_LIFE
        self._state.connection.execute(
            "INSERT INTO hubspot_tokens VALUES (?, ?)", (_digest(token), expires.isoformat())
        )
        answer: dict[str, Any] = {
            "access_token": token,
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "token_type": "bearer",
            "hub_id": PORTAL,
            "scopes": sorted(self.scopes()),
        }
        if grant == "client_credentials":
            return {**answer, "token_use": "client_credentials"}
        kept = form.get("refresh_token") or secrets.token_urlsafe(24)
        return {**answer, "refresh_token": kept, "token_use": "access_token", "user_id": _USER}

    def about_private(self, token: str) -> dict[str, Any]:
        """Tell what a private app's token may do."""
        self.admit(f"Bearer {token}")
        return {
            "userId": _USER,
            "hubId": PORTAL,
            "appId": _APP,
            "scopes": sorted(self.scopes() - {"oauth"}),
        }

    def about(self, token: str) -> dict[str, Any]:
        """Tell what an OAuth token may do."""
        digest = _digest(token)
        found = self._state.rows("SELECT expires FROM hubspot_tokens WHERE digest = ?", (digest,))
        if not found:
            raise CallRefused(404, "Token is not known", "OBJECT_NOT_FOUND")
        left = datetime.fromisoformat(found[0][0]) - self._clock.now()
        return {
            "token": token,
            "hub_id": PORTAL,
            "app_id": _APP,
            "user_id": _USER,
            "user": "integration@example.com",
            "hub_domain": "sandbox.example.com",
            "token_type": "access",
            "expires_in": max(int(left.total_seconds()), 0),
            "scopes": sorted(self.scopes()),
        }

    def introspect(self, body: bytes) -> dict[str, Any]:
        """Tell what a token may do, to the app that it was given to."""
        form: Mapping[str, str] = dict(parse_qsl(body.decode("utf-8", "replace")))
        told = self.about(form.get("token", ""))
        return {
            **told,
            "active": told["expires_in"] > 0,
            "client_id": form.get("client_id", ""),
            "is_private_distribution": False,
            "token_use": "access_token",
            "signed_access_token": _signed(told["scopes"]),
        }


def _signed(scopes: list[str]) -> dict[str, Any]:
    """Return what HubSpot's own services read; nobody else makes anything of it."""
    return {
        "appId": _APP,
        "hubId": PORTAL,
        "userId": _USER,
        "installingUserId": _USER,
        "expiresAt": 0,
        "isPrivateDistribution": False,
        "isServiceAccount": False,
        "isUserLevel": False,
        "scopes": " ".join(scopes),
        **dict.fromkeys(_UNREAD, ""),
    }


def _refused(error: str, text: str) -> CallRefused:
    refused = invalid(text)
    refused.more = {"error": error, "error_description": text}
    return refused


def _digest(token: str) -> str:
    return hashlib.sha256(token.strip().encode()).hexdigest()
