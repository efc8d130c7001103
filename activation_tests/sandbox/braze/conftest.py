from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.braze.workspace import Workspace
from activation_tests.sandbox.turning_clock import TurningClock


@pytest.fixture
def workspace(sandbox: Sandbox, clock: TurningClock) -> Iterator[Workspace]:
    """Return a session with the empty workspace."""
    session = Workspace(sandbox, clock)
    yield session
    session.http.close()
