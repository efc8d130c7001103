from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from activation.defs.instance import mirror_phases
from activation_tests.sync.project import SYNC, Project

pytestmark = pytest.mark.usefixtures("definitions")

PARTITIONS = f"{SYNC}_phases"


def _tick(
    definitions: dg.Definitions, folder: Path, phases: Sequence[str]
) -> tuple[list[dg.RunRequest], str | None]:
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        instance.add_dynamic_partitions(PARTITIONS, phases)
        with dg.build_schedule_context(
            instance=instance, repository_def=definitions.get_repository_def()
        ) as context:
            schedule = definitions.resolve_schedule_def(f"{SYNC}_schedule")
            evaluated = schedule.evaluate_tick(context)
    return list(evaluated.run_requests or []), evaluated.skip_message


@pytest.mark.parametrize(
    ("opened", "widest"),
    [(["canary"], "canary"), (["early", "canary"], "early"), (["full", "canary"], "full")],
)
def test_the_schedule_runs_the_widest_open_phase(
    definitions: dg.Definitions, tmp_path: Path, opened: list[str], widest: str
) -> None:
    """One run, of the widest phase, in whatever order the phases were opened."""
    requests, _ = _tick(definitions, tmp_path, opened)

    assert [request.partition_key for request in requests] == [widest]


def test_without_an_open_phase_nothing_runs(definitions: dg.Definitions, tmp_path: Path) -> None:
    """The schedule is skipped, and says how a phase is opened."""
    requests, skipped = _tick(definitions, tmp_path, [])

    assert requests == []
    assert skipped is not None
    assert f"activation open {SYNC} canary" in skipped


def test_partitions_are_the_open_phases(project: Project, dagster: dg.DagsterInstance) -> None:
    """The instance has the phases that the ledger holds open, and no others."""
    project.open_phase("canary")
    dagster.add_dynamic_partitions(PARTITIONS, ["stray"])

    with project.services() as services:
        mirror_phases(dagster, services.ledger, SYNC)

    assert dagster.get_dynamic_partitions(PARTITIONS) == ["canary"]
