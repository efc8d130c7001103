"""How simple-salesforce writes an org's address, and what that asks of the transport."""

from __future__ import annotations

from typing import Any

import requests
from requests.adapters import HTTPAdapter

from activation.destinations.base import Connection
from activation.destinations.transport import Address, open_session

VENDOR = "Salesforce"
_LOGIN_HOSTS = dict.fromkeys(
    ("login.salesforce.com", "test.salesforce.com"), "is a login host, not the org"
)


def address_of(connection: Connection) -> Address:
    """Read a connection's base address; raise ConfigurationError if it cannot be used."""
    return Address.of(
        connection, example="https://<my-domain>.my.salesforce.com", refused=_LOGIN_HOSTS
    )


def instance_url(address: Address) -> str:
    """Return `https://host[:port]`, as the client writes it of a loopback host in the clear too."""
    return address.origin.replace("http://", "https://", 1)


class _PlainHttpAdapter(HTTPAdapter):
    """Speak plain HTTP to a loopback host, whose addresses simple-salesforce writes with https."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send the request to the same host and port without TLS."""
        request.url = f"http://{(request.url or '').removeprefix('https://')}"
        return super().send(request, *args, **kwargs)


def open_org_session(address: Address) -> requests.Session:
    """Return a session that talks to this org, by the address that the client makes of it."""
    adapter = _PlainHttpAdapter if address.plain else HTTPAdapter
    return open_session(address, origin=instance_url(address), adapter=adapter)
