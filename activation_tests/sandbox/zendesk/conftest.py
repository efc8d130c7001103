from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.turning_clock import TurningClock
from activation_tests.sandbox.zendesk.desk import Desk


@pytest.fixture
def desk(sandbox: Sandbox, clock: TurningClock) -> Iterator[Desk]:
    """Return a session with an account whose imports are enabled."""
    sandbox.call("POST", "zendesk/account", {"imports": True})
    session = Desk(sandbox.address, clock)
    yield session
    session.http.close()
