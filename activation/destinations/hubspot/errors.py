"""
What HubSpot's refusals mean: the one place where they are mapped.

Messages carry the call and HubSpot's category or code, never its text, which quotes values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from activation.destinations.hubspot.traits import BURST_SECONDS, SEARCH_SECONDS, VENDOR
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

INVALID_VALUES = "Property values were not valid: "
"""What stands before a list, in JSON, of the values that a row was refused for."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,79}")
_SCOPE = re.compile(r"[a-z][a-z0-9_.-]{0,79}")
_INTERVAL = "X-HubSpot-RateLimit-Interval-Milliseconds"
# "Error handling": locked for two seconds; while an account is moved Retry-After says how long.
_PASSING = {423: 2.0, 477: 1.0}
# Cloudflare's own: it never reached HubSpot. 520 and 524 may have.
_NEVER_REACHED = frozenset({503, 521, 522, 523, 525, 526})


def garbled(call: str, *, applied: Applied = Applied.UNKNOWN) -> Transient:
    """Return the error for a success whose body is not what was asked for."""
    return unreadable(call, VENDOR, applied=applied)


def document_of(body: bytes) -> dict[str, Any]:
    """Return the object that a body is, or an empty one."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}


def refusal(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DestinationError:
    """Return what an answer outside 200 to 299 means ("Error handling", "Usage guidelines")."""
    document = document_of(body)
    code = code_of(document) or f"HTTP_{status}"
    told = f"{call} was refused with {status} {code}."
    wait = retry_after(headers, now)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _too_many(told, document, headers, wait)
    if (least := _PASSING.get(status)) is not None:
        return Transient(told, code=code, retry_after=max(wait or 0.0, least))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        applied = Applied.NO if status in _NEVER_REACHED else Applied.UNKNOWN
        return Transient(told, code=code, applied=applied, retry_after=wait)
    hint = None
    if status == HTTPStatus.UNAUTHORIZED:
        hint = "Check the token of the connection; it may have been rotated."
    elif status == HTTPStatus.FORBIDDEN:
        scopes = ", ".join(_scopes(document))
        hint = f"Give the app one of the scopes {scopes}." if scopes else "Give the app access."
    return (
        BatchRefused(told, code=code) if hint is None else AccessRefused(told, code=code, hint=hint)
    )


def _too_many(
    told: str, document: Mapping[str, Any], headers: Mapping[str, str], wait: float | None
) -> DestinationError:
    """
    Tell the day's limit from those that pass.

    The vendor's own client compares the policies in upper case; a page prints them in lower case.
    """
    policy = str(document.get("policyName") or "").upper()
    message = str(document.get("message") or "").lower()
    if policy == "DAILY" or (not policy and "daily" in message):
        return QuotaRefused(
            told,
            code="DAILY",
            hint="The day begins anew at midnight of the account's time zone.",
        )
    if policy:
        code = policy if _CODE.fullmatch(policy) else "RATE_LIMIT"
        return Throttled(told, code=code, retry_after=wait or _interval(headers))
    # Searches have a limit of their own, a body of their own, and no headers.
    secondly = SEARCH_SECONDS if "secondly" in message else _interval(headers)
    return Throttled(told, code="RATE_LIMITS", retry_after=wait or secondly)


def _interval(headers: Mapping[str, str]) -> float:
    """Return the length of the window, which is when all of it is free again."""
    text = headers.get(_INTERVAL, "")
    return int(text) / 1000 if re.fullmatch(r"\d{1,7}", text) else BURST_SECONDS


def code_of(error: Mapping[str, Any]) -> str | None:
    """Return the code of the first wrong value, or the category, if it looks like one."""
    for detail in details(error):
        if code := code_in(detail.get("code") or detail.get("error")):
            return code
    return code_in(error.get("category")) or code_in(error.get("errorType"))


def details(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what an error says in particular, in its list or inside its message."""
    listed = error.get("errors")
    yield from (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    message = error.get("message")
    if isinstance(message, str) and message.startswith(INVALID_VALUES):
        try:
            inside = orjson.loads(message.removeprefix(INVALID_VALUES))
        except orjson.JSONDecodeError:
            return
        if isinstance(inside, list):
            yield from (one for one in inside if isinstance(one, dict))


def code_in(value: object) -> str | None:
    """Return the value if it looks like one of HubSpot's codes."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None


def _scopes(document: Mapping[str, Any]) -> list[str]:
    """Return the scopes of which the token lacks all."""
    found: list[str] = []
    for detail in details(document):
        context = detail.get("context")
        scopes = context.get("requiredGranularScopes") if isinstance(context, dict) else None
        found += scopes if isinstance(scopes, list) else []
    return [s for s in found if isinstance(s, str) and _SCOPE.fullmatch(s)]
