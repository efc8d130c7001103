"""
Salesforce's refusals, of a whole call and of a single row.

A call's error carries `errorCode`, a row's `statusCode`; both come in arrays.
Codes and texts follow the REST API guide and recorded answers.
Where no source is known the comment says so.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from activation.sandbox.quirks import Quirks

EXTERNAL_ID_TEXT = "unknown_external_id_text"


def json_answer(content: object, status: int = 200) -> Response:
    """Return a JSON answer as Salesforce labels it."""
    return Response(orjson.dumps(content), status, media_type="application/json;charset=UTF-8")


class CallRefused(Exception):  # noqa: N818 - the vendor's refusal, never an error of ours
    """The whole call is refused; nothing is written."""

    def __init__(
        self, status: int, code: str, message: str, fields: list[str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def answer(self) -> Response:
        """Return the array body that every failed call has."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return json_answer([error], self.status)


class RowRefused(Exception):  # noqa: N818
    """One row is refused; its neighbours are not concerned."""

    def __init__(self, code: str, message: str, fields: list[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = fields or []

    def in_collection(self) -> dict[str, Any]:
        """Return the error as it stands in a collection's result."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}

    def as_call(self) -> CallRefused:
        """Return the same refusal as the answer to a call about one record."""
        status = 404 if self.code == "ENTITY_IS_DELETED" else 400
        return CallRefused(status, self.code, self.message, self.fields)


def not_found(message: str = "The requested resource does not exist") -> CallRefused:
    """Return the 404 of an unknown path, object or record."""
    return CallRefused(404, "NOT_FOUND", message)


def unknown_external_id(name: str, quirks: Quirks) -> CallRefused:
    """Return the 404 of an upsert by a field that is no external id."""
    if quirks.value(EXTERNAL_ID_TEXT) == "generic":
        return not_found()
    return not_found(f"Provided external ID field does not exist or is not accessible: {name}")


def no_such_column(column: str, sobject: str) -> CallRefused:
    """Return the 400 that one unknown field costs the whole call."""
    return CallRefused(
        400, "INVALID_FIELD", f"No such column '{column}' on sobject of type {sobject}"
    )


def undeserializable(kind: str, value: object) -> CallRefused:
    """Return the 400 of a value that is not of its field's JSON type; costs the whole call."""
    # Text from general knowledge, no source found.
    return CallRefused(
        400,
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from VALUE_STRING value {value}"
        " or request may be missing a required field at [line:1, column:1]",
    )


def malformed_json(detail: str) -> CallRefused:
    """Return the 400 of a body that is not what the call expects."""
    return CallRefused(400, "JSON_PARSER_ERROR", detail)


def session_expired() -> CallRefused:
    """Return the 401 of a token that is unknown, expired or revoked."""
    return CallRefused(401, "INVALID_SESSION_ID", "Session expired or invalid")


def limit_exceeded() -> CallRefused:
    """Return the 403 of the daily limit; it comes without Retry-After."""
    return CallRefused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def too_many_at_once() -> CallRefused:
    """Return the 403 of too many long calls under way."""
    # The code is documented, the text is from general knowledge.
    return CallRefused(
        403,
        "REQUEST_LIMIT_EXCEEDED",
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
    )


def unavailable() -> CallRefused:
    """Return the 503 of a server that is down."""
    return CallRefused(503, "SERVER_UNAVAILABLE", "Server Unavailable")


def server_error() -> CallRefused:
    """Return the 500 of a server that failed."""
    return CallRefused(
        500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId: 1"
    )


def rolled_back() -> RowRefused:
    """Return what befalls the healthy rows of an all-or-none call."""
    return RowRefused(
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "Record rolled back because not all records were valid and the request was using "
        "AllOrNone header",
    )


def not_writable(fields: list[str]) -> RowRefused:
    """Return the refusal of fields that the running user may not write."""
    return RowRefused(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Unable to create/update fields: {', '.join(fields)}. Please check the security settings"
        " of this field and verify that it is read/write for your profile or permission set.",
        fields,
    )


def required_missing(fields: list[str]) -> RowRefused:
    """Return the refusal of empty required fields."""
    return RowRefused(
        "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(fields)}]", fields
    )


def wrong_type(field: str, label: str, value: object) -> RowRefused:
    """Return the refusal of a value that is not of its field's type, where it costs one row."""
    # Seen by users of the API; not documented.
    text = f"{label}: value not of required type: {value}"
    return RowRefused("INVALID_TYPE_ON_FIELD_IN_RECORD", text, [field])
