"""The sensor that tries dead letters again, called as the daemon calls it."""

from __future__ import annotations

import dagster as dg

from activation.defs.naming import REPLAY_TAG
from activation.ledger.dead_letters import LetterState
from activation_tests.sync.project import SYNC, Project


def _tick(definitions: dg.Definitions, dagster: dg.DagsterInstance) -> object:
    sensor = definitions.resolve_sensor_def(f"{SYNC}_replay")
    with dg.build_sensor_context(instance=dagster, definitions=definitions) as context:
        return sensor(context)


def test_what_an_operator_puts_back_is_sent_by_a_run_of_its_own(
    project: Project, dagster: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    """Nothing due: no run. Put back by the job: a run of dead letters alone, as rows are now."""
    project.fill(30)
    project.open_phase()
    project.sandbox.faults.add("refuse_value", field="Email", value="c7@example.com")
    project.run()
    project.sandbox.faults.clear()
    assert "no dead letter is due" in str(_tick(definitions, dagster))
    form = {"sync": SYNC, "reason": "mended", "author": "operator"}
    assert (
        definitions.resolve_job_def("replay")
        .execute_in_process(
            instance=dagster, run_config={"ops": {"replay_letters": {"config": form}}}
        )
        .success
    )
    project.score_again(changed=3)
    dagster.add_dynamic_partitions(f"{SYNC}_phases", ["full"])

    asked = _tick(definitions, dagster)
    assert isinstance(asked, dg.RunRequest)
    assert REPLAY_TAG.items() <= asked.tags.items()
    result = definitions.resolve_job_def(f"{SYNC}_job").execute_in_process(
        instance=dagster,
        partition_key=asked.partition_key,
        asset_selection=list(asked.asset_selection or ()),
        tags=dict(REPLAY_TAG),
    )

    assert result.success
    assert project.contact("C-00007")["Email"] == "c7@example.com"
    assert project.contact("C-00001")["Churn_Reason__c"] == "Uses it less.", "no fresh row goes"
    assert "no dead letter is due" in str(_tick(definitions, dagster))
    with project.services() as services:
        letters = services.ledger.dead_letters.list(SYNC, state=None)
    assert [letter.state for letter in letters] == [LetterState.OVERTAKEN]
