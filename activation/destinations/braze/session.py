"""Authenticated calls to one Braze instance, from as many threads as like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import urlencode

from activation.clock import Clock, blocking_sleep
from activation.destinations.base import Answer, Connection
from activation.destinations.braze.auth import authorization
from activation.destinations.braze.errors import document_of, refusal, wait_of
from activation.destinations.braze.traits import VENDOR
from activation.destinations.transport import Address, Reply, SessionPool, exchange, open_session
from activation.destinations.transport_errors import unreadable
from activation.errors import ConfigurationError, DestinationError, Transient

_EXAMPLE = "https://rest.<instance>.braze.com"
_READ_SECONDS = 60.0
_READ_ATTEMPTS = 4
_FIRST_WAIT = 1.0
_NOBODY_THERE = frozenset({"NO_CONNECTION", "CONNECT_TIMEOUT"})
_ACCEPTED = frozenset({HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED})
Params: TypeAlias = Sequence[tuple[str, str]]
Keeps: TypeAlias = Callable[[int, bytes], bool]


class Session:
    """Make calls; threads share nothing but idle connections and the pace of reads."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        address = Address.of(connection, example=_EXAMPLE)
        if address.host.startswith("dashboard") and "braze" in address.host:
            raise ConfigurationError(
                f"base_url of connection {connection.name} is a dashboard, not a REST host.",
                hint=f"Write the instance's REST host: {_EXAMPLE}.",
                connection=connection.name,
            )
        self._origin = address.origin
        self._headers = {
            "Authorization": authorization(connection),
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        self._clock = clock
        self._sessions = SessionPool(lambda: open_session(address))
        self._pace = _Pace(clock)

    def write(
        self, path: str, payload: bytes, *, seconds: float, keeps: Keeps | None = None
    ) -> Answer:
        """
        Post a payload and return the acceptance, or another answer that `keeps` asks for.

        Raises:
            Transient, BatchRefused, AccessRefused: see `errors`; an acceptance that is not a JSON
                object is a doubt about the whole batch.
        """
        reply = self._exchange("POST", path, seconds=seconds, data=payload, params=())
        if reply.status in _ACCEPTED:
            if document_of(reply.body) is None:
                raise unreadable(f"POST {path}", VENDOR)
        elif keeps is None or not keeps(reply.status, reply.body):
            raise self._refusal("POST", path, reply)
        return Answer(reply.status, reply.body)

    def read(
        self, method: str, path: str, *, data: bytes | None = None, params: Params = ()
    ) -> tuple[bytes, Mapping[str, str], int]:
        """
        Make a call that writes nothing; return body, headers, and the requests that it took.

        Reads have no governor: they wait here where the vendor says that its limit is reached,
        and try again what was not answered.

        Raises:
            Transient, BatchRefused, AccessRefused: see `errors`.
        """
        wait = _FIRST_WAIT
        for attempt in range(1, _READ_ATTEMPTS + 1):
            self._pace.wait(path)
            try:
                reply = self._exchange(
                    method, path, seconds=_READ_SECONDS, data=data, params=params
                )
                self._pace.heard(path, reply)
                if reply.status in _ACCEPTED:
                    return reply.body, reply.headers, attempt
                raise self._refusal(method, path, reply)
            except Transient as error:
                if attempt == _READ_ATTEMPTS or error.code in _NOBODY_THERE:
                    raise
                blocking_sleep(self._clock, max(wait, error.retry_after or 0.0))
                wait *= 2
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        """Close the idle connections."""
        self._sessions.close()

    def _exchange(
        self, method: str, path: str, *, seconds: float, data: bytes | None, params: Params
    ) -> Reply:
        query = f"?{urlencode(params)}" if params else ""
        with self._sessions.lease() as http:
            return exchange(
                http,
                method,
                f"{self._origin}{path}{query}",
                vendor=VENDOR,
                # Without the query, which holds sync keys.
                call=f"{method} {path}",
                seconds=seconds,
                clock=self._clock,
                headers=self._headers,
                data=data,
            )

    def _refusal(self, method: str, path: str, reply: Reply) -> DestinationError:
        return refusal(
            f"{method} {path}", reply.status, reply.headers, reply.body, now=self._clock.now()
        )


class _Pace:
    """Keeps reads from running into a limit that their own answers tell of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: dict[str, datetime] = {}

    def wait(self, path: str) -> None:
        """Wait until the path takes requests again."""
        with self._lock:
            until = self._until.pop(path, None)
        if until is not None and (seconds := (until - self._clock.now()).total_seconds()) > 0:
            blocking_sleep(self._clock, seconds)

    def heard(self, path: str, reply: Reply) -> None:
        """Keep that the last request of a window was used."""
        if reply.headers.get("X-RateLimit-Remaining") != "0":
            return
        now = self._clock.now()
        if (seconds := wait_of(reply.headers, now)) is not None:
            with self._lock:
                self._until[path] = now + timedelta(seconds=seconds)
