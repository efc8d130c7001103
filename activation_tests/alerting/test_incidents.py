"""Incidents, each brought about for real: the right alert, once, and one word when it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from activation.alerting.catalogue import catalogue
from activation.errors import ActivationError
from activation.ledger import tables
from activation_tests.alerting.watcher import Watcher
from activation_tests.sync.project import SYNC, Project

ROWS = 200
Incident = tuple[Callable[[Project], None], Callable[[Project], None]]


def _run(project: Project) -> None:
    """Plan, some minutes later and, as the job does, deliver only what passed its gates."""
    _pass(project, minutes=5)
    try:
        if project.plan().passed:
            project.deliver()
    except ActivationError:
        pass


def _pass(project: Project, **span: float) -> None:
    project.clock.waited += timedelta(**span).total_seconds()


def _fresh(project: Project) -> None:
    """Build both models as they were, at the clock's time."""
    project.fill(ROWS)


def _stale(project: Project) -> None:
    project.fill(ROWS, scored_at=project.clock.now() - timedelta(hours=31))
    project.sql("UPDATE main_marts.customer_consent SET loaded_at = loaded_at + INTERVAL 30 HOUR")


def _consentless(project: Project) -> None:
    project.sql("DELETE FROM main_marts.customer_consent")


def _fanned_out(project: Project) -> None:
    project.sql("INSERT INTO main_marts.customer_churn SELECT * FROM main_marts.customer_churn")


def _emptied(project: Project) -> None:
    project.sql("DELETE FROM main_marts.customer_churn WHERE customer_id >= 'C-00190'")


def _in_cents(project: Project) -> None:
    project.sql(
        "UPDATE main_marts.customer_churn SET monthly_value = monthly_value * 100 "
        "WHERE customer_id < 'C-00050'"
    )


def _dropped_field(project: Project) -> None:
    project.sandbox.edit_field("Contact", "Churn_Score__c", removed=True)


def _restored_field(project: Project) -> None:
    project.sandbox.reset_schema()


def _paused(project: Project) -> None:
    with project.services() as services:
        services.ledger.switches.pause(f"sync:{SYNC}", reason="a look", author="operator")


def _resumed(project: Project) -> None:
    with project.services() as services:
        services.ledger.switches.resume(f"sync:{SYNC}", reason="fine", author="operator")


def _outage(project: Project) -> None:
    project.score_again(changed=5)
    project.sandbox.faults.add("unavailable", method="PATCH")


def _healed(project: Project) -> None:
    project.sandbox.faults.clear()


def _no_quota(project: Project) -> None:
    project.score_again(changed=5)
    project.sandbox.faults.add("quota_exhausted", method="PATCH")


def _refused(project: Project) -> None:
    project.score_again(changed=20)
    project.sandbox.faults.add("refuse_value", field="Churn_Reason__c", value="Uses it less..")


def _other_values(project: Project) -> None:
    project.sandbox.faults.clear()
    project.score_again(changed=20)


def _drifted(project: Project) -> None:
    for number in (1, 2, 3):
        key = f"C-{number:05d}"
        project.sandbox.edit_record("Contact", key, Churn_Reason__c="Called them.")


def _written_again(project: Project) -> None:
    project.score_again(changed=20)


def _lost_plan(project: Project) -> None:
    """Drop the plan's table between plan and delivery."""
    project.score_again(changed=5)
    _pass(project, minutes=5)
    assert project.plan().passed
    found = project.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'activation' "
        "AND table_name LIKE '%plan%'"
    )
    for (name,) in found:
        project.sql(f'DROP TABLE activation."{name}"')
    with pytest.raises(ActivationError):
        project.deliver()


def _nothing(_project: Project) -> None:
    """Need no change of the data."""


INCIDENTS: dict[str, Incident] = {
    "freshness": (_stale, _fresh),
    "consent": (_consentless, _fresh),
    "grain": (_fanned_out, _fresh),
    "blast_radius": (_emptied, _fresh),
    "distribution": (_in_cents, _fresh),
    "schema": (_dropped_field, _restored_field),
    "kill_switch": (_paused, _resumed),
    "run_stopped": (_outage, _healed),
    "quota": (_no_quota, _healed),
    "dead_letters": (_refused, _other_values),
    "parity": (_drifted, _written_again),
    "run_failed": (_lost_plan, _nothing),
}


