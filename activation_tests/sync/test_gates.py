"""Each gate stops a run before its first write, whoever asks for the delivery afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activation.errors import Refused
from activation.gates.verdict import Gate
from activation.planning.model import Disposition
from activation_tests.sync.project import SYNC, Project

ROWS = 200


def _stale(project: Project) -> None:
    project.clock.waited += timedelta(hours=29).total_seconds()


def _old_consent(project: Project) -> None:
    project.sql("UPDATE main_marts.customer_consent SET loaded_at = loaded_at - INTERVAL 35 HOUR")


def _empty_consent(project: Project) -> None:
    project.sql("DELETE FROM main_marts.customer_consent")


def _all_changed(project: Project) -> None:
    project.score_again(changed=1000)


def _cleared(project: Project) -> None:
    project.score_again(changed=0)
    project.sql("UPDATE main_marts.customer_churn SET email = NULL WHERE customer_id < 'C-00030'")


def _dropped_field(project: Project) -> None:
    project.sandbox.faults.add("drop_field", object="Contact", field="Churn_Score__c")


def _shorter_field(project: Project) -> None:
    project.sandbox.edit_field("Contact", "Churn_Reason__c", length=100)


def _read_only_field(project: Project) -> None:
    project.sandbox.edit_field("Contact", "Churn_Score__c", updateable=False, createable=False)


def _paused(project: Project) -> None:
    with project.services() as services:
        services.ledger.switches.pause(f"sync:{SYNC}", reason="test", author="tests")


DISASTERS: dict[str, tuple[Gate, Callable[[Project], None]]] = {
    "the scores are too old": (Gate.FRESHNESS, _stale),
    "all rows changed": (Gate.BLAST_RADIUS, _all_changed),
    "addresses vanished": (Gate.BLAST_RADIUS, _cleared),
    "consent is too old": (Gate.CONSENT, _old_consent),
    "consent is empty": (Gate.CONSENT, _empty_consent),
    "a field was dropped": (Gate.SCHEMA, _dropped_field),
    "a field became shorter": (Gate.SCHEMA, _shorter_field),
    "a field became read-only": (Gate.SCHEMA, _read_only_field),
    "somebody paused it": (Gate.KILL_SWITCH, _paused),
}


@pytest.mark.parametrize("disaster", DISASTERS)
def test_a_disaster_costs_no_write(delivered: Project, disaster: str) -> None:
    """After a good run, a disaster is stopped by its gate and nothing reaches the vendor."""
    gate, strike = DISASTERS[disaster]
    delivered.score_again(changed=10)
    strike(delivered)

    planned = delivered.plan()
    with pytest.raises(Refused, match=gate.value) as refused:
        delivered.deliver()

    failed = [verdict for verdict in planned.verdicts if not verdict.passed]
    assert gate in {verdict.gate for verdict in failed}
    assert all(verdict.next_step for verdict in failed)
    assert planned.plan.rows(Disposition.SEND) > 0 or gate in {Gate.CONSENT, Gate.BLAST_RADIUS}
    assert "nothing was sent" in refused.value.message
    assert delivered.writes() == []


def test_a_refused_delivery_is_in_the_ledger(project: Project) -> None:
    """The run of a refused delivery is kept, with the reason."""
    project.fill(ROWS, scored_at=project.clock.now() - timedelta(days=3))
    project.open_phase()
    project.plan()

    with pytest.raises(Refused):
        project.deliver()

    with project.services() as services:
        (run,) = services.ledger.runs.list(SYNC)
    assert run.state == "refused"
    assert run.message is not None
    assert "freshness" in run.message


def test_what_failed_may_pass_later(project: Project) -> None:
    """Once the cause is mended, a new plan is delivered whole."""
    project.fill(ROWS)
    project.open_phase()
    _paused(project)
    assert not project.plan().passed
    with project.services() as services:
        services.ledger.switches.resume(f"sync:{SYNC}", reason="test", author="tests")

    with pytest.raises(Refused):
        project.deliver()
    delivered = project.run()

    assert delivered.totals["delivered"] == ROWS


def test_an_unopened_phase_is_out_of_reach(project: Project) -> None:
    """A phase that is not open is neither planned nor delivered, though a narrower one is."""
    project.fill(ROWS)
    project.open_phase("canary")

    with pytest.raises(Refused, match="phase full of salesforce_contact is not open"):
        project.plan("full")
    with pytest.raises(Refused, match="phase full of salesforce_contact is not open"):
        project.deliver("full")

    assert project.writes() == []


def test_nothing_is_delivered_without_a_plan(project: Project) -> None:
    """A phase that is open and was never planned sends nothing."""
    project.fill(ROWS)
    project.open_phase()

    with pytest.raises(Refused, match="no plan for phase full; nothing was sent"):
        project.deliver()

    assert project.writes() == []


def test_a_tampered_plan_is_refused(project: Project) -> None:
    """A frozen action that somebody changed keeps the whole plan from being sent."""
    project.fill(ROWS)
    project.open_phase()
    table = project.plan().plan.table
    columns = [row[0] for row in project.sql(f"DESCRIBE activation.{table}")]
    reason = next(column for column in columns if column.endswith("_Churn_Reason__c"))
    project.sql(
        f"UPDATE activation.{table} SET \"{reason}\" = 'Forged.' WHERE action_no = 7"  # noqa: S608
    )

    with pytest.raises(Refused, match="changed after it was frozen"):
        project.deliver()

    assert project.writes() == []


def test_a_plan_of_another_contract_is_refused(project: Project) -> None:
    """A contract that is edited between plan and delivery asks for a new plan."""
    project.fill(ROWS)
    project.open_phase()
    project.plan()

    def fewer(attributes: dict[str, Any]) -> None:
        attributes["fields"] = attributes["fields"][:3]

    project.edit_contract(fewer)

    with pytest.raises(Refused, match="another state of the contract"):
        project.deliver()

    assert project.writes() == []
