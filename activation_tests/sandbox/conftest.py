from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

with warnings.catch_warnings():
    # Where sqlglotrs is installed, sqlglot's first import warns of it.
    warnings.simplefilter("ignore", DeprecationWarning)
    import sqlglot  # noqa: F401

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.org import Org
from activation_tests.sandbox.turning_clock import TurningClock


@pytest.fixture(scope="package")
def shared_clock() -> TurningClock:
    """Return the clock of the shared sandbox."""
    return TurningClock()


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory, shared_clock: TurningClock) -> Iterator[str]:
    """Run one sandbox for all tests of the folder."""
    folder = tmp_path_factory.mktemp("sandbox")
    with running(folder, clock=shared_clock, log_keys=True) as base:
        yield base


@pytest.fixture
def sandbox(address: str, shared_clock: TurningClock) -> Sandbox:
    """Return an empty sandbox."""
    shared_clock.reset()
    client = Sandbox(address)
    client.reset()
    return client


@pytest.fixture
def clock(sandbox: Sandbox, shared_clock: TurningClock) -> TurningClock:
    """Return the sandbox's clock."""
    assert sandbox.health()["sandbox"]
    return shared_clock


@pytest.fixture
def org(sandbox: Sandbox) -> Iterator[Org]:
    """Return a session with the empty sandbox."""
    session = Org(sandbox.address)
    yield session
    session.http.close()
