"""From the system a connection names to the destination that speaks to it."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from activation.clock import Clock
from activation.destinations.base import Connection, Destination
from activation.errors import ConfigurationError


def _salesforce(connection: Connection, clock: Clock | None) -> Destination:
    from activation.destinations.salesforce.destination import Salesforce

    return Salesforce(connection, clock)


def _braze(connection: Connection, clock: Clock | None) -> Destination:
    from activation.destinations.braze.destination import Braze

    return Braze(connection, clock)


def _hubspot(connection: Connection, clock: Clock | None) -> Destination:
    from activation.destinations.hubspot.destination import HubSpot

    return HubSpot(connection, clock)


def _zendesk(connection: Connection, clock: Clock | None) -> Destination:
    from activation.destinations.zendesk.destination import Zendesk

    return Zendesk(connection, clock)


# Each imports its adapter when called, so that a vendor's client costs only those who use it.
_SYSTEMS: dict[str, Callable[[Connection, Clock | None], Destination]] = {
    "braze": _braze,
    "hubspot": _hubspot,
    "salesforce": _salesforce,
    "zendesk": _zendesk,
}


def systems() -> tuple[str, ...]:
    """Return the systems that can be written to."""
    return tuple(sorted(_SYSTEMS))


def open_destination(connection: Connection, clock: Clock | None = None) -> Destination:
    """
    Return the destination of a connection; nothing is sent by it yet.

    Raises:
        ConfigurationError: the system is not known, or the connection cannot be used with it.
    """
    open_system = _SYSTEMS.get(connection.system)
    if open_system is None:
        nearest = get_close_matches(connection.system, _SYSTEMS, n=1)
        known = ", ".join(systems())
        raise ConfigurationError(
            f"Connection {connection.name} names the system {connection.system!r}, "
            "which is not known.",
            hint=f"Did you mean {nearest[0]}?" if nearest else f"Known systems: {known}.",
            connection=connection.name,
        )
    return open_system(connection, clock)
