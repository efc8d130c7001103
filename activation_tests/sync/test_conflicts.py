"""Edits of people in the destination: none lost, all listed, against the sandbox."""

from __future__ import annotations

from typing import Any

from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.project import SYNC, Project

ROWS = 10_000
EDITED = range(0, ROWS, 20)


def test_no_edit_of_ten_thousand_rows_is_lost(project: Project) -> None:
    """5 % of the records are edited meanwhile: every edit stays, every one is listed, no more."""

    def three_way(attributes: dict[str, Any]) -> None:
        attributes["conflicts"] = {"policy": "three_way"}
        attributes["guards"]["changed"] = "100%"
        attributes["quota"]["requests_per_day"] = 10_000

    project.edit_contract(three_way)
    project.fill(ROWS)
    project.open_phase()
    project.run()
    for number in EDITED:
        field = ("Churn_Reason__c", "FirstName")[number % 40 == 0]
        project.sandbox.edit_record("Contact", f"C-{number:05d}", **{field: f"By hand {number}"})
    project.score_again(changed=ROWS)
    project.requests()

    planned = project.plan()
    reads = [r for r in project.requests("GET") if "/query" in r["path"]]
    delivered = project.deliver()

    assert planned.plan.kept == {"Churn_Reason__c": 250, "FirstName": 250}
    assert planned.cost.lookups == len(reads) == ROWS // 200
    listed = project.sql(
        f"SELECT sync_key, field FROM activation.kept_{SYNC} ORDER BY sync_key"  # noqa: S608
    )
    assert listed == [(f"C-{n:05d}", ("Churn_Reason__c", "FirstName")[n % 40 == 0]) for n in EDITED]
    assert delivered.totals["delivered"] == ROWS - 250
    records = {r["Customer_Key__c"]: r for r in project.sandbox.records("Contact")}
    edited = set(EDITED)
    for number in range(ROWS):
        record = records[f"C-{number:05d}"]
        reason, first = record["Churn_Reason__c"], record["FirstName"]
        if number not in edited:
            assert (reason, first) == ("Uses it less..", f"First{number}")
        elif number % 40 == 0:
            assert (reason, first) == ("Uses it less..", f"By hand {number}")
        else:
            assert (reason, first) == (f"By hand {number}", f"First{number}")
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.KEPT] == len(EDITED)
    assert delivered.parity.classes[Discrepancy.MATCHED] == ROWS - len(EDITED)
    assert delivered.parity.unexplained == 0
