"""The endpoints over /users/track: attributes of profiles, and custom events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.braze import encode
from activation.destinations.braze.billing import billed
from activation.destinations.braze.decode import is_indexed, tracked
from activation.destinations.braze.names import check_target
from activation.destinations.braze.session import Session
from activation.destinations.braze.traits import EVENTS, TRACK
from activation.destinations.traits import Traits

_PATH = "/users/track"


class Track:
    """Attributes of profiles; a profile that is not there is created."""

    traits: Traits = TRACK
    array = "attributes"

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 75 rows; the same rows give the same bytes."""
        check_target(target)
        encode.check_count(rows, self.traits.batch_rows)
        return encode.attributes(target, rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Hand a payload over that `encode` made, and return the answer.

        A refusal that names the bad rows is an answer too: Braze refuses the request if all of
        its rows are bad.  May be called from several threads at once.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            AccessRefused: key, permission or host.
        """
        check_target(target)
        answer = self._session.write(_PATH, payload, seconds=seconds, keeps=_names_rows)
        objects: list[dict[str, Any]] = orjson.loads(payload)[self.array]
        results = tracked(answer, [""] * len(objects), self.array)
        return replace(answer, billed=billed(self.array, objects, results))

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a row that was accepted is queued, not applied."""
        return tracked(answer, keys, self.array)


class Events(Track):
    """Custom events; each one that is sent is kept, a repeated one too."""

    traits: Traits = EVENTS
    array = "events"

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 75 rows; the same rows give the same bytes."""
        check_target(target)
        encode.check_count(rows, self.traits.batch_rows)
        return encode.events(target, rows)


def _names_rows(status: int, body: bytes) -> bool:
    return status == HTTPStatus.BAD_REQUEST and is_indexed(body)
