from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.destinations.zendesk.destination import Zendesk
from activation_tests.destinations.scripted import Server, serving
from activation_tests.destinations.zendesk.desk import Hours, connection


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a scripted server."""
    with serving(token_path="/oauth/tokens") as running:  # noqa: S106 - a path
        yield running


@pytest.fixture
def hours() -> Hours:
    """Return the time of the adapter."""
    return Hours()


@pytest.fixture
def desk(server: Server, hours: Hours) -> Iterator[Zendesk]:
    """Connect the destination to the scripted server."""
    zendesk = Zendesk(connection(server.address), hours, hours.pass_)
    yield zendesk
    zendesk.close()
