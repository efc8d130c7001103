"""What a handler gets of a request, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson
from starlette.datastructures import QueryParams

from activation.sandbox.faults import Fault
from activation.sandbox.hubspot.errors import malformed_json
from activation.sandbox.hubspot.tokens import Grant
from activation.sandbox.requests_log import Note


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request that was let in."""

    path: Mapping[str, str]
    query: QueryParams
    raw: bytes
    grant: Grant
    note: Note
    faults: Callable[[], list[Fault]]
    """Asks for the row faults that strike it, at most once."""

    def json(self) -> Any:
        """
        Return the body.

        Raises:
            CallRefused: it is not JSON.
        """
        try:
            return orjson.loads(self.raw)
        except orjson.JSONDecodeError as error:
            raise malformed_json("Unexpected character", error.pos + 1) from None

    def document(self) -> dict[str, Any]:
        """Return the body if it is a JSON object."""
        body = self.json()
        if not isinstance(body, dict):
            raise malformed_json("Cannot deserialize value from Array value")
        return body

    def array(self) -> list[Any]:
        """Return the body if it is a JSON array."""
        body = self.json()
        if not isinstance(body, list):
            raise malformed_json("Cannot deserialize value from Object value")
        return body


Outgoing: TypeAlias = tuple[int, Any]
"""Status and body; None is no body at all."""
Handler: TypeAlias = Callable[[Incoming], Outgoing]
Table: TypeAlias = list[tuple[str, dict[str, Handler]]]
