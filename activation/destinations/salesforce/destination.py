"""Salesforce: the parts put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson
import pyarrow as pa

from activation.clock import Clock, SystemClock
from activation.destinations.base import (
    Answer,
    Connection,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RowResult,
    Target,
)
from activation.destinations.salesforce.decode import decode
from activation.destinations.salesforce.describe import describe
from activation.destinations.salesforce.encode import encode
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.names import check_target
from activation.destinations.salesforce.readback import read_back
from activation.destinations.salesforce.session import Session
from activation.destinations.salesforce.traits import TRAITS
from activation.errors import DestinationError

_LIMITS_SECONDS = 30.0


class Salesforce:
    """One Salesforce org, written through sObject Collections, read through SOQL."""

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        """
        Take the connection; nothing is sent before the first call.

        Raises:
            ConfigurationError: the address or the API version cannot be used.
        """
        self.traits = TRAITS
        self._connection = connection
        self._session = Session(connection, clock or SystemClock())
        self._asked_for_limits = False

    def describe(self, object_name: str) -> ObjectSchema:
        """
        Return the object's fields as the running user sees them.

        Raises ConfigurationError if there is no such object, or the user may not see it.
        """
        return describe(self._session, self._connection.name, object_name)

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

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        return read_back(self._session, target, keys)

    def quota(self) -> QuotaReading | None:
        """
        Return what the org last said of its requests in 24 hours.

        Asks it once if no answer has said so yet; None if it would not tell.
        """
        if self._session.quota is None and not self._asked_for_limits:
            self._asked_for_limits = True
            # Whoever sends next hears of the trouble with its cause.
            with suppress(DestinationError):
                answer = self._session.call("GET", "limits", seconds=_LIMITS_SECONDS)
                self._session.quota = self._session.quota or _daily_requests(answer.body)
        return self._session.quota

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _daily_requests(body: bytes) -> QuotaReading | None:
    """Read DailyApiRequests of the limits resource, which says what is left, not what is used."""
    try:
        limits: Any = orjson.loads(body)
        daily = limits["DailyApiRequests"]
        return QuotaReading(used=int(daily["Max"] - daily["Remaining"]), limit=int(daily["Max"]))
    except (ValueError, KeyError, TypeError):
        return None
