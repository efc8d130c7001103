"""HubSpot: the parts put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from activation.clock import Clock, SystemClock
from activation.destinations.base import (
    Connection,
    Grant,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RequestEndpoint,
    Target,
)
from activation.destinations.hubspot.describe import describe
from activation.destinations.hubspot.errors import document_of
from activation.destinations.hubspot.find import find
from activation.destinations.hubspot.memberships import Memberships
from activation.destinations.hubspot.names import CONTACTS, Kind, check_target, read_object
from activation.destinations.hubspot.preflight import preflight
from activation.destinations.hubspot.readback import read_back
from activation.destinations.hubspot.records import Creates, Updates, Upserts
from activation.destinations.hubspot.removals import Archive, Erasure
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.subscriptions import Subscriptions
from activation.destinations.hubspot.traits import MEMBERS, RECORDS, STATUSES
from activation.destinations.traits import ObjectTraits, Verb
from activation.errors import ConfigurationError, DestinationError

_USAGE_SECONDS = 30.0
_OBJECTS = {Kind.RECORDS: RECORDS, Kind.LIST: MEMBERS, Kind.SUBSCRIPTION: STATUSES}
_RECORDS: dict[Verb, Callable[[Session, str], RequestEndpoint]] = {
    Verb.UPSERT: Upserts,
    Verb.UPDATE: Updates,
    Verb.CREATE: Creates,
    Verb.REMOVE: Archive,
    Verb.ERASE: Erasure,
}


class HubSpot:
    """One HubSpot account, written through batch calls, read by key and by list."""

    system = "hubspot"

    def __init__(
        self,
        connection: Connection,
        clock: Clock | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> None:
        """
        Take the connection; nothing is sent before the first call.

        `pause` lets seconds pass, in a thread that reads and has to wait.

        Raises:
            ConfigurationError: the address, the credentials or the account cannot be used.
        """
        self._connection = connection
        self._session = Session(connection, clock or SystemClock(), pause)
        self._asked_for_usage = False

    def object_traits(self, object_name: str) -> ObjectTraits:
        """Return what HubSpot does with records, members of a list, or subscriptions."""
        return _OBJECTS[read_object(object_name).kind]

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint:  # noqa: ARG002
        """
        Return the endpoint for the target's verb, whatever the rows.

        Raises:
            ConfigurationError: there is none.
        """
        named = check_target(target)
        made: RequestEndpoint | None = None
        if named.kind is Kind.LIST:
            made = Memberships(self._session, target.key)
        elif named.kind is Kind.SUBSCRIPTION:
            made = Subscriptions(self._session)
        elif target.verb is not Verb.ERASE or named.name == CONTACTS:
            # Only contacts can be erased for good.
            made = _RECORDS[target.verb](self._session, target.key)
        if made is None or target.verb not in made.traits.verbs:
            raise ConfigurationError(
                f"HubSpot cannot {target.verb} {target.object}.",
                hint="Choose a mode in the contract that HubSpot offers.",
                object=target.object,
            )
        return made

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint:
        """
        Return the endpoint of that name.

        Raises:
            ConfigurationError: there is none for the target's verb.
        """
        endpoint = self.endpoint(target, rows=1)
        if endpoint.traits.name != name:
            raise ConfigurationError(
                f"HubSpot has no endpoint {name} that can {target.verb} {target.object}.",
                hint="Make a new plan.",
                object=target.object,
            )
        return endpoint

    def describe(self, object_name: str) -> ObjectSchema:
        """Return the object's fields; raises what `describe.describe` raises."""
        return describe(self._session, self._connection.name, object_name)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        return read_back(self._session, target, keys)

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield the records whose property `by` has one of these values, with their keys."""
        return find(self._session, target, by, values)

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return what the token may do of what is needed, and what it may beyond it."""
        return preflight(self._session, self._connection, target)

    def quota(self) -> QuotaReading | None:
        """
        Return what the account last said of its day.

        Asks once if no answer has said so yet; None if it would not tell, or if the token is
        one of OAuth, for which there is no day.
        """
        if self._session.quota is None and not self._asked_for_usage and not self._session.oauth:
            self._asked_for_usage = True
            # Whoever sends next hears of the trouble with its cause.
            with suppress(DestinationError):
                answer = self._session.call(
                    "GET", self._session.paths.usage(), seconds=_USAGE_SECONDS
                )
                self._session.quota = self._session.quota or _usage(answer.body)
        return self._session.quota

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()


def _usage(body: bytes) -> QuotaReading | None:
    """Return the day's requests of private apps."""
    results: Any = document_of(body).get("results")
    try:
        (entry,) = (one for one in results if one["name"] == "private-apps-api-calls-daily")
        return QuotaReading(used=int(entry["currentUsage"]), limit=int(entry["usageLimit"]))
    except (ValueError, KeyError, TypeError):
        return None
