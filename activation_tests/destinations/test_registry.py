from __future__ import annotations

import subprocess
import sys

import pytest

from activation.destinations.base import Connection
from activation.destinations.registry import open_destination, systems
from activation.errors import ConfigurationError


def test_opens_the_system_a_connection_names() -> None:
    """The system decides the adapter; nothing is sent by opening it."""
    connection = Connection("crm", "salesforce", "https://acme.my.salesforce.com", {})

    assert "salesforce" in systems()
    assert open_destination(connection).system == "salesforce"


def test_opens_braze() -> None:
    """A Braze connection needs its instance's host and the key."""
    address, key = "https://rest.fra-01.braze.eu", {"api_key": "k3y"}
    connection = Connection("engage", "braze", address, key)

    assert open_destination(connection).system == "braze"


def test_opens_hubspot() -> None:
    """A HubSpot connection needs a token."""
    address, token = "https://api.hubapi.com", {"access_token": "pat-na1-x"}

    assert open_destination(Connection("crm", "hubspot", address, token)).system == "hubspot"


@pytest.mark.parametrize(
    ("system", "told"), [("salesfroce", "Did you mean salesforce?"), ("fax", "Known systems:")]
)
def test_an_unknown_system_is_told_with_the_nearest(system: str, told: str) -> None:
    """A system that is not known is a mistake in the configuration."""
    with pytest.raises(ConfigurationError, match="crm") as caught:
        open_destination(Connection("crm", system, "https://example.com", {}))

    assert told in str(caught.value)


def test_clients_are_loaded_only_when_used() -> None:
    """Neither the registry nor the adapter loads a vendor's client before the first call."""
    code = (
        "import sys, activation.destinations.registry as r;"
        "assert not any(m.startswith('activation.destinations.salesforce') for m in sys.modules);"
        "import activation.destinations.salesforce.destination;"
        "assert 'simple_salesforce' not in sys.modules;"
        "import activation.destinations.hubspot.destination;"
        "assert 'hubspot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
