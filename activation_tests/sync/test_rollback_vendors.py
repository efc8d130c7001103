"""A rollback over HubSpot: the same plan, the other vendor's batches, archives and reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from activation.rollout.rollback import Order
from activation.sandbox.client import Sandbox
from activation_tests.sync.project import CONSENT, Project, make_project, opened_project, unguarded
from activation_tests.sync.test_rollback import counts

SYNC = "hubspot_contact"
ROWS = 120
READ_LAG = 10
MART = "main_marts.customer_lead"
MODELS = {
    "customer_lead": {
        "customer_id": "varchar",
        "email": "varchar",
        "first_name": "varchar",
        "last_name": "varchar",
        "lifecycle_stage": "varchar",
        "lead_score": "integer",
        "lead_grade": "varchar",
        "lead_reason": "varchar",
        "seats": "integer",
        "scored_at": "timestamp",
    },
    "customer_consent": CONSENT,
}


@pytest.fixture
def hubspot(tmp_path: Path, vendor: Sandbox, migrated_ledger: Path) -> Iterator[Project]:
    """Return a project that has delivered contacts to HubSpot, and then poisoned ones."""
    root = make_project(tmp_path / "project", migrated_ledger, sync=SYNC, models=MODELS)
    with opened_project(root, vendor, sync=SYNC) as project:
        project.edit_contract(unguarded)
        _add(project, "C", ROWS, "Uses it more.")
        project.open_phase()
        assert project.run().totals["delivered"] == ROWS
        project.clock.waited += 60
        project.sql(
            f"UPDATE {MART} SET lead_reason = 'Poisoned.', lead_score = 1, lead_grade = NULL, "  # noqa: S608
            "scored_at = scored_at + INTERVAL 1 MINUTE"
        )
        _add(project, "N", 10, "Poisoned.")
        project.run()
        yield project


def _add(project: Project, prefix: str, rows: int, reason: str) -> None:
    at = (project.clock.now() - timedelta(hours=2)).replace(tzinfo=None)
    given = {"prefix": prefix, "rows": rows, "reason": reason, "at": at}
    project.sql(
        f"INSERT INTO {MART} SELECT format('{{}}-{{:05d}}', $prefix, i), "  # noqa: S608
        "lower($prefix) || i || '@example.com', 'First' || i, 'Last' || i, 'lead', i % 100, 'A', "
        "$reason, 3, $at FROM range($rows) AS r(i)",
        given,
    )
    del given["reason"]
    project.sql(
        "INSERT INTO main_marts.customer_consent SELECT format('{}-{:05d}', $prefix, i), "
        "'marketing', 'email', 'granted', $at, $at FROM range($rows) AS r(i)",
        given,
    )


def test_contacts_are_restored_but_for_what_people_did(hubspot: Project) -> None:
    """Values come back, emptied ones too; edits stay; what the run created is archived."""
    sandbox = hubspot.sandbox
    sandbox.edit_record("contacts", "C-00001", system="hubspot", lead_reason="By hand")
    sandbox.edit_record("contacts", "C-00002", system="hubspot", firstname="Lee")
    with hubspot.open() as sync:
        early = sync.preview_rollback(Order(run="run-2"))
    hubspot.clock.waited += READ_LAG + 1

    with hubspot.open() as sync:
        done = sync.roll_back(Order(run="run-2"), run_id="undo", reason="poison", author="tests")

    assert {key.split()[1] for key in counts(early)} == {"settling"}
    assert counts(done.planned) == {
        "delete taken_back send": 10,
        "update restored send": ROWS,
    }
    assert done.planned.plan.kept == {"lead_reason": 1}
    assert done.restoration is not None
    assert (done.restoration.restored, done.restoration.removed) == (ROWS, 10)
    assert done.restoration.whole
    records = {r["customer_key"]: r for r in sandbox.records("contacts", system="hubspot")}
    assert len(records) == ROWS
    for number in range(ROWS):
        record = records[f"C-{number:05d}"]
        reason = "By hand" if number == 1 else "Uses it more."
        first = "Lee" if number == 2 else f"First{number}"
        assert (record["lead_reason"], record["firstname"]) == (reason, first)
        assert (int(record["lead_score"]), record["lead_grade"]) == (number % 100, "A")
