"""Braze: the parts put together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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
from activation.destinations.braze.deletions import Deletions
from activation.destinations.braze.describe import describe
from activation.destinations.braze.names import Kind, check_target, read_object
from activation.destinations.braze.preflight import preflight
from activation.destinations.braze.readback import find, read_back
from activation.destinations.braze.session import Session
from activation.destinations.braze.subscriptions import Subscriptions
from activation.destinations.braze.track import Events, Track
from activation.destinations.braze.traits import EVENT, GROUP, USER
from activation.destinations.traits import ObjectTraits
from activation.errors import ConfigurationError

_OBJECTS = {Kind.USERS: USER, Kind.EVENTS: EVENT, Kind.GROUP: GROUP}


class Braze:
    """One workspace of one Braze instance."""

    system = "braze"

    def __init__(self, connection: Connection, clock: Clock | None = None) -> None:
        """
        Take the connection; nothing is sent before the first call.

        Raises:
            ConfigurationError: the address or the API key cannot be used.
        """
        self._session = Session(connection, clock or SystemClock())
        self._endpoints: dict[Kind, tuple[RequestEndpoint, ...]] = {
            Kind.USERS: (Track(self._session), Deletions(self._session)),
            Kind.EVENTS: (Events(self._session),),
            Kind.GROUP: (Subscriptions(self._session),),
        }

    def object_traits(self, object_name: str) -> ObjectTraits:
        """Return what Braze does with profiles, events, or members of a group."""
        return _OBJECTS[read_object(object_name).kind]

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint:  # noqa: ARG002
        """
        Return the endpoint for the target's verb, whatever the rows.

        Raises:
            ConfigurationError: there is none.
        """
        for endpoint in self._endpoints[check_target(target).kind]:
            if target.verb in endpoint.traits.verbs:
                return endpoint
        raise ConfigurationError(
            f"Braze cannot {target.verb} {target.object}.",
            hint="Choose a mode in the contract that Braze offers.",
            object=target.object,
        )

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint:
        """
        Return the endpoint of that name.

        Raises:
            ConfigurationError: there is none for the target's verb.
        """
        endpoint = self.endpoint(target, rows=1)
        if endpoint.traits.name != name:
            raise ConfigurationError(
                f"Braze has no endpoint {name} that can {target.verb} {target.object}.",
                hint="Make a new plan.",
                object=target.object,
            )
        return endpoint

    def describe(self, object_name: str) -> ObjectSchema:
        """Return the object's fields; raises what `describe.describe` raises."""
        return describe(self._session, object_name)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys; raises ConfigurationError if `keys` is None."""
        return read_back(self._session, target, keys)

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield the profiles with one of these e-mail addresses or phone numbers."""
        return find(self._session, target, by, values)

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return what the API key may do of what is needed, and beyond it."""
        return preflight(self._session, check_target(target), target.verb)

    def quota(self) -> QuotaReading | None:
        """Return None: Braze limits requests by the second, minute and hour, not by the day."""
        return None

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()
