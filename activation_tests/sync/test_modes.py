"""Modes and withdrawals, from the contract to the records of the vendor."""

from __future__ import annotations

from typing import Any

import pytest

from activation.destinations.traits import Verb
from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.project import SYNC, Project

ROWS = 300


def loaded(project: Project, **destination: Any) -> Project:
    """Return the project with a contract so changed, after its first full run."""

    def changed(attributes: dict[str, Any]) -> None:
        attributes["destination"] |= destination
        attributes["guards"] |= {"deleted": "10%", "lost": "10%"}

    project.edit_contract(changed)
    project.fill(ROWS)
    project.open_phase()
    delivered = project.run()
    assert delivered.stopped is None, delivered.stopped
    assert delivered.totals["in_doubt"] == 0
    project.requests()
    return project


def keys(project: Project) -> set[str]:
    """Return the keys that the vendor holds."""
    return {r["Customer_Key__c"] for r in project.sandbox.records("Contact")}


def test_a_mirror_removes_only_what_it_wrote(project: Project) -> None:
    """A row that the model lost is removed there; a record of somebody else stays."""
    project.sandbox.create_record("Contact", LastName="Theirs", Customer_Key__c="X-1")
    loaded(project, mode="mirror")
    project.sql("DELETE FROM main_marts.customer_churn WHERE customer_id < 'C-00020'")
    project.score_again(changed=30)

    delivered = project.run()

    tallies = {name: tally.delivered for name, tally in delivered.tallies.items() if tally.planned}
    assert tallies == {"delete": 20, "update": 10}
    assert keys(project) == {"X-1", *(f"C-{n:05d}" for n in range(20, ROWS))}
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.MATCHED] == ROWS - 20
    assert delivered.parity.classes[Discrepancy.UNEXPECTED] == 1


def test_a_mirror_beyond_its_guard_removes_nothing(project: Project) -> None:
    """More removals than the guard allows stop the plan before the first byte."""
    loaded(project, mode="mirror")
    project.sql("DELETE FROM main_marts.customer_churn WHERE customer_id < 'C-00031'")
    project.score_again(changed=0)

    planned = project.plan()

    assert not planned.passed
    assert planned.plan.verbs == {Verb.REMOVE: 31}
    assert len(keys(project)) == ROWS


def test_update_only_creates_nothing(project: Project) -> None:
    """Rows without a record are refused one by one, and rows with one are written."""
    for number in range(50):
        project.sandbox.create_record(
            "Contact", LastName="There", Customer_Key__c=f"C-{number:05d}"
        )

    loaded(project, mode="update_only")

    assert keys(project) == {f"C-{n:05d}" for n in range(50)}
    assert project.contact("C-00007")["LastName"] == "Last7"
    with project.services() as services:
        letters = services.ledger.dead_letters.counts(SYNC)
    assert sum(letter.rows for letter in letters) == ROWS - 50


def test_create_only_leaves_its_records_alone_afterwards(project: Project) -> None:
    """Later changes on either side stay where they are, and are explained."""
    loaded(project, mode="create_only")
    project.sandbox.edit_record("Contact", "C-00009", Churn_Reason__c="Called them.")
    project.score_again(changed=5)

    delivered = project.run()

    assert delivered.totals["planned"] == 0
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.KEPT] == 1
    assert delivered.parity.unexplained == 0


@pytest.mark.parametrize(
    ("on_revoke", "left"),
    [
        ({"do": "clear"}, {"LastName": "Last7", "Email": None, "Churn_Reason__c": None}),
        (
            {"do": "clear", "fields": ["Churn_Reason__c"]},
            {"LastName": "Last7", "Email": "c7@example.com", "Churn_Reason__c": None},
        ),
        (
            {"do": "opt_out", "set": {"Churn_Reason__c": "Asked not to be scored."}},
            {"Email": "c7@example.com", "Churn_Reason__c": "Asked not to be scored."},
        ),
        ({"do": "archive"}, None),
    ],
)
def test_a_withdrawal_reaches_the_record(
    project: Project, on_revoke: dict[str, Any], left: dict[str, Any] | None
) -> None:
    """Who says no after a delivery is emptied, opted out or removed in the very next run, once."""

    def promise(attributes: dict[str, Any]) -> None:
        attributes["consent"]["on_revoke"] = on_revoke

    project.edit_contract(promise)
    loaded(project)
    project.consent("C-00007", "denied")
    project.score_again(changed=0)

    delivered = project.run()

    assert (delivered.totals["planned"], delivered.totals["delivered"]) == (1, 1)
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.BLOCKED] == 1
    assert delivered.parity.unexplained == 0
    if left is None:
        assert "C-00007" not in keys(project)
    else:
        record = project.contact("C-00007")
        assert {name: record[name] for name in left} == left
    assert project.run().totals["delivered"] == 0

    project.consent("C-00007", "granted")
    assert project.run().totals["delivered"] == 1
    assert project.contact("C-00007")["Churn_Reason__c"] == "Uses it less."
