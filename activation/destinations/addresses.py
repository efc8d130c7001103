"""Which addresses a connection may have."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

SANDBOX = "sandbox"
"""In place of an address: the sandbox on this machine."""


def unsafe(address: str) -> str | None:
    """Return what is wrong with an address, or None; never the address, which may hold a secret."""
    if address == SANDBOX:
        return None
    try:
        parts = urlsplit(address)
        known = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # such as a port that is none
        known = False
    if not known:
        return "is not an http or https address"
    if parts.username is not None or parts.password is not None:
        return "holds a user or password; credentials are only named, below `credentials`"
    if parts.query or parts.fragment:
        return "holds a ? or # part; leave it out"
    if parts.scheme == "http" and not is_local(address):
        return "begins with http, which is allowed only for this machine; write https"
    return None


def is_local(address: str) -> bool:
    """Tell whether an address can only mean this machine."""
    if address == SANDBOX:
        return True
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
