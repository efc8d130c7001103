"""Resync: losing what we know is survivable, and nothing that is equal is written again."""

from __future__ import annotations

import pytest

from activation.errors import Busy, UsageError
from activation.ledger.audit import Act
from activation.reconciliation.adoption import Adopted
from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.project import SYNC, Project

ROWS = 300


@pytest.fixture
def delivered(project: Project) -> Project:
    """Return a project whose rows are all in the destination."""
    project.fill(ROWS)
    project.open_phase()
    project.run()
    project.requests()
    return project


def resync(project: Project) -> Adopted:
    """Read everything back and take it for delivered."""
    with project.open() as sync:
        return sync.resync(reason="test", author="tests")


def forget_ledger(project: Project) -> None:
    """Lose the ledger, and open the phase again as an operator would."""
    for path in (project.root / "home").glob("ledger.db*"):
        path.unlink()
    project.open_phase()


def forget_state(project: Project) -> None:
    """Lose the delivered state."""
    project.sql(f"DROP TABLE activation.delivered_{SYNC}")


@pytest.mark.parametrize(
    "lost",
    [(forget_ledger,), (forget_state,), (forget_ledger, forget_state)],
    ids=["ledger", "state", "both"],
)
def test_what_is_equal_is_not_written_again(delivered: Project, lost: tuple[object, ...]) -> None:
    """After a loss, a resync brings parity with zero writes and zero double creates."""
    before = {r["Customer_Key__c"]: r["Id"] for r in delivered.sandbox.records("Contact")}
    for forget in lost:
        forget(delivered)  # type: ignore[operator]

    adopted = resync(delivered)
    came = delivered.run()

    after = {r["Customer_Key__c"]: r["Id"] for r in delivered.sandbox.records("Contact")}
    assert adopted == Adopted(found=ROWS, equal=ROWS, different=0, sourceless=0)
    assert delivered.writes() == []
    assert after == before
    assert came.parity is not None
    assert came.parity.classes[Discrepancy.MATCHED] == ROWS


def test_what_differs_is_mended_and_nothing_else(delivered: Project) -> None:
    """An edited, a deleted and a new row are written; all others are left alone."""
    forget_ledger(delivered)
    forget_state(delivered)
    delivered.sandbox.edit_record("Contact", "C-00001", Churn_Reason__c="Called them.")
    delivered.sandbox.delete_record("Contact", "C-00002")
    delivered.requests()

    adopted = resync(delivered)
    came = delivered.run()

    assert (adopted.found, adopted.different) == (ROWS - 1, 1)
    assert came.totals["delivered"] == 2
    assert len(delivered.writes()) == 1
    assert delivered.contact("C-00001")["Churn_Reason__c"] == "Uses it less."
    assert came.parity is not None
    assert came.parity.unexplained == 0


def test_records_that_were_there_before_us_are_adopted(project: Project) -> None:
    """A first run over records that carry our keys rewrites none that is equal."""
    project.fill(10)
    project.open_phase()
    for number in range(5):
        project.sandbox.create_record(
            "Contact", Customer_Key__c=f"C-{number:05d}", LastName=f"Last{number}"
        )
    project.sandbox.create_record("Contact", Customer_Key__c="C-99999", LastName="Else")
    # So few records, and all of them new to us, are beyond any guard.
    project.edit_contract(lambda c: c["guards"].update(changed="100%", lost="100%"))

    adopted = resync(project)
    came = project.run()

    assert adopted == Adopted(found=6, equal=0, different=5, sourceless=1)
    assert came.tallies["create"].delivered == 5
    assert came.tallies["update"].delivered == 5
    assert project.sandbox.count("Contact") == 11


def test_a_field_that_is_left_alone_counts_as_equal(delivered: Project) -> None:
    """Where an empty value keeps the field, whatever stands there is no difference."""
    delivered.sql(
        "UPDATE main_marts.customer_churn SET monthly_value = NULL WHERE customer_id = 'C-00003'"
    )
    forget_state(delivered)

    assert resync(delivered).different == 0


def test_a_later_change_still_goes_out(delivered: Project) -> None:
    """After a resync the ordinary comparison goes on: what changes next is sent, and only that."""
    forget_state(delivered)
    resync(delivered)
    delivered.score_again(changed=7)

    came = delivered.run()

    assert came.totals["delivered"] == 7


def test_a_resync_is_an_act_with_a_reason(delivered: Project) -> None:
    """It stands in the audit chain, needs a reason, and waits for no run."""
    resync(delivered)
    with delivered.open() as sync:
        with pytest.raises(UsageError, match="reason"):
            sync.resync(reason="", author="tests")
        sync.parts.ledger.leases.acquire(SYNC, "a run", seconds=60)
        with pytest.raises(Busy, match="a run"):
            sync.resync(reason="test", author="tests")
        acts = [entry.act for entry in sync.parts.ledger.audit.list()]
    assert Act.RESYNC in acts
