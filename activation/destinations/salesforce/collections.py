"""The endpoint for up to some thousand rows: sObject Collections, 200 rows a request."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.salesforce.decode import decode
from activation.destinations.salesforce.encode import encode
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.names import check_target
from activation.destinations.salesforce.session import Session
from activation.destinations.salesforce.traits import TRAITS


class Collections:
    """Upserts by external id."""

    traits = TRAITS

    def __init__(self, session: Session) -> None:
        """Send through that session."""
        self._session = session

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the request body for at most 200 rows; the same rows give the same bytes."""
        return encode(target, rows)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Upsert a payload that `encode` made, and return the answer.

        May be called from several threads at once.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            QuotaRefused: the org's requests of the last 24 hours are used up.
            AccessRefused: credentials or permission.
        """
        check_target(target)
        path = f"composite/sobjects/{target.object}/{target.key}"
        answer = self._session.call("PATCH", path, seconds=seconds, data=payload)
        # Read here as well as in decode, because only here is a broken answer a doubt about the
        # whole batch; it costs a tenth of a millisecond.
        try:
            results = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            results = None
        if not isinstance(results, list):
            raise garbled(f"PATCH {path}")
        return answer

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; only a row whose success names its record was delivered."""
        return decode(answer, keys)
