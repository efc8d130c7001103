"""The endpoint that deletes profiles, which nothing brings back."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.braze import encode
from activation.destinations.braze.decode import deleted
from activation.destinations.braze.names import check_target
from activation.destinations.braze.session import Session
from activation.destinations.braze.traits import DELETE

_PATH = "/users/delete"


class Deletions:
    """Deletes profiles by external id; one that is not there is deleted already."""

    traits = DELETE

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 50 rows; the same rows give the same bytes."""
        check_target(target)
        encode.check_count(rows, self.traits.batch_rows)
        return encode.deletions(rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Hand a payload over that `encode` made; raises what `Track.send` raises."""
        check_target(target)
        return self._session.write(_PATH, payload, seconds=seconds)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a deletion that was accepted is queued, not done."""
        return deleted(answer, keys)
