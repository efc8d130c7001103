"""
HubSpot's refusals, of a whole call and of a single row.

Shapes follow the published API description, texts the vendor's documentation and recorded answers.
Where the text is only known from others, or not at all, the comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

PORTAL = 20858001
"""The account's number, which some messages carry."""
Context = Mapping[str, list[str]]


class CallRefused(Exception):  # noqa: N818 - the vendor's refusal, never an error of ours
    """The whole call is refused; nothing is written."""

    def __init__(self, status: int, message: str, category: str, **more: Any) -> None:
        """Keep the parts of the body; `more` are further members, such as `context`."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.category = category
        self.more = more

    def body(self, correlation: str) -> dict[str, Any]:
        """Return the body, with the id that the header carries too."""
        return {
            "status": "error",
            "message": self.message,
            "correlationId": correlation,
            **self.more,
            "category": self.category,
        }


class LimitReached(CallRefused):
    """One of the limits is used up; these bodies have another shape."""

    def __init__(self, policy: str) -> None:
        """Name the policy as HubSpot does."""
        super().__init__(429, f"You have reached your {policy.lower()} limit.", "RATE_LIMITS")
        self.policy = policy

    def body(self, correlation: str) -> dict[str, Any]:
        """Return the body, without a category."""
        return {
            "status": "error",
            "message": self.message,
            "errorType": "RATE_LIMIT",
            "correlationId": correlation,
            "policyName": self.policy,
            "requestId": correlation.replace("-", ""),
        }


@dataclass(frozen=True, slots=True)
class Invalid:
    """A value that a property does not take."""

    code: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class RowRefused:
    """One row is refused."""

    message: str
    category: str = "VALIDATION_ERROR"
    errors: tuple[Mapping[str, Any], ...] = ()
    context: Context | None = None

    def as_call(self, status: int = 400) -> CallRefused:
        """Return the same refusal as the answer to the whole call."""
        more: dict[str, Any] = {}
        if self.context:
            more["context"] = self.context
        if self.errors:
            more["errors"] = list(self.errors)
        return CallRefused(status, self.message, self.category, **more)

    def entry(self, context: Context) -> dict[str, Any]:
        """Return its entry in the errors of a batch."""
        return {
            "status": "error",
            "category": self.category,
            "message": self.message,
            "context": {**(self.context or {}), **context},
            "errors": list(self.errors),
            "links": {},
        }


def invalid_values(found: Sequence[Invalid]) -> RowRefused:
    """Return the refusal of values; the message holds JSON, as HubSpot writes it."""
    listed = [
        {"isValid": False, "message": one.message, "error": one.code, "name": one.name}
        for one in found
    ]
    return RowRefused(
        f"Property values were not valid: {orjson.dumps(listed).decode()}",
        errors=tuple(
            {"message": one.message, "code": one.code, "context": {"propertyName": [one.name]}}
            for one in found
        ),
    )


def taken(object_name: str, property_name: str, value: str, on: str, by: str) -> RowRefused:
    """Return the refusal of a unique value that another record has."""
    return RowRefused(
        f"Cannot set PropertyValueCoordinates{{portalId={PORTAL}, "
        f"objectTypeId=ObjectTypeId{{legacyObjectType={object_name}}}, "
        f"propertyName={property_name}, value={value}}} on {on}. {by} already has that value."
    )


def invalid(message: str, **more: Any) -> CallRefused:
    """Return the 400 of a request that makes no sense."""
    return CallRefused(400, message, "VALIDATION_ERROR", **more)


def malformed_json(detail: str, column: int = 1) -> CallRefused:
    """Return the 400 of a body that is not what the call expects."""
    return invalid(f"Invalid input JSON on line 1, column {column}: {detail}")


def lacking(*fields: str) -> CallRefused:
    """Return the 400 of a body without fields that it needs."""
    named = ", ".join(fields)
    return invalid(
        f"Invalid input JSON on line 1, column 2. Some required fields were not set: [{named}]"
    )


def too_many(count: int, limit: int) -> CallRefused:
    """Return the 400 of a batch that is too large; the status is documented, the text is not."""
    return invalid(
        f"The maximum number of inputs supported in a batch request is {limit}: got {count}"
    )


def repeated(ids: Sequence[str]) -> CallRefused:
    """Return the 400 of a batch that names a record twice."""
    return invalid(
        f"Duplicate IDs found in batch input: [{', '.join(ids)}]. IDs must be unique",
        context={"ids": list(ids)},
    )


def not_unique(type_id: str, name: str) -> CallRefused:
    """Return the 400 of a match by a property that is not unique."""
    where = f" in portal {PORTAL}" if name == "hs_object_id" else ""
    return invalid(
        f"Unable to perform update/upsert by non-unique {type_id} property {name}{where}"
    )


def missing_record(identity: str, *, numeric: bool) -> CallRefused:
    """Return the 404 of a record that is not there."""
    if numeric:
        return CallRefused(404, "resource not found", "OBJECT_NOT_FOUND")
    return CallRefused(
        404,
        "Object not found.  objectId are usually numeric.",
        "OBJECT_NOT_FOUND",
        context={"id": [identity]},
    )


def missing_records(object_name: str) -> RowRefused:
    """Return the error that stands in a batch for the records that are not there."""
    return RowRefused(
        f"Could not get some {object_name} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        category="OBJECT_NOT_FOUND",
    )


def not_found(message: str = "resource not found") -> CallRefused:
    """Return the 404 of anything else that is not there."""
    return CallRefused(404, message, "OBJECT_NOT_FOUND")


def unauthenticated() -> CallRefused:
    """Return the 401 of a token that is unknown or revoked."""
    return CallRefused(
        401,
        "Authentication credentials not found. This API supports OAuth 2.0 authentication and you "
        "can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        "INVALID_AUTHENTICATION",
    )


def expired(seconds: int, at: str) -> CallRefused:
    """Return the 401 of an OAuth token that is too old; from general knowledge."""
    return CallRefused(
        401,
        f"The OAuth token used to make this call expired {seconds} second(s) ago.",
        "EXPIRED_AUTHENTICATION",
        context={"expire time": [at]},
    )


def missing_scopes(scopes: Sequence[str]) -> CallRefused:
    """Return the 403 of a token that lacks every one of these scopes."""
    return CallRefused(
        403,
        "This app hasn't been granted all required scopes to make this call. Read more about "
        "required scopes here: https://developers.hubspot.com/scopes.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
    )


def search_limit() -> CallRefused:
    """Return the 429 of too many searches in a second."""
    return CallRefused(429, "You have reached your secondly limit.", "RATE_LIMITS")


_PASSING = {
    423: ("This resource is locked. Try again later.", "RESOURCE_LOCKED"),
    477: ("This account is being migrated between hosting locations.", "MIGRATION_IN_PROGRESS"),
    500: ("internal error", "INTERNAL_ERROR"),
    502: ("Bad gateway", "INTERNAL_ERROR"),
    503: ("Service temporarily unavailable", "INTERNAL_ERROR"),
    504: ("Gateway timeout", "INTERNAL_ERROR"),
}


def with_status(status: int, message: str | None, category: str | None) -> CallRefused:
    """Return a refusal with that status; the statuses are documented, their texts are not."""
    text, usual = _PASSING.get(status, ("The request was refused", "VALIDATION_ERROR"))
    return CallRefused(status, message or text, category or usual)
