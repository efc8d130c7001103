"""
What Braze's refusals mean: the one place where they are mapped.

Braze has no error codes but sentences, which may quote values.  What is passed on as a code is
one of ours for a sentence that is known, or `HTTP_<status>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.transport_errors import retry_after
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    Throttled,
    Transient,
)

_LONGEST_WAIT = 86_400.0
# Smaller numbers cannot be a moment of this century: one connector says that it reads seconds.
_EPOCH = 1_000_000_000

_CODES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"max input length exceeded", "TOO_MANY_OBJECTS"),
        (r"max number of (external_ids|ids)", "TOO_MANY_OBJECTS"),
        (r"valid data must be provided", "NO_VALID_DATA"),
        (r"invalid api key", "INVALID_API_KEY"),
        (r"access denied", "ACCESS_DENIED"),
        (r"invalid url", "INVALID_URL"),
        (r"rate limit", "RATE_LIMITED"),
        (r"either an email address or a phone number", "EMAIL_AND_PHONE"),
    )
)

# "API errors", "Errors": a 502 fails before the server is reached, a 503 finds no room there.
_NOT_CARRIED_OUT = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE})


def message_of(body: bytes) -> str:
    """Return the message of an answer, or nothing."""
    document = document_of(body)
    message = document.get("message") if document is not None else None
    return message if isinstance(message, str) else ""


def document_of(body: bytes) -> dict[str, Any] | None:
    """Return the object that an answer is, or None."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def refusal(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DestinationError:
    """Return what an answer that is no acceptance means ("API errors and responses")."""
    message = message_of(body)
    code = next((c for known, c in _CODES if known.search(message)), f"HTTP_{status}")
    told = f"{call} was refused with {status} {code}."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(told, code=code, retry_after=wait_of(headers, now))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        applied = Applied.NO if status in _NOT_CARRIED_OUT else Applied.UNKNOWN
        return Transient(told, code=code, applied=applied, retry_after=wait_of(headers, now))
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessRefused(
            told,
            code=code,
            hint="Check the API key, and that base_url is the host of the key's own instance.",
        )
    if status == HTTPStatus.FORBIDDEN:
        return AccessRefused(
            told, code=code, hint="Give the API key the permission that the endpoint asks for."
        )
    if status == HTTPStatus.NOT_FOUND or status < HTTPStatus.BAD_REQUEST:
        return AccessRefused(
            told, code=code, hint="base_url is not Braze's REST host: https://rest.<instance>..."
        )
    return BatchRefused(told, code=code)


def wait_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """
    Return the seconds after which requests are taken again, from 0 to a day.

    X-RateLimit-Reset is a moment in epoch seconds on the vendor's clock, which is told by Date.
    Retry-After and X-RateLimit-Retry-After are not documented for these endpoints; if one comes,
    it wins.
    """
    if (asked := retry_after(headers, now)) is not None:
        return asked
    if (asked := _number(headers.get("X-RateLimit-Retry-After"))) is not None:
        return min(asked, _LONGEST_WAIT)
    reset = _number(headers.get("X-RateLimit-Reset"))
    if reset is None:
        return None
    if reset >= _EPOCH:
        reset -= _vendor_time(headers, now)
    return min(max(reset, 0.0), _LONGEST_WAIT)


def _vendor_time(headers: Mapping[str, str], now: datetime) -> float:
    """Return the time there; Date is cut to the second, so that a wait is never too short."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError, OverflowError):
        return now.timestamp()


def _number(text: str | None) -> float | None:
    if text is None or re.fullmatch(r"\d{1,12}(\.\d{1,6})?", text.strip()) is None:
        return None
    return float(text)
