"""The sensor that opens phases, called as the daemon calls it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from activation_tests.sync.project import SYNC, LeapingClock, Project


def _tick(definitions: dg.Definitions, dagster: dg.DagsterInstance) -> object:
    sensor = definitions.resolve_sensor_def(f"{SYNC}_promotion")
    with dg.build_sensor_context(instance=dagster, definitions=definitions) as context:
        return sensor(context)


def test_the_sensor_waits_opens_and_ends(
    project: Project, dagster: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    """No phase, then too little soaked, then the next phase with a run for it."""
    assert "no phase" in str(_tick(definitions, dagster))
    project.fill(4000)
    # The phase was delivered a day ago; the sensor asks the machine's clock.
    project.clock = LeapingClock(datetime.now(UTC) - timedelta(hours=25))
    project.sql("UPDATE main_marts.customer_churn SET scored_at = scored_at - INTERVAL 25 HOUR")
    project.sql("UPDATE main_marts.customer_consent SET loaded_at = loaded_at - INTERVAL 25 HOUR")
    project.open_phase("half")
    project.run("half")

    result = _tick(definitions, dagster)

    assert isinstance(result, dg.SensorResult)
    assert [r.partition_key for r in result.run_requests or ()] == ["full"]
    assert [list(r.partition_keys) for r in result.dynamic_partitions_requests or ()] == [["full"]]
    assert "full is the last phase" in str(_tick(definitions, dagster))
