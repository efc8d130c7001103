"""What Braze's answers say of each row; a row they do not vouch for was not accepted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.braze.errors import document_of
from activation.destinations.unvouched import unvouched

_LONGEST_TEXT = 500
_SUCCESS = "success"
_QUEUED = "queued"
"""With status 202, in maintenance: taken, and not begun yet."""
_ACCEPTED = RowResult()
"""Braze tells neither the profile's own id, nor whether it was there before."""

_ENUM = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
_FIELD = re.compile(r"^The value provided for the '([^']{1,255})' field")
_PERMANENT: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"is not a valid email|EMAIL_BAD_FORMAT", "INVALID_EMAIL"),
        (r"is not a valid phone", "INVALID_PHONE"),
        (r"^The value provided for the '", "INVALID_VALUE"),
        (r"external_id.*(fewer than|too large)|EXTERNAL_USER_ID_TOO_LARGE", "KEY_TOO_LONG"),
        (r"black ?list|block ?list", "BLOCKED_KEY"),
        (r"'external_id'.* is required", "NO_IDENTIFIER"),
        (r" is required| must be | is invalid| is not valid", "INVALID_OBJECT"),
    )
)
"""
Sentences after which the row must change first, and our codes for them.

Others may pass later, also those that nobody has told us of: a row that is tried once too often
costs a request, a row that is given up too early is lost until somebody looks.
"""


def tracked(answer: Answer, keys: Sequence[str], array: str) -> tuple[RowResult, ...]:
    """
    Return one result a key of a /users/track answer about objects in that array.

    A row was accepted only if the request was, no error names the row's place, every error names
    some place, and the number of accepted objects, where it is told, is that of the other rows.
    Never raises: an answer that does not fit vouches for no row, and each gets a RETRYABLE error.
    """
    count = len(keys)
    document = document_of(answer.body)
    if document is None:
        return (unvouched("the answer is not a JSON object"),) * count
    errors = document.get("errors", [])
    if not isinstance(errors, list):
        return (unvouched("the answer's errors are not a list"),) * count
    placed = _placed(errors, array, count)
    if placed is None:
        return (unvouched("an error of the answer names no row"),) * count
    rest = _rest(answer.status, document, array, count - len(placed))
    return tuple(RowResult(error=placed[i]) if i in placed else rest for i in range(count))


def _placed(errors: Sequence[Any], array: str, count: int) -> dict[int, RowError] | None:
    """Return the errors by place; None if one has no place among the rows."""
    placed: dict[int, RowError] = {}
    for error in errors:
        place = error.get("index") if isinstance(error, dict) else None
        # A boolean is an int to Python.
        if type(place) is not int or not 0 <= place < count:
            return None
        # Bulk answers leave the array out.
        if error.get("input_array", array) != array:
            return None
        found = _error(error)
        # One lasting reason is enough for the row to fail again.
        if place not in placed or found.fate is Fate.PERMANENT:
            placed[place] = found
    return placed


def _rest(status: int, document: Mapping[str, Any], array: str, count: int) -> RowResult:
    """Return the result of the rows that no error names."""
    message = document.get("message")
    if status == HTTPStatus.BAD_REQUEST:
        # Nothing of a refused request was taken; without the bad rows it may be.
        text = "the request was refused for other rows of it"
        return RowResult(error=RowError("REFUSED_WITH_OTHERS", text, Fate.RETRYABLE))
    if message == _QUEUED and status == HTTPStatus.ACCEPTED and not document.get("errors"):
        return _ACCEPTED
    if message != _SUCCESS:
        return unvouched("the answer does not say that the request was accepted")
    processed = document.get(f"{array}_processed")
    if processed is not None and (type(processed) is not int or processed != count):
        return unvouched(f"the answer's number of accepted objects is not {count}")
    return _ACCEPTED


def deleted(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key of a /users/delete answer, which counts unknown ids too.

    Never raises; see `tracked`.
    """
    document = document_of(answer.body) or {}
    number = document.get("deleted")
    sound = document.get("message") == _SUCCESS and not document.get("errors")
    if sound and type(number) is int and number == len(keys):
        return (_ACCEPTED,) * len(keys)
    text = f"the answer does not say that {len(keys)} profiles are to be deleted"
    return (unvouched(text),) * len(keys)


def subscribed(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key of a /v2/subscription/status/set answer, which tells all or nothing.

    Never raises; see `tracked`.
    """
    document = document_of(answer.body) or {}
    if document.get("message") == _SUCCESS and not document.get("errors"):
        return (_ACCEPTED,) * len(keys)
    return (unvouched("the answer does not say that the request was accepted"),) * len(keys)


def is_indexed(body: bytes) -> bool:
    """Tell whether a refusal says which rows were bad, so that the others need not suffer."""
    document = document_of(body)
    errors = document.get("errors") if document else None
    if not isinstance(errors, list) or not errors:
        return False
    return all(isinstance(e, dict) and type(e.get("index")) is int for e in errors)


def _error(error: Mapping[str, Any]) -> RowError:
    told = error.get("type")
    text = told if isinstance(told, str) else ""
    known = next((code for pattern, code in _PERMANENT if pattern.search(text)), None)
    code = text if _ENUM.fullmatch(text) and len(text) <= 80 else known or "ROW_REFUSED"  # noqa: PLR2004
    field = _FIELD.match(text)
    return RowError(
        code=code,
        text=text[:_LONGEST_TEXT],
        fate=Fate.PERMANENT if known else Fate.RETRYABLE,
        fields=(field[1],) if field else (),
    )