@pytest.fixture
def watcher(project: Project) -> Watcher:
    """Return a watcher over a project that has run well once."""
    project.fill(ROWS)
    project.open_phase()
    project.run()
    found = Watcher(project)
    assert found.look() == []
    return found


@pytest.mark.parametrize("kind", INCIDENTS)
def test_an_incident_is_told_once_and_so_is_its_end(watcher: Watcher, kind: str) -> None:
    """The right alert and no other, once however often one looks; then one word that it is over."""
    project = watcher.project
    bring_about, mend = INCIDENTS[kind]
    bring_about(project)
    if kind != "run_failed":
        _run(project)

    told = [watcher.look(), watcher.look()]
    mend(project)
    _run(project)
    over = [watcher.look(), watcher.look()]

    assert told == [[kind], []]
    assert over == [[f"over {kind}"], []]


def test_a_missed_run_is_told_once(watcher: Watcher) -> None:
    """A schedule that passed by an hour ago without a plan is an alert until something ran."""
    project = watcher.project
    _pass(project, hours=18, minutes=30)
    assert watcher.look() == []

    _pass(project, hours=1)
    told = [watcher.look(), watcher.look()]
    project.fill(ROWS)
    _run(project)

    assert told == [["run_missed"], []]
    assert watcher.look() == ["over run_missed"]


def test_rows_that_do_not_add_up_page(watcher: Watcher) -> None:
    """A run whose check found rows missing is told at the highest severity."""
    with watcher.project.services() as services, services.ledger.store.write() as connected:
        broken = [{"name": "row_conservation", "passed": False, "summary": "200 planned, 199."}]
        connected.execute(tables.run.update().values(findings=broken))

    assert watcher.look() == ["row_conservation"]
    assert watcher.messages[0].title.startswith("[page]")


def test_a_message_that_was_not_taken_is_sent_again(watcher: Watcher) -> None:
    """A channel that is down loses nothing: the change is told at the next look."""
    _paused(watcher.project)
    watcher.reachable = False
    assert watcher.look() == []
    watcher.reachable = True

    assert watcher.look() == ["kill_switch"]
    assert watcher.look() == []


def test_trouble_that_came_and_went_untold_is_not_told(watcher: Watcher) -> None:
    """Nobody hears of the end of what he never heard of."""
    _paused(watcher.project)
    watcher.reachable = False
    watcher.look()
    _resumed(watcher.project)
    watcher.look()
    watcher.reachable = True

    assert watcher.look() == []


def test_a_message_says_what_to_do(watcher: Watcher) -> None:
    """Owner, severity, sync, run, the first command and the runbook stand in it; no value does."""
    _stale(watcher.project)
    _run(watcher.project)
    watcher.look()
    (message,) = watcher.messages

    assert message.title == f"[high] {SYNC}: the data is too old"
    for part in (
        f"first: activation plan {SYNC}",
        f"runbook: docs/runbooks/{SYNC}.md#freshness",
        "owner: team:customer-success",
        "run: run-2",
    ):
        assert part in message.body
    assert "@example.com" not in message.body


def test_thirty_quiet_days(watcher: Watcher) -> None:
    """A month of ordinary nightly runs tells nobody anything."""
    project = watcher.project
    for _ in range(30):
        _pass(project, days=1)
        project.score_again(changed=10, after=timedelta(days=1))
        project.run()
        assert watcher.look() == []

    assert watcher.messages == []


def test_every_gate_and_check_has_an_entry() -> None:
    """Whatever can fail is in the catalogue, with a command first."""
    from activation.gates.verdict import Gate

    checks = {"parity", "row_conservation", "dead_letters"}
    assert {gate.value for gate in Gate} | checks | INCIDENTS.keys() <= catalogue().keys()
    assert all(entry.first.startswith("activation ") for entry in catalogue().values())


def test_every_runbook_has_the_alerts_section(watcher: Watcher) -> None:
    """The link of a gate's or check's message leads to a section that exists."""
    contract = watcher.project.contract
    text = (Path(__file__).parents[2] / contract.alerting.runbook).read_text()
    for kind in catalogue():
        assert f"\n## {kind}\n" in text
