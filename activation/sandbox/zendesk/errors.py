"""
Zendesk's refusals, of a whole call and of a single row, and how its answers look.

Shapes and texts follow recorded answers and the API's published description.
Where no source is known the comment says so.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

JSON = "application/json; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"


def json_answer(content: object, status: int = 200) -> Response:
    """Return a JSON answer as Zendesk labels it."""
    answer = Response(orjson.dumps(content), status)
    answer.headers["Content-Type"] = JSON
    return answer


class CallRefused(Exception):  # noqa: N818 - the vendor's refusal, never an error of ours
    """The whole call is refused; nothing is written."""

    def __init__(
        self, status: int, content: object, *, text: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(str(content))
        self.status = status
        self.content = content
        self.text = text
        self.retry_after = retry_after

    def answer(self) -> Response:
        """Return it as an answer."""
        if self.text:
            answer = Response(str(self.content).encode(), self.status)
            answer.headers["Content-Type"] = TEXT
        else:
            answer = json_answer(self.content, self.status)
        if self.retry_after is not None:
            answer.headers["Retry-After"] = str(max(1, round(self.retry_after)))
        answer.headers["Cache-Control"] = "no-cache"
        return answer


class RowRefused(Exception):  # noqa: N818
    """One record is refused; its neighbours in a job are not concerned."""

    def __init__(self, field: str, text: str, *, error: str | None = None) -> None:
        super().__init__(text)
        self.field = field
        self.text = text
        self.error = error

    def as_call(self) -> CallRefused:
        """Return the same refusal as the answer to a call about one record: 422, recorded."""
        detail: dict[str, Any] = {"description": self.text}
        if self.error is not None:
            detail["error"] = self.error
        body = {
            "error": "RecordInvalid",
            "description": "Record validation errors",
            "details": {self.field: [detail]},
        }
        return CallRefused(422, body)


def error(status: int, code: str, description: str, **more: Any) -> CallRefused:
    """Return a refusal in the form that most have."""
    return CallRefused(status, {"error": code, "description": description, **more})


def not_found() -> CallRefused:
    """Return the 404 of a record that is not there."""
    return error(404, "RecordNotFound", "Not found")


def no_such_page() -> CallRefused:
    """Return the 404 of a path that is none."""
    return error(404, "InvalidEndpoint", "Not found")


def unauthenticated() -> CallRefused:
    """Return the 401 of a call without credentials, or with a wrong password or API token."""
    return CallRefused(401, {"error": "Couldn't authenticate you"})


def invalid_token() -> CallRefused:
    """Return the 401 of an access token that is unknown, expired or revoked."""
    return CallRefused(
        401,
        {
            "error": "invalid_token",
            "error_description": "The access token provided is expired, revoked, malformed or "
            "invalid for other reasons.",
        },
    )


def missing_scope(scope: str) -> CallRefused:
    """Return the 403 of a token without the scope; its text is from general knowledge."""
    text = f"You are missing the following required scopes: {scope}"
    return error(403, "Forbidden", text)


def imports_disabled() -> CallRefused:
    """Return the 403 of a bulk import that Zendesk Support has not enabled."""
    # The status is documented; the body is as another project restates it.
    return CallRefused(403, {"error": "Forbidden", "message": "Data imports are not enabled"})


def shared_user() -> CallRefused:
    """Return the 403 of an update of a user that another account shares."""
    return error(403, "Forbidden", "Shared users cannot be updated")


def unreadable() -> CallRefused:
    """Return the 422 of a body that is not JSON; from general knowledge."""
    return CallRefused(
        422, {"error": "Unprocessable Entity", "message": "Server could not parse JSON"}
    )


def invalid_attribute(name: str, what: str) -> CallRefused:
    """Return the 400 of a body or parameter that is not what the call needs."""
    # From general knowledge.
    title = "Invalid attribute"
    message = f"You passed an invalid value for the {name} attribute. {what}"
    return CallRefused(400, {"error": {"title": title, "message": message}})


def too_many_values(name: str, most: int, status: int) -> CallRefused:
    """Return the refusal of more records than one call takes; its status is not known."""
    text = f"Parameter {name} cannot specify more than {most} values"
    return error(status, "TooManyValues", text, max_count=most)
