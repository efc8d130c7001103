"""What others did to the destination is seen and told, and not undone in silence."""

from __future__ import annotations

from activation.reconciliation.parity import Discrepancy, Parity
from activation_tests.sync.project import Project


def _parity(project: Project) -> Parity:
    with project.open() as sync:
        return sync.reconcile(sync.phase("full"), full=True)


def test_an_edit_is_drift(delivered: Project) -> None:
    """A record that somebody edited is told with the field that differs."""
    delivered.sandbox.edit_record("Contact", "C-00007", Churn_Reason__c="Called them.")

    parity = _parity(delivered)

    assert parity.classes[Discrepancy.DRIFTED] == 1
    assert parity.classes[Discrepancy.MATCHED] == 999
    assert dict(parity.fields) == {"Churn_Reason__c": 1}


def test_an_edit_elsewhere_is_none_of_ours(delivered: Project) -> None:
    """A field that the contract does not map may hold anything."""
    delivered.sandbox.edit_record("Contact", "C-00007", Title="Head of Purchasing")

    assert _parity(delivered).classes[Discrepancy.MATCHED] == 1000


def test_a_deleted_record_is_missing(delivered: Project) -> None:
    """A record that was deleted by hand is told as missing."""
    delivered.sandbox.delete_record("Contact", "C-00007")

    parity = _parity(delivered)

    assert parity.classes[Discrepancy.MISSING] == 1
    assert parity.unexplained == 1


def test_a_stranger_is_unexpected(delivered: Project) -> None:
    """A record with a key of ours that we never delivered is told."""
    delivered.sandbox.create_record("Contact", LastName="Stranger", Customer_Key__c="C-99999")

    assert _parity(delivered).classes[Discrepancy.UNEXPECTED] == 1


def test_a_newer_state_is_pending(delivered: Project) -> None:
    """Rows that changed since the last run are explained."""
    delivered.score_again(changed=25)

    parity = _parity(delivered)

    assert parity.classes[Discrepancy.PENDING] == 25
    assert parity.unexplained == 0


def test_a_row_that_left_the_model_is_lost(delivered: Project) -> None:
    """A delivered row that the model no longer has is told, and its record stays."""
    delivered.sql("DELETE FROM main_marts.customer_churn WHERE customer_id = 'C-00007'")

    assert _parity(delivered).classes[Discrepancy.LOST] == 1
    assert delivered.sandbox.count("Contact") == 1000


def test_a_sample_states_its_bound(delivered: Project) -> None:
    """A sample of matching rows says how many unexplained ones it cannot rule out."""
    with delivered.open() as sync:
        parity = sync.reconcile(sync.phase("full"), rows=50)

    assert not parity.full
    assert parity.keys == 50
    assert parity.unexplained == 0
    assert 0 < parity.bound < 0.1
