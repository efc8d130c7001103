"""A small project that the definitions' runs work on, and its Dagster instance."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import pytest

from activation.defs.instance import instance, mirror_phases
from activation_tests.sync.project import SYNC, Project

Runner = Callable[..., dg.ExecuteInProcessResult]


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Let the definitions' resource find the project, whose time is the machine's."""
    project.enter(monkeypatch)
    return project


@pytest.fixture
def dagster(project: Project) -> Iterator[dg.DagsterInstance]:
    """Return the instance of the project."""
    with instance(project.settings) as opened:
        yield opened


@pytest.fixture
def materialise(
    definitions: dg.Definitions, dagster: dg.DagsterInstance, project: Project
) -> Runner:
    """Return what runs assets of the sync's job, as a click in the UI does."""

    def run(*assets: str, phase: str = "full") -> dg.ExecuteInProcessResult:
        with project.services() as services:
            mirror_phases(dagster, services.ledger, SYNC)
        return definitions.resolve_job_def(f"{SYNC}_job").execute_in_process(
            instance=dagster,
            partition_key=phase,
            asset_selection=[dg.AssetKey(["salesforce", asset]) for asset in assets],
            raise_on_error=False,
        )

    return run
