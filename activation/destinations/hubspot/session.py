"""Authenticated calls to one account, from as many threads as like."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from activation.clock import Clock, blocking_sleep
from activation.destinations.base import Answer, Connection, QuotaReading
from activation.destinations.hubspot.account import Account, Paths
from activation.destinations.hubspot.auth import access_of
from activation.destinations.hubspot.errors import refusal
from activation.destinations.hubspot.pacing import Pacer
from activation.destinations.hubspot.traits import (
    BURST_SECONDS,
    SEARCH_SECONDS,
    SEARCHES,
    VENDOR,
)
from activation.destinations.transport import Address, Reply, SessionPool, exchange, open_session
from activation.errors import Applied, Transient

_READ_SECONDS = 60.0
_PATIENCE_SECONDS = 120.0
_FIRST_WAIT = 1.0
_NOBODY_THERE = frozenset({"NO_CONNECTION", "CONNECT_TIMEOUT"})
_JSON = "application/json"
_HEADER = "X-HubSpot-RateLimit-"
_NUMBER = re.compile(r"\d{1,15}")


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
        """Return what errors call it; no address holds a key."""
        return f"{self.method} {self.path}"

    @property
    def is_search(self) -> bool:
        """Tell whether it counts among the searches."""
        return self.path.startswith("/crm/") and self.path.endswith("/search")


class Session:
    """Make calls through HubSpot's client; the token, the pace and the last quota are shared."""

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
            pause: lets that many seconds pass, in the thread that reads.

        Raises:
            ConfigurationError: the address, the credentials or the account cannot be used.
        """
        self.clock = clock
        self.account = Account.of(connection)
        self.paths = Paths.of(connection)
        self._pause = pause or partial(blocking_sleep, clock)
        self._address = Address.of(connection, example="https://api.hubapi.com")
        self._access = access_of(connection, self._address, clock)
        self._pool = SessionPool(lambda: open_session(self._address))
        self._burst = Pacer(clock, self._pause, requests=self.account.burst, seconds=BURST_SECONDS)
        self._searches = Pacer(clock, self._pause, requests=SEARCHES, seconds=SEARCH_SECONDS)
        self.quota: QuotaReading | None = None
        """What the last answer that spoke of the day said; apps with OAuth are not told."""

    @property
    def oauth(self) -> bool:
        """Tell whether the token is one of OAuth."""
        return self._access.renewable

    def token(self, seconds: float) -> str:
        """Return the access token, for the call that tells what it may do."""
        return self._access.current(seconds)

    def call(  # noqa: PLR0913 - the parts of an HTTP request
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = _JSON,
    ) -> Answer:
        """
        Call an address and return an answer from 200 to 299.

        A token that was dropped (401) is replaced once if it can be; nothing was carried out
        until then.

        Raises:
            Transient, BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        deadline = self.clock.monotonic() + seconds
        call = _Call(method, path, params, data, content_type, deadline)
        token = self._access.current(seconds)
        reply = self._make(call, token)
        if reply.status == HTTPStatus.UNAUTHORIZED and self._access.renewable:
            token = self._access.renew(token, deadline - self.clock.monotonic())
            reply = self._make(call, token)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return Answer(reply.status, reply.body, _quota_in(reply))
        now = self.clock.now()
        raise refusal(call.label, reply.status, reply.headers, reply.body, now=now)

    def read(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> Answer:
        """
        Make a call that writes nothing, again if it was not answered, for two minutes at most.

        Raises:
            Transient: it was not answered in all that time.
            BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        deadline = self.clock.monotonic() + _PATIENCE_SECONDS
        wait = _FIRST_WAIT
        while True:
            try:
                return self.call(method, path, seconds=_READ_SECONDS, params=params, data=data)
            except Transient as error:
                pause = max(wait, error.retry_after or 0.0)
                late = self.clock.monotonic() + pause > deadline
                if late or error.code in _NOBODY_THERE:
                    raise
            self._pause(pause)
            wait *= 2

    def look_up(self, method: str, path: str, *, data: bytes, deadline: float) -> Answer:
        """
        Make a call that a write begins with: whatever becomes of it, nothing has been written.

        Raises:
            Transient, BatchRefused, QuotaRefused, AccessRefused: see `errors`.
        """
        seconds = deadline - self.clock.monotonic()
        if seconds <= 0:
            raise Transient(f"{method} {path}: no time was left for it.", code="TOO_LATE")
        try:
            return self.call(method, path, seconds=seconds, data=data)
        except Transient as error:
            raise error.with_applied(Applied.NO) from None

    def close(self) -> None:
        """Close the idle connections."""
        self._pool.close()

    def _make(self, call: _Call, token: str) -> Reply:
        from hubspot import HubSpot
        from hubspot.utils.requests.http_request_builder import Request

        # The client builds the request; its own send opens a connection each time, prints what
        # goes wrong, and knows no time-out. Its typed calls cost a hundred times as much.
        client = HubSpot(access_token=token, base_url=self._address.origin)
        options = {
            "method": call.method,
            "path": call.path,
            "qs": call.params,
            "headers": {"Content-Type": call.content_type},
        }
        request = Request(client.config, options)
        pacer = self._searches if call.is_search else self._burst
        pacer.begin()
        try:
            if call.deadline <= self.clock.monotonic():
                raise Transient(f"{call.label}: no time was left for it.", code="TOO_LATE")
            with self._pool.lease() as http:
                reply = exchange(
                    http,
                    call.method,
                    request.get_url(),
                    vendor=VENDOR,
                    call=call.label,
                    # A socket takes 0 for "do not wait" and raises something else.
                    seconds=max(call.deadline - self.clock.monotonic(), 0.001),
                    clock=self.clock,
                    headers=request.headers,
                    data=call.data,
                )
        finally:
            pacer.end()
        self._heard(reply)
        return reply

    def _heard(self, reply: Reply) -> None:
        """Keep what an answer tells of the limits; refusals tell of them too."""
        self.quota = _quota_in(reply) or self.quota
        most, interval = _told(reply, "Max"), _told(reply, "Interval-Milliseconds")
        if most and interval:
            self._burst.limit(most, interval / 1000)


def _quota_in(reply: Reply) -> QuotaReading | None:
    """Return the day's requests; HubSpot tells what is left of them."""
    limit, left = _told(reply, "Daily"), _told(reply, "Daily-Remaining")
    if limit is None or left is None:
        return None
    return QuotaReading(used=max(limit - left, 0), limit=limit)


def _told(reply: Reply, name: str) -> int | None:
    text = reply.headers.get(f"{_HEADER}{name}", "")
    return int(text) if _NUMBER.fullmatch(text) else None
