from __future__ import annotations

from collections.abc import Iterator

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.hubspot.portal import Portal


@pytest.fixture
def portal(sandbox: Sandbox) -> Iterator[Portal]:
    """Return a session with the empty sandbox."""
    session = Portal(sandbox.address)
    yield session
    session.http.close()
