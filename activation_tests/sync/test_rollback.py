"""A poisoned model is taken back: our values go, what people did stays, a read-back proves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activation.errors import Refused, UsageError
from activation.ledger.audit import Act
from activation.reconciliation.parity import Discrepancy
from activation.rollout.rollback import Order, release
from activation.sync import Planned
from activation.sync.rolling_back import RolledBack, Unrestored
from activation_tests.sync.project import SYNC, Project, unguarded

ROWS = 400
NEW = 40
POISON = "Poisoned."


def _with_rollback(contract: dict[str, Any]) -> None:
    contract["rollback"] = {"keep": "14d", "created": "archive"}
    unguarded(contract)
    contract["quota"]["requests_per_day"] = 10_000


def poison(project: Project) -> None:
    """Let the model say nonsense of everybody, and of some who are not customers."""
    project.clock.waited += 60
    project.sql(
        "UPDATE main_marts.customer_churn SET churn_reason = $poison, churn_score = 99, "
        "scored_at = scored_at + INTERVAL 1 MINUTE",
        {"poison": POISON},
    )
    project.sql(
        "INSERT INTO main_marts.customer_churn SELECT format('N-{:05d}', i), 'New', 'Person' || i, "
        "'n' || i || '@example.com', 99, 'High', $poison, 1, "
        "(SELECT max(scored_at) FROM main_marts.customer_churn) FROM range($rows) AS r(i)",
        {"rows": NEW, "poison": POISON},
    )
    project.sql(
        "INSERT INTO main_marts.customer_consent SELECT format('N-{:05d}', i), 'customer_success', "
        "'crm', 'granted', (SELECT max(as_of) FROM main_marts.customer_consent), "
        "(SELECT max(loaded_at) FROM main_marts.customer_consent) FROM range($rows) AS r(i)",
        {"rows": NEW},
    )


def roll_back(project: Project, **order: Any) -> RolledBack:
    """Take something back."""
    with project.open() as sync:
        return sync.roll_back(Order(**order), run_id="undo-1", reason="poison", author="tests")


def preview(project: Project, **order: Any) -> Planned:
    """Tell what that would do."""
    with project.open() as sync:
        return sync.preview_rollback(Order(**order))


def counts(planned: Planned) -> dict[str, int]:
    """Return the rows of a plan by operation and what becomes of them."""
    return {
        f"{count.operation} {count.reason} {count.disposition}": count.rows
        for count in planned.plan.counts
    }


@pytest.fixture
def poisoned(project: Project) -> Project:
    """Return a project after a good run and a poisoned one."""
    project.edit_contract(_with_rollback)
    project.fill(ROWS)
    project.open_phase()
    project.run()
    poison(project)
    project.run()
    return project


def test_a_poisoned_phase_is_taken_back_whole(project: Project) -> None:
    """Rows that a narrower phase had are as it left them; those that the phase created are gone."""
    project.edit_contract(_with_rollback)
    project.fill(ROWS)
    project.open_phase("half")
    first = project.run("half").totals["delivered"]
    poison(project)
    project.open_phase("full")
    project.run("full")

    undone = roll_back(project, phase="full")

    assert counts(undone.planned) == {
        "delete taken_back send": ROWS + NEW - first,
        "update restored send": first,
    }
    assert undone.restoration is not None
    assert undone.restoration.whole
    records = project.sandbox.records("Contact")
    assert len(records) == first
    assert {record["Churn_Reason__c"] for record in records} == {"Uses it less."}


def test_a_poisoned_run_is_restored_but_for_what_people_did(poisoned: Project) -> None:
    """All untouched rows are as before, no edit is lost, each exception is listed."""
    sandbox = poisoned.sandbox
    edited = range(0, ROWS, 20)
    for number in edited:
        sandbox.edit_record("Contact", f"C-{number:05d}", Churn_Reason__c=f"By hand {number}")
    sandbox.edit_record("Contact", "C-00001", Churn_Score__c=12, Churn_Reason__c="Called them.")
    sandbox.edit_record("Contact", "N-00003", FirstName="Known")
    sandbox.delete_record("Contact", "C-00002")
    poisoned.consent("C-00003", "denied")
    poisoned.requests()

    foreseen = preview(poisoned, run="run-2")
    assert poisoned.writes() == []
    undone = roll_back(poisoned, run="run-2")

    assert (
        counts(foreseen)
        == counts(undone.planned)
        == {
            "delete edited held": 1,
            "delete taken_back send": NEW - 1,
            "update denied blocked": 1,
            "update edited held": 1,
            "update gone held": 1,
            "update restored send": ROWS - 3,
        }
    )
    assert undone.restoration is not None
    assert (undone.restoration.restored, undone.restoration.removed) == (ROWS - 3, NEW - 1)
    assert undone.restoration.differing == 0
    records = {r["Customer_Key__c"]: r for r in sandbox.records("Contact")}
    for number in range(ROWS):
        record = records.get(f"C-{number:05d}")
        if number == 2:
            assert record is None
            continue
        assert record is not None
        said = record["Churn_Reason__c"], record["Churn_Score__c"]
        if number == 1:
            assert said == ("Called them.", 12)
        elif number == 3:
            assert said == (POISON, 99), "who does not agree is not written to"
        elif number in edited:
            assert said == (f"By hand {number}", (number * 7) % 100)
        else:
            assert said == ("Uses it less.", (number * 7) % 100)
    assert {key for key in records if key.startswith("N")} == {"N-00003"}
    with poisoned.open() as sync:
        left = sync.unrestored(undone.planned.plan.digest, limit=1000)
    assert all(isinstance(one, Unrestored) for one in left)
    assert len(left) == len(edited) + 4
    assert undone.delivered is not None
    assert undone.delivered.parity is not None
    assert undone.delivered.parity.classes[Discrepancy.UNEXPECTED] == 0


def test_the_poison_is_not_sent_again_until_somebody_says_so(poisoned: Project) -> None:
    """Every other plan is refused after a rollback; once the model is mended, it is released."""
    roll_back(poisoned, run="run-2")
    poisoned.requests()
    poisoned.clock.waited += 60

    again = poisoned.plan()
    assert not again.passed
    with pytest.raises(Refused, match="held since tests took a delivery back"):
        poisoned.deliver()
    assert poisoned.writes() == []

    poisoned.sql("DELETE FROM main_marts.customer_churn WHERE customer_id LIKE 'N-%'")
    poisoned.sql(
        "UPDATE main_marts.customer_churn SET churn_reason = 'Uses it less.', "
        "churn_score = (substr(customer_id, 3)::int * 7) % 100, "
        "scored_at = scored_at + INTERVAL 1 MINUTE"
    )
    with poisoned.services() as services:
        release(poisoned.contract, services.ledger, reason="mended", author="tests")
        acts = [entry.act for entry in services.ledger.audit.list()]
    mended = poisoned.run()

    assert mended.totals["planned"] == 0, "what is as before is not written again"
    assert mended.parity is not None
    assert mended.parity.classes[Discrepancy.MATCHED] == ROWS
    assert {Act.ROLLBACK, Act.STOP, Act.RELEASE} <= set(acts)


def test_a_rollback_repeats_itself_without_harm(poisoned: Project) -> None:
    """What is as it was before is not written a second time."""
    roll_back(poisoned, run="run-2")
    poisoned.requests()

    again = roll_back(poisoned, run="run-2")

    assert again.planned.plan.rows() == 0
    assert poisoned.writes() == []


def test_everything_since_a_time_goes_back_to_what_was_before_it(poisoned: Project) -> None:
    """Of several deliveries the first decides what comes back, the last what is ours."""
    started = poisoned.clock.now() - timedelta(seconds=30)
    poisoned.clock.waited += 60
    poisoned.score_again(changed=10, after=timedelta(minutes=1))
    poisoned.run()

    undone = roll_back(poisoned, since=started)

    assert counts(undone.planned) == {
        "delete taken_back send": NEW,
        "update restored send": ROWS,
    }
    assert poisoned.contact("C-00004")["Churn_Reason__c"] == "Uses it less."


def test_a_run_that_was_overtaken_is_restored_where_it_still_shows(poisoned: Project) -> None:
    """What a later delivery has written stays; fields that it left alone come back."""
    poisoned.clock.waited += 60
    poisoned.score_again(changed=10, after=timedelta(minutes=1))
    poisoned.run()

    roll_back(poisoned, run="run-2")

    overtaken, other = poisoned.contact("C-00004"), poisoned.contact("C-00011")
    assert (overtaken["Churn_Reason__c"], overtaken["Churn_Score__c"]) == (f"{POISON}.", 28)
    assert (other["Churn_Reason__c"], other["Churn_Score__c"]) == ("Uses it less.", 77)


def test_a_paused_sync_is_held_and_nothing_is_sent(poisoned: Project) -> None:
    """The kill switch stops a rollback too; what is not looked up is foreseen as unread."""
    with poisoned.services() as services:
        services.ledger.switches.pause(f"sync:{SYNC}", reason="look", author="tests")
    poisoned.requests()

    foreseen = preview(poisoned, run="run-2")
    with pytest.raises(Refused, match="is paused: look; a rollback sends"):
        roll_back(poisoned, run="run-2")

    assert set(counts(foreseen)) == {"update unread held", "delete unread held"}
    assert [r for r in poisoned.requests() if "/query" in r["path"]] == []
    with poisoned.services() as services:
        services.ledger.switches.resume(f"sync:{SYNC}", reason="go on", author="tests")
    assert not poisoned.plan().passed, "nothing ordinary slips in before the rollback"
    assert roll_back(poisoned, run="run-2").restoration is not None


def test_what_cannot_be_taken_back_is_said_before_anything_is_done(project: Project) -> None:
    """No images, no such run, no such phase, two things at once: told, and nothing is held."""
    project.edit_contract(lambda contract: contract.pop("rollback"))
    project.fill(10)
    project.open_phase()
    project.run()
    with pytest.raises(UsageError, match="keeps nothing of what was there before"):
        roll_back(project, run="run-1")
    project.edit_contract(_with_rollback)
    with pytest.raises(UsageError, match="nothing is kept of what was there before run run-1"):
        roll_back(project, run="run-1")
    with pytest.raises(UsageError, match="no run `other"):
        roll_back(project, run="other-run")
    with pytest.raises(UsageError, match="no phase `wide`"):
        preview(project, phase="wide")
    with pytest.raises(UsageError, match="one run, one phase"):
        Order(run="a", phase="b")
    with project.services() as services:
        assert services.ledger.holds.of(SYNC) is None
