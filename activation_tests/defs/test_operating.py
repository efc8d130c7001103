"""The operators' jobs, run with the form that the UI shows."""

from __future__ import annotations

import dagster as dg
import pytest

from activation.ledger.audit import Act
from activation_tests.defs.conftest import Runner
from activation_tests.sync.project import SYNC, Project


def _form(op: str, **config: str) -> dict[str, object]:
    return {"ops": {op: {"config": {"reason": "test", "author": "operator", **config}}}}


def test_an_operator_runs_a_day_from_the_ui(
    project: Project,
    dagster: dg.DagsterInstance,
    definitions: dg.Definitions,
    materialise: Runner,
) -> None:
    """Open, pause, resume and resync take effect, and the audit chain names their author."""
    project.fill(30)

    def job(name: str, op: str, **config: str) -> None:
        result = definitions.resolve_job_def(name).execute_in_process(
            instance=dagster, run_config=_form(op, **config)
        )
        assert result.success

    job("open_phase", "open_one_phase", sync=SYNC, phase="full")
    assert dagster.get_dynamic_partitions(f"{SYNC}_phases") == ["full"]
    job("pause", "pause_scope", scope=f"sync:{SYNC}")
    assert not materialise(f"{SYNC}_plan", SYNC).success
    job("resume", "resume_scope", scope=f"sync:{SYNC}")
    assert materialise(f"{SYNC}_plan", SYNC).success
    project.sql(f"DROP TABLE activation.delivered_{SYNC}")
    job("resync", "resync_state", sync=SYNC)
    project.requests()
    assert materialise(f"{SYNC}_plan", SYNC).success
    assert project.writes() == []

    with project.services() as services:
        acts = [(e.act, e.author) for e in services.ledger.audit.list() if e.act != Act.PLAN]
    assert acts == [
        (Act.RESYNC, "operator"),
        (Act.RESUME, "operator"),
        (Act.PAUSE, "operator"),
        (Act.OPEN, "operator"),
    ]


def test_people_are_named_by_a_model_in_the_ui(
    project: Project,
    dagster: dg.DagsterInstance,
    definitions: dg.Definitions,
    materialise: Runner,
) -> None:
    """A form names a model and a column; no key is in a run's config, events or metadata."""
    project.fill(30)
    project.open_phase()
    assert materialise(f"{SYNC}_plan", SYNC).success
    project.sql(
        "DELETE FROM main_marts.customer_consent WHERE customer_id NOT IN ('C-00003', 'C-00004')"
    )

    for name, op in (("suppress_people", "suppress_listed"), ("erase_people", "mark_listed")):
        result = definitions.resolve_job_def(name).execute_in_process(
            instance=dagster,
            run_config=_form(op, model="customer_consent", column="customer_id"),
        )
        assert result.success
        told = str([event.event_specific_data for event in result.all_events])
        assert "C-0000" not in told + str(result.dagster_run.run_config)

    assert len(project.sandbox.records("Contact")) == 28
    with project.services() as services:
        assert [e.state for e in services.ledger.erasures.list()] == ["confirmed"] * 2


def test_an_operator_approves_a_plan_from_the_ui(
    project: Project,
    dagster: dg.DagsterInstance,
    definitions: dg.Definitions,
    materialise: Runner,
) -> None:
    """The form names the plan; its check says who answers for it, and the asset alone goes out."""
    project.fill(30)
    project.open_phase()
    assert materialise(f"{SYNC}_plan", SYNC).success
    project.score_again(changed=30)
    assert not materialise(f"{SYNC}_plan", SYNC).success
    with project.services() as services:
        plan = services.ledger.plans.latest(SYNC, "full")
    assert plan is not None

    form = {"plan": plan.digest, "reason": "new wording", "author": "operator"}
    approved = definitions.resolve_job_def("approve").execute_in_process(
        instance=dagster, run_config={"ops": {"approve_plan": {"config": form}}}
    )
    delivered = materialise(SYNC)

    assert approved.success
    assert delivered.success
    check = dg.AssetCheckKey(dg.AssetKey(["salesforce", f"{SYNC}_plan"]), "blast_radius")
    (record,) = dagster.event_log_storage.get_asset_check_execution_history(check, limit=1)
    assert record.event is not None
    evaluation = record.event.asset_check_evaluation
    assert evaluation is not None
    assert (evaluation.passed, evaluation.partition) == (False, "full")
    assert evaluation.metadata["approved_by"].value == "operator"
    assert evaluation.metadata["approved_because"].value == "new wording"
    (event,) = delivered.get_asset_materialization_events()
    shown = event.materialization.metadata["activation/approvals"]
    assert isinstance(shown, dg.TableMetadataValue)
    (row,) = shown.records
    assert (row.data["gate"], row.data["by"]) == ("blast_radius", "operator")


def test_a_form_without_a_reason_is_refused(
    dagster: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    """A reason is asked for before anything is run."""
    with pytest.raises(dg.DagsterInvalidConfigError, match="reason"):
        definitions.resolve_job_def("pause").execute_in_process(
            instance=dagster, run_config={"ops": {"pause_scope": {"config": {"scope": "all"}}}}
        )
