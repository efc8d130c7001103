from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.destinations.base import Connection
from activation.destinations.braze.destination import Braze
from activation_tests.destinations.scripted import Server, serving
from activation_tests.sync.project import LeapingClock


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a scripted server."""
    with serving() as running:
        yield running


@pytest.fixture
def clock() -> LeapingClock:
    """Return a clock that leaps over every wait."""
    return LeapingClock()


@pytest.fixture
def braze(server: Server, clock: LeapingClock) -> Iterator[Braze]:
    """Connect the destination to the scripted server."""
    connection = Connection("engage", "braze", server.address, {"api_key": "k3y-s3cret"})
    destination = Braze(connection, clock)
    yield destination
    destination.close()
