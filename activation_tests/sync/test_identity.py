"""Records that were there before us: adopted, listed or left, against the sandbox."""

from __future__ import annotations

from typing import Any

from activation.planning.model import Disposition
from activation_tests.sync.project import Project

ROWS = 500


def adopting(project: Project, mode: str = "upsert") -> None:
    """Let the contract find records by their e-mail, and fill the model."""

    def change(attributes: dict[str, Any]) -> None:
        attributes["identity"] = ["Email"]
        attributes["destination"]["mode"] = mode

    project.edit_contract(change)
    project.fill(ROWS)
    project.open_phase()


def test_records_without_our_key_are_adopted_and_never_doubled(project: Project) -> None:
    """Of people who are there already, one record each goes on; unclear ones are left alone."""
    for number in range(40):
        project.sandbox.create_record(
            "Contact", LastName="There", Email=f"C{number}@Example.com", Title="Buyer"
        )
    for _ in range(2):
        project.sandbox.create_record("Contact", LastName="Twin", Email="c77@example.com")
    adopting(project)
    project.requests()

    planned = project.plan()
    reads = [r for r in project.requests("GET") if "/query" in r["path"]]
    delivered = project.deliver()

    reasons = {(c.operation, c.disposition, c.reason): c.rows for c in planned.plan.counts}
    assert reasons == {
        ("create", Disposition.SEND, None): ROWS - 41,
        ("update", Disposition.SEND, "adopted"): 40,
        ("create", Disposition.HELD, "ambiguous"): 1,
    }
    assert planned.cost.lookups == len(reads) == 6
    assert delivered.totals["delivered"] == ROWS - 1
    assert len(project.sandbox.records("Contact")) == ROWS + 1
    adopted = project.contact("C-00007")
    assert (adopted["Title"], adopted["LastName"]) == ("Buyer", "Last7")
    assert delivered.parity is not None
    assert delivered.parity.unexplained == 0
    project.score_again(changed=10)
    assert project.run().totals["delivered"] == 10


def test_nothing_is_asked_while_somebody_has_paused_it(project: Project) -> None:
    """A look-up tells the vendor of people, so the kill switch stops it like any request."""
    adopting(project)
    with project.services() as services:
        services.ledger.switches.pause("all", reason="test", author="tests")
    project.requests()

    planned = project.plan()

    assert not planned.passed
    assert [r for r in project.requests() if "/query" in r["path"]] == []
    assert {count.reason for count in planned.plan.counts} == {"unread"}


def test_update_only_reaches_who_is_there(project: Project) -> None:
    """Who is not there waits, unwritten and unrefused; who is found by e-mail is written."""
    for number in range(3):
        project.sandbox.create_record("Contact", LastName="There", Email=f"c{number}@example.com")
    adopting(project, "update_only")

    delivered = project.run()

    assert (delivered.totals["delivered"], delivered.totals["held"]) == (3, ROWS - 3)
    assert len(project.sandbox.records("Contact")) == 3
    assert delivered.outcomes.dead_letters == 0
