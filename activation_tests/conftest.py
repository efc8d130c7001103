"""A sandbox, a ledger and a small project for whoever tests them together."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from activation.ledger import open_ledger
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sync.project import ROOT, Project, make_project, opened_project

if TYPE_CHECKING:
    import dagster as dg

DAGSTERS_OWN_WARNINGS = (
    "dagster.PreviewWarning",
    "dagster.BetaWarning",
    "pydantic.warnings.PydanticDeprecatedSince20",
)


# The same examples every time, and no verdict by the clock: a busy machine fails no property.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.load_profile("suite")

_LONGEST = "test_main_job.py"
"""Begun first, so that nobody waits for it at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; let Dagster use what it calls preview and beta."""
    items.sort(key=lambda item: item.path.name != _LONGEST)
    for item in items:
        if "definitions" in getattr(item, "fixturenames", ()):
            for category in DAGSTERS_OWN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(f"ignore::{category}"))


@pytest.fixture(scope="session")
def vendor_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one sandbox for all projects that begin with nothing."""
    with running(tmp_path_factory.mktemp("vendor"), log_keys=True) as address:
        yield address


@pytest.fixture
def vendor(vendor_address: str) -> Sandbox:
    """Return the sandbox, emptied."""
    sandbox = Sandbox(vendor_address)
    sandbox.reset()
    return sandbox


@pytest.fixture(scope="session")
def migrated_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger without a row, to copy from."""
    path = tmp_path_factory.mktemp("migrated") / "ledger.db"
    open_ledger(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def project(tmp_path: Path, vendor: Sandbox, migrated_ledger: Path) -> Iterator[Project]:
    """Return a project whose models are empty and whose phases are shut."""
    root = make_project(tmp_path / "project", migrated_ledger)
    with opened_project(root, vendor) as opened:
        yield opened


@pytest.fixture(scope="session")
def delivered_once(tmp_path_factory: pytest.TempPathFactory, migrated_ledger: Path) -> Path:
    """Return a project, the state of its sandbox included, after a run of 1,000 rows."""
    root = make_project(tmp_path_factory.mktemp("delivered") / "project", migrated_ledger)
    with (
        running(root / "vendor", log_keys=True) as address,
        opened_project(root, Sandbox(address)) as opened,
    ):
        opened.fill(1000)
        opened.open_phase()
        assert opened.run().totals["delivered"] == 1000
    return root


@pytest.fixture
def delivered(tmp_path: Path, delivered_once: Path) -> Iterator[Project]:
    """Return a project of 1,000 rows that were all delivered, and the requests of it read."""
    root = shutil.copytree(delivered_once, tmp_path / "project")
    with (
        running(root / "vendor", log_keys=True) as address,
        opened_project(root, Sandbox(address)) as opened,
    ):
        opened.requests()
        yield opened


@pytest.fixture(scope="session")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """Load this project as the command line does: once for the whole process."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.setenv("ACTIVATION_PROJECT", str(ROOT))
        patch.setenv("ACTIVATION_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PATH", os.environ["PATH"])
        # Dagster's own loader uses what Dagster calls preview and beta, and an outlived pydantic.
        warnings.simplefilter("ignore")
        from activation.defs import launch

        return launch._definitions()
