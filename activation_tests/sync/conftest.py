from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from activation.sandbox.client import Sandbox
from activation.sandbox.rehearsal import make_ready
from activation.sandbox.server import running
from activation_tests.sync.company import SHIPPED, Company, models
from activation_tests.sync.project import LeapingClock, make_project, opened_project

SYNCS = [contract.sync for contract in SHIPPED]


@pytest.fixture
def company(tmp_path: Path, migrated_ledger: Path) -> Iterator[Company]:
    """Return the project of all contracts, its models empty."""
    clock = LeapingClock()
    root = tmp_path / "project"
    make_project(root, migrated_ledger, sync=SYNCS[0], models=models(), beside=SYNCS)
    with (
        running(tmp_path / "vendor", clock=clock) as address,
        opened_project(root, Sandbox(address), sync=SYNCS[0]) as project,
    ):
        project.clock = clock
        make_ready(project.sandbox)
        yield Company(project)
