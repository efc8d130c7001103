"""
What a lost connection means, and when a vendor asks to be called again.

Messages carry the call and the vendor's name, never an address or a text that quotes values.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests
import urllib3

from activation.errors import AccessRefused, Applied, DestinationError, Transient

GARBLED = "GARBLED_ANSWER"
NO_CONNECTION = "NO_CONNECTION"

_LONGEST_RETRY_AFTER = 86_400.0

TRANSPORT_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""All that a request may raise; reading the body brings urllib3's own to the surface."""


def lost(error: Exception, call: str, vendor: str) -> DestinationError:
    """
    Return what a failure of the transport means.

    Only a connection that was never made proves that nothing was sent.
    """
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return AccessRefused(
            f"{call}: the certificate of the {vendor} host is not trusted.",
            code="TLS_CERTIFICATE",
            hint="Check base_url of the connection and the certificates of this machine.",
        )
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return Transient(f"{call}: {vendor} could not be reached.", code=NO_CONNECTION)
    if any(isinstance(cause, urllib3.exceptions.ConnectTimeoutError) for cause in causes):
        return Transient(f"{call}: no connection to {vendor} in time.", code="CONNECT_TIMEOUT")
    if any(isinstance(cause, urllib3.exceptions.ReadTimeoutError) for cause in causes):
        return timed_out(call, vendor)
    return Transient(
        f"{call}: the connection to {vendor} broke before the answer was complete.",
        code="CONNECTION_LOST",
        applied=Applied.UNKNOWN,
    )


def timed_out(call: str, vendor: str) -> Transient:
    """Return the error for an answer that did not come in time."""
    return Transient(
        f"{call}: {vendor} did not answer in time.", code="READ_TIMEOUT", applied=Applied.UNKNOWN
    )


def unreadable(call: str, vendor: str, *, applied: Applied = Applied.UNKNOWN) -> Transient:
    """Return the error for a success whose body is not what was asked for."""
    return Transient(f"{call}: {vendor}'s answer cannot be read.", code=GARBLED, applied=applied)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the header Retry-After asks for, from 0 to a day; None without it."""
    value = headers.get("Retry-After", "").strip()
    try:
        seconds = float(value) if value.isdigit() else _until(value, now)
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER)


def _until(date: str, now: datetime) -> float:
    moment = parsedate_to_datetime(date)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - now).total_seconds()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """
    Yield an exception and what is wrapped in it: requests keeps urllib3's in `args`.

    Not what was being handled at the time (`__context__`): that may be an earlier attempt's.
    """
    pending: list[object] = [error]
    seen: set[int] = set()
    while pending:
        current = pending.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        pending += [*current.args, current.__cause__]
        pending.append(getattr(current, "reason", None))
