"""What a collections answer says of each row; a row it does not vouch for was not delivered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import orjson

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.salesforce.errors import code_in
from activation.destinations.unvouched import unvouched

LONGEST_TEXT = 500

_PERMANENT = frozenset(
    {
        "BAD_CUSTOM_ENTITY_PARENT_DOMAIN",
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "DELETE_FAILED",
        "DEPENDENCY_EXISTS",
        # Another record holds the value, or the key came twice in one request: either way the
        # same request fails again.
        "DUPLICATE_VALUE",
        "DUPLICATE_EXTERNAL_ID",
        "DUPLICATES_DETECTED",
        "ENTITY_IS_DELETED",
        "ENTITY_IS_LOCKED",
        "EXCEEDED_ID_LIMIT",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        "FIELD_INTEGRITY_EXCEPTION",
        "INACTIVE_OWNER_OR_USER",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "INSUFFICIENT_ACCESS_OR_READONLY",
        "INVALID_CROSS_REFERENCE_KEY",
        "INVALID_EMAIL_ADDRESS",
        "INVALID_FIELD",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_ID_FIELD",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "INVALID_TYPE",
        "INVALID_TYPE_ON_FIELD_IN_RECORD",
        "JSON_PARSER_ERROR",
        "MALFORMED_ID",
        # Ours too: an update of a record that is not there.
        "NOT_FOUND",
        "NUMBER_OUTSIDE_VALID_RANGE",
        "REQUIRED_FIELD_MISSING",
        "STRING_TOO_LONG",
    }
)
"""
Codes after which the row must change first.

All others may pass later, also those that nobody has told us of: a row that is tried once too
often costs a request, a row that is given up too early is lost until somebody looks.
STORAGE_LIMIT_EXCEEDED is among them, because the rows are sound and an administrator frees space.
"""

_NO_PARENT, _NO_PARENT_TEXT = "INVALID_FIELD", "Foreign key external ID"
"""How Salesforce says that no record has the key by which a row names its parent."""
_TRIGGER = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
# A trigger's failure says what failed only in its text. These come of what else is going on in
# the org, or of how many rows share the request; whatever else a trigger says is about the row.
_TRIGGER_PASSES = ("UNABLE_TO_LOCK_ROW", "Too many SOQL queries", "Apex CPU time limit exceeded")


def decode(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key, in the order of the keys sent.

    Never raises: an answer that cannot be read, or that has another number of results than rows
    were sent, vouches for no row, and each gets a RETRYABLE error.
    """
    return _each(answer, keys, _result)


def decode_removals(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key; a record that is not there any more was removed.

    Never raises, as `decode`.
    """
    return _each(answer, keys, _removal)


def _each(
    answer: Answer, keys: Sequence[str], read: Callable[[object], RowResult]
) -> tuple[RowResult, ...]:
    try:
        results = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return (unvouched("the answer is not JSON"),) * len(keys)
    if not isinstance(results, list):
        return (unvouched("the answer is not a list of results"),) * len(keys)
    if len(results) != len(keys):
        # Results have no key, only a place, and the places are off.
        text = f"the answer has {len(results)} results for {len(keys)} rows"
        return (unvouched(text),) * len(keys)
    return tuple(map(read, results))


def _removal(entry: object) -> RowResult:
    """Read one result of a removal; `absent` is our own word for a key without a record."""
    if isinstance(entry, dict) and entry.get("absent") is True:
        return RowResult()
    result = _result(entry)
    if result.error is not None and result.error.code == "ENTITY_IS_DELETED":
        return RowResult()
    return result


def _result(entry: object) -> RowResult:
    if not isinstance(entry, dict):
        return unvouched("the row's result is not an object")
    errors = entry.get("errors", [])
    if not isinstance(errors, list):
        return unvouched("the row's errors are not a list")
    if entry.get("success") is True and not errors:
        record_id = entry.get("id")
        if not isinstance(record_id, str) or not record_id:
            return unvouched("the row's success names no record")
        created = entry.get("created")
        return RowResult(
            destination_id=record_id, created=created if isinstance(created, bool) else None
        )
    told = [_error(error) for error in errors if isinstance(error, dict)]
    if not told:
        return unvouched("the row's result is neither a success nor an error")
    # One lasting reason is enough for the row to fail again.
    return RowResult(error=next((e for e in told if e.fate is Fate.PERMANENT), told[0]))


def _error(error: dict[str, Any]) -> RowError:
    # Collections say statusCode; single calls, and some stand-ins, errorCode.
    code = code_in(error.get("statusCode", error.get("errorCode"))) or "UNKNOWN"
    text = error.get("message")
    fields = error.get("fields")
    text = text if isinstance(text, str) else ""
    return RowError(
        code=code,
        text=text[:LONGEST_TEXT],
        fate=fate_of(code, text),
        fields=tuple(f for f in fields if isinstance(f, str)) if isinstance(fields, list) else (),
    )


def fate_of(code: str, text: str) -> Fate:
    """Return whether a row with this error may pass later as it is, or once its parent is there."""
    if code == _NO_PARENT and _NO_PARENT_TEXT in text:
        return Fate.LATER
    if code == _TRIGGER and not any(sign in text for sign in _TRIGGER_PASSES):
        return Fate.PERMANENT
    return Fate.PERMANENT if code in _PERMANENT else Fate.RETRYABLE
