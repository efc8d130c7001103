"""Runs of the real definitions on a real instance, as somebody launches them in the UI."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg

from activation.defs.launch import launch
from activation.gates.verdict import Gate
from activation_tests.defs.conftest import Runner
from activation_tests.sync.project import SYNC, Project

PLAN, DESTINATION = f"{SYNC}_plan", SYNC


def _shown(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    """Return the numbers and texts of the one materialisation of an asset."""
    (event,) = [
        event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["salesforce", asset])
    ]
    assert event.partition == "full"
    return {name.removeprefix("activation/"): v.value for name, v in event.metadata.items()}


def _failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.get_step_failure_events()
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    return str(failure.description)


def test_a_run_delivers_and_shows_its_counts(project: Project, materialise: Runner) -> None:
    """Plan and destination materialise in their phase, with counts and passed checks."""
    project.fill(250)
    project.open_phase()

    result = materialise(PLAN, DESTINATION)

    assert result.success
    assert _shown(result, PLAN)["to_send"] == 250
    shown = _shown(result, DESTINATION)
    assert (shown["planned"], shown["delivered"], shown["requests"]) == (250, 250, 2)
    assert shown["quota_left"] > 0
    checks = result.get_asset_check_evaluations()
    assert {check.check_name for check in checks} == {gate.value for gate in Gate} | {
        "parity",
        "row_conservation",
        "dead_letters",
    }
    assert all(check.passed and check.partition == "full" for check in checks)
    assert {check.check_name for check in checks if check.blocking} == {g.value for g in Gate}


def test_nothing_personal_is_in_the_instance(
    project: Project, materialise: Runner, dagster: dg.DagsterInstance
) -> None:
    """Dagster's event log of a run with a dead letter holds no address and no name."""
    project.fill(200)
    project.open_phase()
    project.sandbox.faults.add("refuse_value", field="Email", value="c7@example.com")

    result = materialise(PLAN, DESTINATION)

    assert _shown(result, DESTINATION)["rejected"] == 1
    log = str(dagster.all_logs(result.run_id))
    assert "activation/delivered" in log
    assert "@example.com" not in log
    assert "Last7" not in log


def test_nothing_to_send_still_materialises(project: Project, materialise: Runner) -> None:
    """A repeat is a run like any other, with zero counts and no write."""
    project.fill(200)
    project.open_phase()
    materialise(PLAN, DESTINATION)
    project.writes()

    result = materialise(PLAN, DESTINATION)

    assert result.success
    shown = _shown(result, DESTINATION)
    assert {shown[name] for name in ("planned", "delivered", "rejected", "requests")} == {0}
    assert project.writes() == []


def test_a_failed_gate_stops_the_run_and_every_later_one(
    project: Project, materialise: Runner
) -> None:
    """The destination is not reached, and materialising it alone afterwards sends nothing."""
    project.fill(200, scored_at=project.clock.now() - timedelta(hours=32))
    project.open_phase()

    whole = materialise(PLAN, DESTINATION)
    alone = materialise(DESTINATION)

    assert not whole.success
    failed = [c.check_name for c in whole.get_asset_check_evaluations() if not c.passed]
    assert failed == [Gate.FRESHNESS.value]
    assert [event.asset_key for event in whole.get_asset_materialization_events()] == [
        dg.AssetKey(["salesforce", PLAN])
    ]
    assert not alone.success
    assert "freshness" in _failure(alone)
    assert "nothing was sent" in _failure(alone)
    assert not alone.get_asset_materialization_events()
    assert project.writes() == []


def test_the_destination_alone_has_nothing_to_send(project: Project, materialise: Runner) -> None:
    """Without a plan the destination asset fails, and says how one is made."""
    project.fill(200)
    project.open_phase()

    result = materialise(DESTINATION)

    assert not result.success
    assert "no plan for phase full" in _failure(result)
    assert project.writes() == []


def test_a_quota_stop_fails_the_run_and_keeps_its_counts(
    project: Project, materialise: Runner
) -> None:
    """A run that the daily quota ends is not a success; what it did stays recorded."""
    project.fill(400)
    project.open_phase()
    project.sandbox.faults.add("quota_exhausted", method="PATCH")

    result = materialise(PLAN, DESTINATION)

    assert not result.success
    assert "REQUEST_LIMIT_EXCEEDED" in _failure(result)
    shown = _shown(result, DESTINATION)
    assert (shown["planned"], shown["delivered"], shown["held"]) == (400, 0, 400)
    assert "REQUEST_LIMIT_EXCEEDED" in shown["stopped"]
    checks = {check.check_name for check in result.get_asset_check_evaluations()}
    assert "row_conservation" in checks
    assert "parity" not in checks


def test_the_command_line_launches_the_same_job(
    project: Project, definitions: dg.Definitions
) -> None:
    """A launched run stands in the project's instance, and says what its first failure said."""
    assert definitions.resolve_job_def(f"{SYNC}_job")
    project.fill(200)
    project.open_phase()
    project.sandbox.faults.add("drop_field", object="Contact", field="Churn_Band__c")

    with project.services() as services:
        launched = launch(project.contract, "full", project.settings, services.ledger)

    assert not launched.success
    assert launched.message is not None
    assert "schema" in launched.message
    with dg.DagsterInstance.from_config(str(project.settings.dagster_home)) as instance:
        run = instance.get_run_by_id(launched.run_id)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.FAILURE
    assert run.tags["activation/launched_by"] == "command_line"
    assert run.tags["dagster/partition"] == "full"
