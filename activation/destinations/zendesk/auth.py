"""
How a connection shows who it is: an OAuth client's token, or an API token until those end.

API tokens can be made until 27 October 2026 and stop working on 30 April 2027.
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import Protocol

import orjson

from activation.clock import Clock
from activation.destinations.base import Connection
from activation.destinations.tokens import SharedToken
from activation.destinations.transport import Address, Reply, exchange, open_session
from activation.destinations.transport_errors import retry_after
from activation.destinations.zendesk.errors import VENDOR, first_error, garbled
from activation.errors import (
    AccessRefused,
    ActivationError,
    Applied,
    ConfigurationError,
    Throttled,
    Transient,
)

_PATH = "/oauth/tokens"  # beside /api/v2, not below it
_CALL = f"POST {_PATH}"
_LIFE_SECONDS = 1_800
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Access(Protocol):
    """What stands in the Authorization header."""

    renewable: bool
    """Whether a refused one can be replaced."""

    def current(self, seconds: float) -> str:
        """Return the header's value."""
        ...

    def renew(self, seen: str | None, seconds: float) -> str:
        """Return another value than the one seen."""
        ...


def access_of(connection: Connection, address: Address, clock: Clock, scope: str) -> Access:
    """Return how a connection shows who it is; nothing is sent yet."""
    if connection.credentials.get("api_token"):
        return ApiToken(connection)
    return Tokens(connection, address, clock, scope)


class ApiToken:
    """A user's e-mail address with a token of the account, by Basic authentication."""

    renewable = False

    def __init__(self, connection: Connection) -> None:
        _need(connection, "email", "api_token")
        given = connection.credentials
        pair = f"{given['email']}/token:{given['api_token']}"
        self._header = f"Basic {base64.b64encode(pair.encode()).decode()}"

    def current(self, seconds: float) -> str:  # noqa: ARG002 - it is there already
        """Return the header's value."""
        return self._header

    def renew(self, seen: str | None, seconds: float) -> str:  # noqa: ARG002
        """Return the same: nobody but a person can make another."""
        return self._header


class Tokens(SharedToken):
    """The access token of an OAuth client, by its client credentials; it acts as its maker."""

    renewable = True

    def __init__(self, connection: Connection, address: Address, clock: Clock, scope: str) -> None:
        super().__init__(self._ask, _CALL)
        self._connection = connection
        self._address = address
        self._clock = clock
        self._scope = scope

    def _ask(self, seconds: float) -> str:
        _need(self._connection, "client_id", "client_secret")
        given = self._connection.credentials
        asked = {
            "grant_type": "client_credentials",
            "client_id": given["client_id"],
            "client_secret": given["client_secret"],
            "scope": self._scope,
            "expires_in": _LIFE_SECONDS,
        }
        with open_session(self._address) as session:
            try:
                reply = exchange(
                    session,
                    "POST",
                    f"{self._address.origin}{_PATH}",
                    vendor=VENDOR,
                    call=_CALL,
                    seconds=seconds,
                    clock=self._clock,
                    headers={"Accept": "application/json", "Content-Type": "application/json"},
                    data=orjson.dumps(asked),
                )
            except Transient as error:
                # Asking for a token writes no row, so a lost answer to it is no doubt about one.
                raise error.with_applied(Applied.NO) from None
        return f"Bearer {self._token_in(reply)}"

    def _token_in(self, reply: Reply) -> str:
        # The reference says 201, the guide shows 200.
        if reply.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            try:
                answer = orjson.loads(reply.body)
            except orjson.JSONDecodeError:
                answer = None
            token = answer.get("access_token") if isinstance(answer, dict) else None
            if isinstance(token, str) and _TOKEN.fullmatch(token):
                return token
            raise garbled(_CALL, applied=Applied.NO)
        raise self._refused(reply)

    def _refused(self, reply: Reply) -> ActivationError:
        code, _ = first_error(reply.status, reply.body)
        told = f"{_CALL} was refused with {reply.status} {code}."
        wait = retry_after(reply.headers, self._clock.now())
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(told, code=code, retry_after=wait)
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Transient(told, code=code, retry_after=wait)
        return AccessRefused(
            told,
            code=code,
            hint=f"Check base_url and the credentials of connection {self._connection.name}; "
            "the OAuth client must be confidential.",
        )


def _need(connection: Connection, *names: str) -> None:
    missing = [name for name in names if not connection.credentials.get(name)]
    if missing:
        raise ConfigurationError(
            f"Connection {connection.name} has no {missing[0]} among its credentials.",
            hint="Give client_id and client_secret of an OAuth client, or email and api_token.",
            connection=connection.name,
        )
