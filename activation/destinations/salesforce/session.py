"""Authenticated calls to one org, from as many threads as like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import requests

from activation.clock import Clock
from activation.destinations.base import Answer, Connection, QuotaReading
from activation.destinations.salesforce.auth import Tokens
from activation.destinations.salesforce.errors import refusal
from activation.destinations.salesforce.traits import API_VERSION
from activation.destinations.salesforce.transport import (
    VENDOR,
    address_of,
    instance_url,
    open_org_session,
)
from activation.destinations.transport import Reply, SessionPool, exchange
from activation.errors import ConfigurationError

_USAGE = re.compile(r"(?<![\w-])api-usage=(\d{1,15})/(\d{1,15})")
_JSON = "application/json"
# A socket takes 0 for "do not wait" and raises something else.
_LEAST_SECONDS = 0.001
_VERSION = re.compile(r"\d{2,3}\.0")


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str] | None
    data: bytes | None
    content_type: str
    deadline: float

    @property
    def label(self) -> str:
        """Return what errors call it: without its parameters, which hold sync keys."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Deadline:
    """When several calls must be through together."""

    clock: Clock
    at: float

    @property
    def left(self) -> float:
        """Return the seconds that are left, at the least a little."""
        return max(self.at - self.clock.monotonic(), _LEAST_SECONDS)


class Session:
    """
    Make calls through simple-salesforce's client.

    Only the token and the last quota reading are shared by its threads; each is one reference,
    replaced as a whole.
    """

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._address = address_of(connection)
        self._version = connection.api_version or API_VERSION
        if _VERSION.fullmatch(self._version) is None:
            raise ConfigurationError(
                f"api_version of connection {connection.name} is not a Salesforce version.",
                hint=f"Write it as '{API_VERSION}'.",
                connection=connection.name,
            )
        self._clock = clock
        self._tokens = Tokens(connection, self._address, clock)
        self._pool = SessionPool(lambda: open_org_session(self._address))
        self.quota: QuotaReading | None = None
        """What the last answer that spoke of it said; an estimate, it jumps up and down."""

    @property
    def root(self) -> str:
        """Return the path below which all calls go."""
        return f"/services/data/v{self._version}/"

    def call(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """
        Call `path`, below the API root, and return an answer from 200 to 299.

        Raises what `reply` raises.
        """
        reply = self.reply(method, path, seconds=seconds, params=params, data=data)
        return Answer(reply.status, reply.body, _quota_in(reply))

    def reply(  # noqa: PLR0913 - the parts of a call
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = _JSON,
    ) -> Reply:
        """
        Call `path`, below the API root, and return what came back with a status from 200 to 299.

        A token that was dropped (401) is replaced once; nothing was carried out until then.

        Raises:
            Transient, BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        deadline = self._clock.monotonic() + seconds
        call = _Call(method, path, params, data, content_type, deadline)
        token = self._tokens.current(seconds)
        with self._pool.lease() as http:
            reply = self._make(call, http, token)
            if reply.status == HTTPStatus.UNAUTHORIZED:
                token = self._tokens.renew(token, deadline - self._clock.monotonic())
                reply = self._make(call, http, token)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return reply
        now = self._clock.now()
        raise refusal(call.label, reply.status, reply.headers, reply.body, now=now)

    def deadline(self, seconds: float) -> Deadline:
        """Return the end of a span of several calls."""
        return Deadline(self._clock, self._clock.monotonic() + seconds)

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _make(self, call: _Call, http: requests.Session, token: str) -> Reply:
        from simple_salesforce.api import Salesforce

        # Its restful() would hide the status, the headers and the raw body of an answer, and its
        # exceptions hide Retry-After; so the client's own session, address and headers are used.
        client = Salesforce(
            session_id=token,
            instance_url=instance_url(self._address),
            version=self._version,
            session=http,
        )
        # It asks for indented answers, which only cost.
        headers = {k: v for k, v in client.headers.items() if k != "X-PrettyPrint"}
        headers["Content-Type"] = call.content_type
        reply = exchange(
            client.session,
            call.method,
            f"{client.base_url}{call.path}",
            vendor=VENDOR,
            call=call.label,
            seconds=max(call.deadline - self._clock.monotonic(), _LEAST_SECONDS),
            clock=self._clock,
            headers=headers,
            params=call.params,
            data=call.data,
        )
        self.quota = _quota_in(reply) or self.quota
        return reply


def _quota_in(reply: Reply) -> QuotaReading | None:
    """Return what `Sforce-Limit-Info: api-usage=18/15000` says; refusals carry it too."""
    match = _USAGE.search(reply.headers.get("Sforce-Limit-Info", ""))
    return QuotaReading(used=int(match[1]), limit=int(match[2])) if match else None
