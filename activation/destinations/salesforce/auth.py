"""
How a connection gets its access token.

The client's own login is not used: it writes its address into the code, its refresh can repeat
without end, and each client object would log in for itself.
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus

import orjson

from activation.clock import Clock
from activation.destinations.base import Connection
from activation.destinations.salesforce.errors import first_error, garbled
from activation.destinations.salesforce.transport import VENDOR, instance_url
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

_PATH = "/services/oauth2/token"
_CALL = f"POST {_PATH}"
# A few minutes is the longest life that Salesforce takes for an assertion; clocks differ.
_ASSERTION_SECONDS = 120
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_TOKEN = re.compile(r"[\x21-\x7e]+")


class Tokens(SharedToken):
    """
    The access token of one org.

    Credentials are `client_id` and `client_secret` (OAuth client credentials), or `client_id`,
    `username` and `private_key` (JWT bearer; `audience` if it is not the org's own address).
    """

    def __init__(self, connection: Connection, address: Address, clock: Clock) -> None:
        super().__init__(self._ask, _CALL)
        self._connection = connection
        self._address = address
        self._clock = clock

    def _ask(self, seconds: float) -> str:
        form, authorization = self._grant()
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
                    headers={"Accept": "application/json", **authorization},
                    data=form,
                )
            except Transient as error:
                # Asking for a token writes no row, so a lost answer to it is no doubt about one.
                raise error.with_applied(Applied.NO) from None
        return self._token_in(reply)

    def _grant(self) -> tuple[dict[str, str], dict[str, str]]:
        given = self._connection.credentials
        if given.get("private_key"):
            self._need("client_id", "username")
            return {"grant_type": _JWT_BEARER, "assertion": self._assertion()}, {}
        self._need("client_id", "client_secret")
        # Not by requests' own `auth`, which fails on what is not Latin-1, and shows it.
        pair = f"{given['client_id']}:{given['client_secret']}"
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return {"grant_type": "client_credentials"}, {"Authorization": basic}

    def _need(self, *names: str) -> None:
        missing = [name for name in names if not self._connection.credentials.get(name)]
        if missing:
            raise ConfigurationError(
                f"Connection {self._connection.name} has no {missing[0]} among its credentials.",
                hint="Give client_id and client_secret, or client_id, username and private_key.",
                connection=self._connection.name,
            )

    def _assertion(self) -> str:
        # Loads cryptography, which few connections need.
        import jwt

        given = self._connection.credentials
        claims = {
            "iss": given["client_id"],
            "sub": given["username"],
            # The generic login hosts are refused for external client apps since Spring '26.
            "aud": given.get("audience") or instance_url(self._address),
            "exp": int(self._clock.now().timestamp()) + _ASSERTION_SECONDS,
        }
        # An environment variable on one line writes its line ends as \n.
        key = given["private_key"].replace("\\n", "\n")
        try:
            return jwt.encode(claims, key, algorithm="RS256")
        except (ValueError, TypeError, jwt.PyJWTError):
            raise ConfigurationError(
                f"private_key of connection {self._connection.name} is not an RSA key in PEM.",
                hint="Give the whole key, from its BEGIN line to its END line.",
                connection=self._connection.name,
            ) from None

    def _token_in(self, reply: Reply) -> str:
        if reply.status == HTTPStatus.OK:
            try:
                answer = orjson.loads(reply.body)
            except orjson.JSONDecodeError:
                answer = None
            # Its instance_url is not followed: the connection's address decides where rows go.
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
            hint=f"Check base_url and the credentials of connection {self._connection.name}.",
        )
