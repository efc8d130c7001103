"""One HTTP exchange: where it may go, how long it may take, and nothing the machine adds to it."""

from __future__ import annotations

import ipaddress
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from activation.clock import Clock
from activation.destinations.base import Connection
from activation.destinations.transport_errors import TRANSPORT_ERRORS, lost, timed_out
from activation.errors import ConfigurationError

_CONNECT_SECONDS = 10.0
_CHUNK = 65_536
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the account is. Nothing is ever sent anywhere else."""

    scheme: str
    """`http` only for a loopback host."""
    host: str
    port: int | None
    """None where it is the scheme's own."""

    @classmethod
    def of(
        cls, connection: Connection, *, example: str, refused: Mapping[str, str] | None = None
    ) -> Self:
        """
        Read a connection's base address.

        Args:
            connection: whose it is.
            example: an address as the vendor's accounts have it, for the message.
            refused: hosts that are not an account, and what is wrong with each.

        Raises:
            ConfigurationError: it cannot be used.
        """
        try:
            parts = urlsplit(connection.base_url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        reason = None
        if parts.scheme not in _DEFAULT_PORTS or not host or ":" in host:
            reason = "is not https://host"
        elif parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            reason = "holds more than a host and a port"
        elif parts.scheme == "http" and not _is_loopback(host):
            reason = "is not https; a token may travel in the clear on this machine only"
        elif refused and host in refused:
            reason = refused[host]
        if reason is not None:
            raise ConfigurationError(
                f"base_url of connection {connection.name} {reason}.",
                hint=f"Write the account's own address: {example}.",
                connection=connection.name,
            )
        return cls(parts.scheme, host, None if port == _DEFAULT_PORTS[parts.scheme] else port)

    @property
    def plain(self) -> bool:
        """Return whether it is spoken to without TLS."""
        return self.scheme == "http"

    @property
    def origin(self) -> str:
        """Return `https://host[:port]`, or `http://` for this machine."""
        return f"{self.scheme}://{self.host}{'' if self.port is None else f':{self.port}'}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_session(
    address: Address,
    *,
    origin: str | None = None,
    adapter: type[HTTPAdapter] = HTTPAdapter,
) -> requests.Session:
    """
    Return a session that talks to this address.

    It keeps no cookies, repeats nothing, and has no way to speak plain HTTP off this machine.
    `origin` and `adapter` are for a client that writes the address in another way.
    """
    session = requests.Session()
    # A .netrc entry would replace the Authorization header. Of the environment, proxies and
    # certificates are taken, once, here.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    # `max_retries` is 0 unless told otherwise: urllib3 sends nothing twice.
    mounted = adapter(pool_connections=1, pool_maxsize=1)
    session.mount(f"{origin or address.origin}/", mounted)
    if not address.plain:
        session.proxies.update(get_environ_proxies(address.origin))
        session.verify = (
            os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        )
    return session


class SessionPool:
    """
    Sessions for as many threads as like.

    A requests session serves one thread at a time: a call takes one from the idle ones and puts
    it back, and deque's append and pop are atomic.
    """

    def __init__(self, opened: Callable[[], requests.Session]) -> None:
        self._opened = opened
        self._idle: deque[requests.Session] = deque()

    @contextmanager
    def lease(self) -> Iterator[requests.Session]:
        """Hand out an idle session, or a new one, for the length of the block."""
        try:
            session = self._idle.pop()
        except IndexError:
            session = self._opened()
        try:
            yield session
        finally:
            self._idle.append(session)

    def close(self) -> None:
        """Close the idle sessions."""
        while self._idle:
            self._idle.pop().close()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(  # noqa: PLR0913 - the parts of an HTTP request
    session: requests.Session,
    method: str,
    url: str,
    *,
    vendor: str,
    call: str,
    seconds: float,
    clock: Clock,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, str] | None = None,
    data: bytes | Mapping[str, str] | None = None,
) -> Reply:
    """
    Send one request and read the whole answer.

    A body that trickles in is given up when `seconds` have passed; one that stops half-way may
    take as long again, because the socket only knows how long it has been silent.
    `vendor` and `call` are what errors say; neither holds a value.

    Raises:
        Transient: no connection, a broken one, or no answer in time.
        AccessRefused: the host's certificate is not trusted.
    """
    deadline = clock.monotonic() + seconds
    timeout = urllib3.Timeout(total=seconds, connect=min(_CONNECT_SECONDS, seconds))
    body = bytearray()
    try:
        with session.request(
            method,
            url,
            params=params,
            data=data,
            headers=headers,
            timeout=timeout,  # type: ignore[arg-type]  # the stubs do not know urllib3's Timeout
            allow_redirects=False,
            stream=True,
        ) as response:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if clock.monotonic() > deadline:
                    raise timed_out(call, vendor)
            return Reply(response.status_code, response.headers, bytes(body))
    except TRANSPORT_ERRORS as error:
        # The cause quotes the address, and a query's address holds sync keys: it is not chained.
        raise lost(error, call, vendor) from None
