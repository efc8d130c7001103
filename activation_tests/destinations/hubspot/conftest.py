from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.destinations.base import Connection
from activation.destinations.hubspot.auth import TOKEN_PATH
from activation.destinations.hubspot.destination import HubSpot
from activation_tests.destinations.scripted import Server, serving
from activation_tests.sync.project import LeapingClock

TOKEN = "pat-na1-s3cret"  # noqa: S105 - of a test


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a scripted server."""
    with serving(token_path=TOKEN_PATH) as running:
        yield running


@pytest.fixture
def clock() -> LeapingClock:
    """Return a clock that leaps over every wait."""
    return LeapingClock()


@pytest.fixture
def connection(server: Server) -> Connection:
    """Connect a private app to the scripted server."""
    return Connection("crm", "hubspot", server.address, {"access_token": TOKEN})


@pytest.fixture
def hubspot(connection: Connection, clock: LeapingClock) -> Iterator[HubSpot]:
    """Return the destination."""

    def pause(seconds: float) -> None:
        clock.waited += seconds

    destination = HubSpot(connection, clock, pause)
    yield destination
    destination.close()
