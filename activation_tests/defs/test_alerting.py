"""The sensors that tell: called as the daemon calls them."""

from __future__ import annotations

import dagster as dg
import orjson

from activation.alerting.channels import LOG
from activation.defs.alerting import alerts, run_failures
from activation.ledger.runs import RunState
from activation_tests.defs.conftest import Runner
from activation_tests.sync.project import SYNC, Project


def test_the_sensor_tells_a_change_once(project: Project, dagster: dg.DagsterInstance) -> None:
    """A pause is written to the log of alerts at the first tick, and not again at the second."""
    with project.services() as services:
        services.ledger.switches.pause("all", reason="a look", author="operator")

    with dg.build_sensor_context(instance=dagster) as context:
        first, second = ([str(said) for said in alerts(context)] for _ in range(2))  # type: ignore[union-attr]

    lines = (project.settings.home / LOG).read_bytes().splitlines()
    assert "told 1 changes" in first[0]
    assert "told 0 changes" in second[0]
    assert f"firing: {SYNC}: kill_switch" in second[0]
    assert [orjson.loads(line)["title"] for line in lines] == [f"[low] {SYNC}: somebody paused it"]


def test_a_run_that_breaks_early_is_kept(
    project: Project, dagster: dg.DagsterInstance, materialise: Runner
) -> None:
    """A run that broke before the ledger knew of it is kept as failed, without a foreign text."""
    project.open_phase()
    project.sql("DROP TABLE main_marts.customer_churn")
    result = materialise(f"{SYNC}_plan", SYNC)
    assert not result.success
    (event,) = [e for e in result.all_events if e.is_failure and not e.is_step_event]
    context = dg.build_run_status_sensor_context(
        sensor_name="activation_run_failures",
        dagster_instance=dagster,
        dagster_run=result.dagster_run,
        dagster_event=event,
    ).for_run_failure()

    run_failures(context)
    run_failures(context)

    with project.services() as services:
        (run,) = services.ledger.runs.list(SYNC)
    assert (run.run_id, run.state) == (result.run_id, RunState.FAILED)
    assert run.message is not None
    assert run.message.startswith("it broke in ")
