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


def test_a_form_without_a_reason_is_refused(
    dagster: dg.DagsterInstance, definitions: dg.Definitions
) -> None:
    """A reason is asked for before anything is run."""
    with pytest.raises(dg.DagsterInvalidConfigError, match="reason"):
        definitions.resolve_job_def("pause").execute_in_process(
            instance=dagster, run_config={"ops": {"pause_scope": {"config": {"scope": "all"}}}}
        )
