"""One call, as the parts of the API see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import orjson
from starlette.datastructures import QueryParams
from starlette.responses import Response

from activation.sandbox.requests_log import Note
from activation.sandbox.zendesk.auth import Caller
from activation.sandbox.zendesk.errors import CallRefused, invalid_attribute, unreadable


@dataclass(slots=True)
class Call:
    """A call that was let in."""

    method: str
    path: str
    """Below `/api/v2/`, without `.json`."""
    ids: list[int]
    """The numbers in the path, in order."""
    query: QueryParams
    body: bytes
    note: Note
    caller: Caller
    limit: str | None = field(default=None)
    """The endpoint's own limit, whose header the answer gets."""

    def document(self) -> dict[str, Any]:
        """
        Return the body.

        Raises:
            CallRefused: it is not a JSON object.
        """
        try:
            content = orjson.loads(self.body or b"{}")
        except orjson.JSONDecodeError:
            raise unreadable() from None
        if not isinstance(content, dict):
            raise unreadable()
        return content

    def one(self, name: str) -> dict[str, Any]:
        """
        Return the one record in the body.

        Raises:
            CallRefused: there is none.
        """
        record = self.document().get(name)
        if not isinstance(record, dict):
            raise missing(name)
        self.note.rows = 1
        return record

    def listed(self, name: str) -> list[str]:
        """Return the values of a parameter, which are separated by commas."""
        return [part for part in self.query.get(name, "").split(",") if part]

    def whole(self, name: str, default: int) -> int:
        """
        Return a parameter that is a number.

        Raises:
            CallRefused: it is none.
        """
        text = self.query.get(name, str(default))
        if not text.isdecimal():
            raise invalid_attribute(name, f"Invalid parameter: {name} must be an integer")
        return int(text)


Handler: TypeAlias = Callable[[Call], Response]
Table: TypeAlias = Mapping[tuple[str, str], Handler]
"""By method and path, in which every number is `{}`."""


def missing(name: str) -> CallRefused:
    """Return the refusal of a body without what the call is about."""
    return invalid_attribute(name, f"Invalid parameter: {name} must be an object")
