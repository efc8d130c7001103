"""
What Salesforce's refusals and lost connections mean: the one place where they are mapped.

Messages carry the call and the vendor's error code, never the vendor's text, which quotes values.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import orjson
import requests
import urllib3

from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    QuotaRefused,
    Transient,
)

GARBLED = "GARBLED_ANSWER"

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_LONGEST_RETRY_AFTER = 86_400.0


def lost(error: Exception, call: str) -> DestinationError:
    """
    Return what a failure of the transport means.

    Only a connection that was never made proves that nothing was sent.
    """
    causes = tuple(_causes(error))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return AccessRefused(
            f"{call}: the certificate of the Salesforce host is not trusted.",
            code="TLS_CERTIFICATE",
            hint="Check base_url of the connection and the certificates of this machine.",
        )
    if any(isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in causes):
        return Transient(f"{call}: Salesforce could not be reached.", code="NO_CONNECTION")
    if any(isinstance(cause, urllib3.exceptions.ConnectTimeoutError) for cause in causes):
        return Transient(f"{call}: no connection to Salesforce in time.", code="CONNECT_TIMEOUT")
    if any(isinstance(cause, urllib3.exceptions.ReadTimeoutError) for cause in causes):
        return timed_out(call)
    return Transient(
        f"{call}: the connection to Salesforce broke before the answer was complete.",
        code="CONNECTION_LOST",
        applied=Applied.UNKNOWN,
    )


def timed_out(call: str) -> Transient:
    """Return the error for an answer that did not come in time."""
    return Transient(
        f"{call}: Salesforce did not answer in time.", code="READ_TIMEOUT", applied=Applied.UNKNOWN
    )


def garbled(call: str, *, applied: Applied = Applied.UNKNOWN) -> Transient:
    """Return the error for a success whose body is not what was asked for."""
    return Transient(f"{call}: Salesforce's answer cannot be read.", code=GARBLED, applied=applied)


def refusal(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DestinationError:
    """Return what an answer outside 200 to 299 means (REST API Developer Guide, "Status Codes")."""
    code, text = first_error(status, body)
    told = f"{call} was refused with {status} {code}."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Transient(told, code=code, retry_after=retry_after(headers, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        turned_away = status == HTTPStatus.SERVICE_UNAVAILABLE and code == "SERVER_UNAVAILABLE"
        return Transient(
            told,
            code=code,
            applied=Applied.NO if turned_away else Applied.UNKNOWN,
            retry_after=retry_after(headers, now),
        )
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessRefused(
            told,
            code=code,
            hint="A fresh token was refused too; check the app's policies and its user.",
        )
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(told, code, text)
    return BatchRefused(told, code=code)


def _forbidden(told: str, code: str, text: str) -> DestinationError:
    if code != "REQUEST_LIMIT_EXCEEDED":
        return AccessRefused(
            told, code=code, hint="Give the integration user and its app what they lack."
        )
    if "concurrent" in text.lower():
        # Too many calls that run for 20 seconds and more; it passes when one of them ends.
        return Transient(told, code=code)
    return QuotaRefused(
        told,
        code=code,
        hint="The limit is over a rolling 24 hours; requests come back by the hour.",
    )


def first_error(status: int, body: bytes) -> tuple[str, str]:
    """
    Return the first error code and text of a body.

    The code is `HTTP_<status>` where the body holds none.
    A code that does not look like one is not passed on, because it may hold a value.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    entry = parsed[0] if isinstance(parsed, list) and parsed else parsed
    if not isinstance(entry, dict):
        return f"HTTP_{status}", ""
    code = entry.get("errorCode", entry.get("error"))
    text = entry.get("message")
    return code_in(code) or f"HTTP_{status}", text if isinstance(text, str) else ""


def code_in(value: object) -> str | None:
    """Return the value if it looks like one of Salesforce's error codes."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


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


TRANSPORT_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""All that a request may raise; reading the body brings urllib3's own to the surface."""
