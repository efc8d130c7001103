"""Authenticated calls to one account, from as many threads as like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

from activation.clock import Clock, blocking_sleep
from activation.destinations.base import Connection
from activation.destinations.transport import Address, Reply, SessionPool, exchange, open_session
from activation.destinations.zendesk.account import Account
from activation.destinations.zendesk.auth import access_of
from activation.destinations.zendesk.errors import VENDOR, refusal
from activation.errors import Transient

ROOT = "/api/v2/"
_PATIENCE_SECONDS = 120.0
_LONGEST_READ = 60.0


class Session:
    """Make calls over plain HTTP."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """
        Take the connection; nothing is sent before the first call.

        Args:
            connection: whose account it is.
            clock: what tells the time.
            pause: lets that many seconds pass while an answer is waited for.

        Raises:
            ConfigurationError: the address or the account's settings cannot be used.
        """
        self.clock = clock
        self.pause = pause or partial(blocking_sleep, clock)
        self.account = Account.of(connection)
        self._address = Address.of(connection, example="https://<subdomain>.zendesk.com")
        self._access = access_of(connection, self._address, clock, self.account.scope)
        self._pool = SessionPool(lambda: open_session(self._address))

    @property
    def origin(self) -> str:
        """Return the account's own address."""
        return self._address.origin

    def call(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        accept: frozenset[int] = frozenset(),
        label: str | None = None,
    ) -> Reply:
        """
        Call `path`, below the API root, and return an answer from 200 to 299, or in `accept`.

        A token that was dropped (401) is replaced once; nothing was carried out until then.
        `label` stands in errors for a path that holds an id.

        Raises:
            Transient, BatchRefused, AccessRefused: see `errors`.
        """
        deadline = self.clock.monotonic() + seconds
        told = f"{method} {ROOT}{label or path}"
        header = self._access.current(seconds)
        headers = {"Accept": "application/json"}
        if data is not None:
            headers["Content-Type"] = "application/json"

        def make(authorization: str) -> Reply:
            return exchange(
                http,
                method,
                f"{self._address.origin}{ROOT}{path}",
                vendor=VENDOR,
                call=told,
                # A socket takes 0 for "do not wait" and raises something else.
                seconds=max(deadline - self.clock.monotonic(), 0.001),
                clock=self.clock,
                headers={**headers, "Authorization": authorization},
                params=params,
                data=data,
            )

        with self._pool.lease() as http:
            reply = make(header)
            if reply.status == HTTPStatus.UNAUTHORIZED and self._access.renewable:
                reply = make(self._access.renew(header, deadline - self.clock.monotonic()))
        fine = HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES
        if fine or reply.status in accept:
            return reply
        raise refusal(told, reply.status, reply.headers, reply.body, now=self.clock.now())

    def read(
        self, path: str, *, params: Mapping[str, str] | None = None, label: str | None = None
    ) -> Reply:
        """
        Read `path`, coming back later if Zendesk says so, for two minutes at most.

        Reads share the account's minute with everybody else, and are not paced by the engine.

        Raises:
            Transient: it did not answer in all that time.
            BatchRefused, AccessRefused: see `errors`.
        """
        deadline = self.clock.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return self.call("GET", path, seconds=_LONGEST_READ, params=params, label=label)
            except Transient as error:
                wait = error.retry_after
                left = deadline - self.clock.monotonic()
                if wait is None or wait > left:
                    raise
            self.pause(max(wait, 1.0))

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()
