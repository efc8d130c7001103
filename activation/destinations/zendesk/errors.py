"""
What Zendesk's refusals mean: the one place where they are mapped.

Messages carry the call and the vendor's error code, never the vendor's text, which quotes values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

import orjson

from activation.destinations.transport_errors import retry_after, unreadable
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    Throttled,
    Transient,
)

VENDOR = "Zendesk"
IMPORTS_DISABLED = "IMPORTS_DISABLED"

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


def garbled(call: str, *, applied: Applied = Applied.UNKNOWN) -> Transient:
    """Return the error for a success whose body is not what was asked for."""
    return unreadable(call, VENDOR, applied=applied)


def refusal(
    call: str, status: int, headers: Mapping[str, str], body: bytes, *, now: datetime
) -> DestinationError:
    """Return what an answer outside 200 to 299 means."""
    code, text = first_error(status, body)
    told = f"{call} was refused with {status} {code}."
    wait = retry_after(headers, now)
    if status == HTTPStatus.CONFLICT:
        # Two requests met at one record; nobody has looked at this one.
        return Transient(told, code=code, retry_after=wait)
    if _too_many(status, wait):
        return Throttled(told, code=code, retry_after=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Transient(told, code=code, applied=Applied.UNKNOWN, retry_after=wait)
    if status == HTTPStatus.FORBIDDEN:
        return _forbidden(call, told, code, text)
    hint = None
    if status == HTTPStatus.UNAUTHORIZED:
        hint = "Check the credentials; API tokens end on 30 April 2027, OAuth clients do not."
    elif HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        hint = "Zendesk points elsewhere; check base_url of the connection."
    return AccessRefused(told, code=code, hint=hint) if hint else BatchRefused(told, code=code)


def _too_many(status: int, wait: float | None) -> bool:
    """
    Tell whether a limit was met.

    429 is the account's minute, an endpoint's own limit, or too many jobs; 503 is one of these if
    it says when to come back.
    """
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return wait is not None
    return status == HTTPStatus.TOO_MANY_REQUESTS


def _forbidden(call: str, told: str, code: str, text: str) -> AccessRefused:
    many = call.endswith(("/users/create_many", "/users/create_or_update_many"))
    if many and "import" in text.lower():
        return AccessRefused(
            f"{call} was refused: data imports are not enabled for the account.",
            code=IMPORTS_DISABLED,
            hint="Ask Zendesk Support to enable them, or write `imports: disabled` below "
            "`account:` of the connection; users then travel one a second.",
        )
    hint = "Give the token's scopes, or the role of its user, what they lack."
    if many:
        hint += " Data imports that are not enabled are refused in the same way."
    return AccessRefused(told, code=code, hint=hint)


def first_error(status: int, body: bytes) -> tuple[str, str]:
    """
    Return the error code and text of a body.

    The code is `HTTP_<status>` where the body holds none, as in Zendesk's plain texts.
    A code that does not look like one is not passed on, because it may hold a value.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return f"HTTP_{status}", body[:500].decode("utf-8", "replace")
    if not isinstance(parsed, dict):
        return f"HTTP_{status}", ""
    error = parsed.get("error")
    several = parsed.get("errors")
    if isinstance(error, dict):
        # Such as a refusal of a page that the user may not see: a title and a message.
        found, text = error.get("title"), error.get("message")
    elif isinstance(several, list) and several and isinstance(several[0], dict):
        found, text = several[0].get("code"), several[0].get("title")
    else:
        found = error
        text = next(
            (
                parsed[name]
                for name in ("description", "message", "error_description")
                if isinstance(parsed.get(name), str)
            ),
            "",
        )
    return code_in(found) or f"HTTP_{status}", text if isinstance(text, str) else ""


def code_in(value: object) -> str | None:
    """Return the value if it looks like one of Zendesk's error codes."""
    return value if isinstance(value, str) and _CODE.fullmatch(value) else None
