"""
Braze's answers: a message, and beside it what was counted or refused.

Messages follow the error page of the API documentation, recorded answers, and mocks of other
projects.  Where none of them tells the words, the comment says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

CREATED = 201


def json_answer(content: Mapping[str, Any], status: int = CREATED) -> Response:
    """Return a JSON answer as Braze labels it."""
    return Response(orjson.dumps(content), status, media_type="application/json")


class Refused(Exception):  # noqa: N818 - the vendor's refusal, never an error of ours
    """The request as a whole is refused; nothing of it is queued."""

    def __init__(
        self, status: int, message: str, errors: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors or []

    def answer(self) -> Response:
        """Return the answer."""
        content: dict[str, Any] = {"message": self.message}
        if self.errors:
            content["errors"] = self.errors
        return json_answer(content, self.status)


def invalid_key() -> Refused:
    """Return the 401 of a key that is unknown here."""
    return Refused(401, "Invalid API Key")


def access_denied(status: int = 403) -> Refused:
    """Return the refusal of a key that lacks the endpoint's permission."""
    return Refused(status, "Access Denied" if status == 403 else "Invalid API Key")  # noqa: PLR2004


def invalid_url() -> Refused:
    """Return the 404 of a path that Braze does not have."""
    return Refused(404, "Invalid URL")


def bad_request(message: str = "Bad Request") -> Refused:
    """Return a 400."""
    return Refused(400, message)


def too_many_objects() -> Refused:
    """Return the 400 of a track request with more objects than it takes."""
    return bad_request("Max Input Length Exceeded")


def too_many_ids() -> Refused:
    """Return the 400 of more than 50 ids."""
    return bad_request("The max number of ids per request was exceeded")


def too_many_to_export() -> Refused:
    """Return the 400 of an export of more than 50 ids and aliases."""
    return bad_request("The max number of external_ids and aliases per request was exceeded")


def no_valid_data(errors: list[dict[str, Any]]) -> Refused:
    """Return the 400 of a track request in which no object is sound."""
    message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
    return Refused(400, message, errors)


def too_large() -> Refused:
    """Return the 413 of a body over 4 MB."""
    return Refused(413, "Request Entity Too Large")


def not_json() -> Refused:
    """Return the 415 of a body that does not say that it is JSON."""
    return Refused(415, "Unsupported Media Type")


def rate_limited() -> Refused:
    """Return the 429 of a window that is full."""
    return Refused(429, "Rate Limited")


def unavailable() -> Refused:
    """Return the 503 of a server without room for the request."""
    return Refused(503, "Service Unavailable")


def server_error() -> Refused:
    """Return a 500."""
    return Refused(500, "Internal Server Error")
