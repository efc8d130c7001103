"""The token endpoint and the sessions it opens."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qsl

import orjson
from starlette.responses import Response

from activation.clock import Clock
from activation.sandbox.quirks import Quirks
from activation.sandbox.salesforce.errors import json_answer
from activation.sandbox.salesforce.ids import INTEGRATION_USER, ORGANISATION_ID
from activation.sandbox.state import State

SESSION_HOURS = "session_hours"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class _GrantRefused(Exception):  # noqa: N818
    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.body = {"error": error, "error_description": description}


class Sessions:
    """Access tokens that are valid; only their digests are kept."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        quirks: Quirks,
        address: str,
        credentials: tuple[str, str] | None,
    ) -> None:
        self._quirks = quirks
        self._state = state
        self._clock = clock
        self._address = address
        self._credentials = credentials
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS salesforce_sessions (digest TEXT PRIMARY KEY)"
        )
        now = clock.now()
        self._used = {
            digest: now for (digest,) in state.rows("SELECT digest FROM salesforce_sessions")
        }

    def token(self, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer a token request."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            self._accept(form, headers.get("authorization", ""))
        except _GrantRefused as refused:
            return json_answer(refused.body, 400)
        token = f"{ORGANISATION_ID[:15]}!{secrets.token_urlsafe(48)}"
        digest = _digest(token)
        self._state.connection.execute("INSERT INTO salesforce_sessions VALUES (?)", (digest,))
        now = self._clock.now()
        self._used[digest] = now
        return json_answer(
            {
                "access_token": token,
                "signature": base64.b64encode(secrets.token_bytes(32)).decode(),
                "instance_url": self._address,
                "id": f"{self._address}/id/{ORGANISATION_ID}/{INTEGRATION_USER}",
                "token_type": "Bearer",
                "issued_at": str(int(now.timestamp() * 1000)),
            }
        )

    def is_valid(self, authorization: str) -> bool:
        """Tell whether the header carries a live session, and keep it alive."""
        digest = _digest(authorization.partition(" ")[2])
        used, now = self._used.get(digest), self._clock.now()
        if used is None or now - used > timedelta(hours=self._quirks.number(SESSION_HOURS)):
            return False
        self._used[digest] = now
        return True

    def revoke(self, authorization: str) -> None:
        """End the session that the header carries."""
        digest = _digest(authorization.partition(" ")[2])
        self._used.pop(digest, None)
        self._state.connection.execute(
            "DELETE FROM salesforce_sessions WHERE digest = ?", (digest,)
        )

    def reset(self) -> None:
        """End all sessions."""
        self._used.clear()
        self._state.connection.execute("DELETE FROM salesforce_sessions")

    def _accept(self, form: Mapping[str, str], authorization: str) -> None:
        grant = form.get("grant_type")
        if grant == "client_credentials":
            given = _basic(authorization) or (
                form.get("client_id", ""),
                form.get("client_secret", ""),
            )
            if not all(given) or (self._credentials and given != self._credentials):
                raise _GrantRefused("invalid_client", "invalid client credentials")
        elif grant == _JWT_GRANT:
            self._accept_assertion(form.get("assertion", ""))
        else:
            raise _GrantRefused("unsupported_grant_type", "grant type not supported")

    def _accept_assertion(self, assertion: str) -> None:
        """Accept a JWT by its shape, issuer and expiry; the sandbox has no key to verify it by."""
        parts = assertion.split(".")
        try:
            _, payload, _ = parts
            claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            issuer, expiry = str(claims["iss"]), int(claims["exp"])
            named = bool(claims["sub"]) and bool(claims["aud"])
        except (ValueError, KeyError, TypeError):
            raise _GrantRefused("invalid_grant", "invalid assertion") from None
        if not named or (self._credentials and issuer != self._credentials[0]):
            raise _GrantRefused("invalid_grant", "authentication failure")
        if expiry <= self._clock.now().timestamp():
            raise _GrantRefused("invalid_grant", "expired authorization code")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret
