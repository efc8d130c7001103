from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.destinations.base import Connection
from activation.destinations.salesforce.destination import Salesforce
from activation_tests.destinations.scripted import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a scripted server."""
    with serving() as running:
        yield running


@pytest.fixture
def org(server: Server) -> Iterator[Salesforce]:
    """Connect the destination to the scripted server."""
    salesforce = Salesforce(
        Connection(
            name="crm",
            system="salesforce",
            base_url=server.address,
            credentials={"client_id": "app", "client_secret": "s3cret"},
        )
    )
    yield salesforce
    salesforce.close()
