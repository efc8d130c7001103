"""
How a connection gets its access token.

Credentials are `access_token` (a private app's, which does not expire), or `client_id` and
`client_secret` with or without `refresh_token` (OAuth, whose tokens live for half an hour).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Protocol

from activation.clock import Clock
from activation.destinations.base import Connection
from activation.destinations.hubspot.errors import code_of, document_of, garbled
from activation.destinations.hubspot.traits import VENDOR
from activation.destinations.tokens import SharedToken
from activation.destinations.transport import Address, Reply, exchange, open_session
from activation.destinations.transport_errors import retry_after
from activation.errors import (
    AccessRefused,
    ActivationError,
    Applied,
    ConfigurationError,
    Throttled,
    Transient,
)

TOKEN_PATH = "/oauth/v3/token"  # noqa: S105 - an address
_CALL = f"POST {TOKEN_PATH}"
_TOKEN = re.compile(r"[\x21-\x7e]+")
_LIFE = 1800.0
# "Usage guidelines": a 401 is no sign that a token is too old; it is renewed by the clock.
_EARLY = 60.0


class Access(Protocol):
    """Where the token of a connection comes from."""

    renewable: bool

    def current(self, seconds: float) -> str:
        """Return the token, within so many seconds."""
        ...

    def renew(self, seen: str | None, seconds: float) -> str:
        """Return a token other than the one seen."""
        ...


def access_of(connection: Connection, address: Address, clock: Clock) -> Access:
    """
    Return the connection's access.

    Raises:
        ConfigurationError: the credentials are incomplete or unusable.
    """
    given = connection.credentials
    token = given.get("access_token")
    if token is not None:
        if _TOKEN.fullmatch(token) is None:
            raise ConfigurationError(
                f"access_token of connection {connection.name} is not a token.",
                hint="Copy it from the private app's page, without spaces.",
                connection=connection.name,
            )
        return StaticToken(token)
    missing = [name for name in ("client_id", "client_secret") if not given.get(name)]
    if missing:
        raise ConfigurationError(
            f"Connection {connection.name} has no {missing[0]} among its credentials.",
            hint="Give access_token, or client_id and client_secret, with refresh_token if you "
            "have one.",
            connection=connection.name,
        )
    return OAuthToken(connection, address, clock)


class StaticToken:
    """A private app's token."""

    renewable = False

    def __init__(self, token: str) -> None:
        self._token = token

    def current(self, _seconds: float) -> str:
        """Return the token."""
        return self._token

    def renew(self, _seen: str | None, _seconds: float) -> str:
        """Return the token: there is no other."""
        return self._token


class OAuthToken(SharedToken):
    """An app's token, renewed before it expires."""

    renewable = True

    def __init__(self, connection: Connection, address: Address, clock: Clock) -> None:
        super().__init__(self._ask, _CALL)
        self._connection = connection
        self._address = address
        self._clock = clock
        self._good_until = 0.0

    def current(self, seconds: float) -> str:
        """Return the token, or another one if it is about to expire."""
        token = super().current(seconds)
        if self._clock.monotonic() < self._good_until:
            return token
        return self.renew(token, seconds)

    def _ask(self, seconds: float) -> str:
        given = self._connection.credentials
        form = {"client_id": given["client_id"], "client_secret": given["client_secret"]}
        if refresh := given.get("refresh_token"):
            form |= {"grant_type": "refresh_token", "refresh_token": refresh}
        else:
            form |= {"grant_type": "client_credentials"}
        asked_at = self._clock.monotonic()
        with open_session(self._address) as session:
            try:
                reply = exchange(
                    session,
                    "POST",
                    f"{self._address.origin}{TOKEN_PATH}",
                    vendor=VENDOR,
                    call=_CALL,
                    seconds=seconds,
                    clock=self._clock,
                    headers={"Accept": "application/json"},
                    data=form,
                )
            except Transient as error:
                # Asking for a token writes no row, so a lost answer to it is no doubt about one.
                raise error.with_applied(Applied.NO) from None
        if reply.status != HTTPStatus.OK:
            raise self._refused(reply)
        answer = document_of(reply.body)
        token, life = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
            raise garbled(_CALL, applied=Applied.NO)
        lives = float(life) if type(life) is int and life > 0 else _LIFE
        self._good_until = asked_at + max(lives - _EARLY, lives / 2)
        return token

    def _refused(self, reply: Reply) -> ActivationError:
        code = code_of(document_of(reply.body)) or f"HTTP_{reply.status}"
        told = f"{_CALL} was refused with {reply.status} {code}."
        wait = retry_after(reply.headers, self._clock.now())
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Throttled(told, code=code, retry_after=wait)
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Transient(told, code=code, retry_after=wait)
        return AccessRefused(
            told,
            code=code,
            hint=f"Check base_url and the credentials of connection {self._connection.name}.",
        )
