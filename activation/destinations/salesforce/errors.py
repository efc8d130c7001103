"""
What Salesforce's refusals mean: the one place where they are mapped.

Messages carry the call and the vendor's error code, never the vendor's text, which quotes values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus

import orjson

from activation.destinations.salesforce.transport import VENDOR
from activation.destinations.transport_errors import retry_after, unreadable
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    QuotaRefused,
    Throttled,
    Transient,
)

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


def garbled(call: str, *, applied: Applied = Applied.UNKNOWN) -> Transient:
    """Return the error for a success whose body is not what was asked for."""
    return unreadable(call, VENDOR, applied=applied)


@contextmanager
def nothing_applied() -> Iterator[None]:
    """Let trouble in the block be no doubt about rows: what it asks for writes none."""
    try:
        yield
    except Transient as error:
        raise error.with_applied(Applied.NO) from None


def refusal(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DestinationError:
    """Return what an answer outside 200 to 299 means (REST API Developer Guide, "Status Codes")."""
    code, text = first_error(status, body)
    told = f"{call} was refused with {status} {code}."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Throttled(told, code=code, retry_after=retry_after(headers, now))
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
        return Throttled(told, code=code)
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
