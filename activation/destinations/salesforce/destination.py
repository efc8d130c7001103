"""Salesforce: the parts put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pyarrow as pa

from activation.clock import Clock, SystemClock
from activation.contract.model import FieldMapping
from activation.destinations.base import (
    Connection,
    Grant,
    JobEndpoint,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RequestEndpoint,
    Target,
)
from activation.destinations.salesforce.bulk.endpoint import BulkJobs
from activation.destinations.salesforce.bulk.traits import INSERT, UPSERT
from activation.destinations.salesforce.by_id import Members, Removals, Updates
from activation.destinations.salesforce.collections import Collections
from activation.destinations.salesforce.describe import describe
from activation.destinations.salesforce.names import check_object
from activation.destinations.salesforce.permissions import preflight
from activation.destinations.salesforce.readback import read_back
from activation.destinations.salesforce.session import Session
from activation.destinations.salesforce.traits import MEMBER, OBJECT
from activation.destinations.traits import ObjectTraits
from activation.errors import ConfigurationError, DestinationError

_LIMITS_SECONDS = 30.0
_MOST_IN_COLLECTIONS = 2_000
"""
Salesforce's own advice: above that many records, Bulk API 2.0 (limits cheat sheet, Bulk).
Up to there they are 10 calls, about what one job takes, so that a job saves none.
"""
_MEMBERS = frozenset({"CampaignMember"})
"""Objects whose records say once and for all whom they link."""


class Salesforce:
    """One Salesforce org, written through sObject Collections, read through SOQL."""

    system = "salesforce"

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        """
        Take the connection; nothing is sent before the first call.

        Raises:
            ConfigurationError: the address or the API version cannot be used.
        """
        self._connection = connection
        self._session = Session(connection, clock or SystemClock())
        self._endpoints: tuple[RequestEndpoint | JobEndpoint, ...] = (
            Collections(self._session),
            BulkJobs(self._session, UPSERT),
            BulkJobs(self._session, INSERT),
            Updates(self._session),
            Removals(self._session),
        )
        self._of_members: tuple[RequestEndpoint, ...] = (
            Members(self._session),
            Updates(self._session, relinks=False),
            Removals(self._session),
        )
        self._asked_for_limits = False

    def object_traits(self, object_name: str) -> ObjectTraits:
        """Return what Salesforce does with the records of an object."""
        return MEMBER if check_object(object_name) in _MEMBERS else OBJECT

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint | JobEndpoint:
        """
        Return collections for up to 2,000 rows and a job for more.

        Raises:
            ConfigurationError: there is none for the target's verb.
        """
        job = rows > _MOST_IN_COLLECTIONS
        known = [e for e in self._endpoints_of(target) if target.verb in e.traits.verbs]
        known.sort(key=lambda e: isinstance(e, JobEndpoint) is not job)
        return self._first(target, known)

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint | JobEndpoint:
        """
        Return the endpoint of that name.

        Raises:
            ConfigurationError: there is none for the target's verb.
        """
        known = [
            e
            for e in self._endpoints_of(target)
            if target.verb in e.traits.verbs and e.traits.name == name
        ]
        return self._first(target, known)

    def _endpoints_of(self, target: Target) -> Sequence[RequestEndpoint | JobEndpoint]:
        return self._of_members if target.object in _MEMBERS else self._endpoints

    def _first(
        self, target: Target, known: Sequence[RequestEndpoint | JobEndpoint]
    ) -> RequestEndpoint | JobEndpoint:
        if known:
            return known[0]
        raise ConfigurationError(
            f"Salesforce has no such endpoint that can {target.verb} {target.object}.",
            hint="Choose a mode in the contract that Salesforce offers.",
            object=target.object,
        )

    def describe(self, object_name: str) -> ObjectSchema:
        """
        Return the object's fields as the running user sees them.

        Raises ConfigurationError if there is no such object, or the user may not see it.
        """
        return describe(self._session, self._connection.name, object_name)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        return read_back(self._session, target, keys)

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield the records whose field `by` has one of these values, with the key they have."""
        wanted = replace(target, key=by, fields=(_text_field(target.key),))
        for page in read_back(self._session, wanted, values):
            rows = page.rows
            yield Match(
                pa.table(
                    {
                        "value": rows["sync_key"],
                        "destination_id": rows["destination_id"],
                        "sync_key": rows[target.key],
                    }
                ),
                page.requests,
            )

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return what the running user may do of what is needed, and what it may beyond that."""
        return preflight(self._session, target)

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


def _text_field(name: str) -> FieldMapping:
    """Return a field to be read as text, whatever it is mapped from."""
    return FieldMapping.model_validate(
        {"to": name, "column": name, "type": "text(255)", "nulls": "keep", "data_class": "none"}
    )


def _daily_requests(body: bytes) -> QuotaReading | None:
    """Read DailyApiRequests of the limits resource, which says what is left, not what is used."""
    try:
        limits: Any = orjson.loads(body)
        daily = limits["DailyApiRequests"]
        return QuotaReading(used=int(daily["Max"] - daily["Remaining"]), limit=int(daily["Max"]))
    except (ValueError, KeyError, TypeError):
        return None
