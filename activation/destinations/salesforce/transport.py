"""One HTTP exchange: where it may go, how long it may take, and nothing the machine adds to it."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from activation.clock import Clock
from activation.destinations.base import Connection
from activation.destinations.salesforce.errors import TRANSPORT_ERRORS, lost, timed_out
from activation.errors import ConfigurationError

_CONNECT_SECONDS = 10.0
_CHUNK = 65_536
_LOGIN_HOSTS = ("login.salesforce.com", "test.salesforce.com")


@dataclass(frozen=True, slots=True)
class Address:
    """Where the org is. Nothing is ever sent anywhere else."""

    origin: str
    """`https://host[:port]`, also for a loopback host that speaks plain HTTP: see `plain`."""
    plain: bool

    @classmethod
    def of(cls, connection: Connection) -> Self:
        """Read a connection's base address; raise ConfigurationError if it cannot be used."""
        try:
            parts = urlsplit(connection.base_url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        reason = None
        if parts.scheme not in ("http", "https") or not host or ":" in host:
            reason = "is not https://host"
        elif parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
            reason = "holds more than a host and a port"
        elif parts.scheme == "http" and not _is_loopback(host):
            reason = "is not https; a token may travel in the clear on this machine only"
        elif host in _LOGIN_HOSTS:
            reason = "is a login host, not the org"
        if reason is not None:
            raise ConfigurationError(
                f"base_url of connection {connection.name} {reason}.",
                hint="Write the org's own address: https://<my-domain>.my.salesforce.com.",
                connection=connection.name,
            )
        plain = parts.scheme == "http"
        # simple-salesforce leaves out the port 443, so addresses are kept the way it writes them.
        suffix = "" if port in (None, 443) else f":{port}"
        return cls(origin=f"https://{host}{suffix}", plain=plain)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _PlainHttpAdapter(HTTPAdapter):
    """Speak plain HTTP to a loopback host, whose addresses simple-salesforce writes with https."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send the request to the same host and port without TLS."""
        request.url = f"http://{(request.url or '').removeprefix('https://')}"
        return super().send(request, *args, **kwargs)


def open_session(address: Address) -> requests.Session:
    """
    Return a session that talks to this address.

    It keeps no cookies, repeats nothing, and has no way to speak plain HTTP off this machine.
    """
    session = requests.Session()
    # A .netrc entry would replace the Authorization header. Of the environment, proxies and
    # certificates are taken, once, here.
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.adapters.clear()
    # `max_retries` is 0 unless told otherwise: urllib3 sends nothing twice.
    adapter = _PlainHttpAdapter if address.plain else HTTPAdapter
    session.mount(f"{address.origin}/", adapter(pool_connections=1, pool_maxsize=1))
    if not address.plain:
        session.proxies.update(get_environ_proxies(address.origin))
        session.verify = (
            os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        )
    return session


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
                    raise timed_out(call)
            return Reply(response.status_code, response.headers, bytes(body))
    except TRANSPORT_ERRORS as error:
        # The cause quotes the address, and a query's address holds sync keys: it is not chained.
        raise lost(error, call) from None
