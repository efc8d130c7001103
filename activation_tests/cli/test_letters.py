"""`dead-letters` and `doubts`, as an operator uses them."""

from __future__ import annotations

from activation.errors import ExitCode
from activation.ledger.audit import Act
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


def _refuse_one(project: Project) -> None:
    project.open_phase()
    project.sandbox.faults.add("refuse_value", field="Email", value="c7@example.com")
    assert project.run().totals["rejected"] == 1
    project.sandbox.faults.clear()
    project.requests()


def test_a_letter_is_seen_replayed_and_delivered(project: Project, activation: Command) -> None:
    """A refused row is listed without its values, waits, and goes out once it is replayed."""
    _refuse_one(project)
    told = activation("dead-letters", "list", SYNC, "--json").report["letters"]
    (letter,) = told
    whole = activation("dead-letters", "show", SYNC, letter["letter"])
    assert "c7@example.com" not in str(told) + whole.out
    assert letter["class"] in whole.out
    assert project.run().totals["delivered"] == 0

    preview = activation(
        "dead-letters", "replay", SYNC, "--reason", "mended", "--preview", "--json"
    )
    other = activation(
        "dead-letters", "replay", SYNC, "--reason", "x", "--class", "OTHER", "--json"
    )
    done = activation("dead-letters", "replay", SYNC, "--reason", "the rule is gone", "--json")

    assert (preview.report["rows"], other.report["rows"], done.report["rows"]) == (1, 0, 1)
    assert project.run().totals["delivered"] == 1
    with project.services() as services:
        acts = [e for e in services.ledger.audit.list() if e.act == Act.REPLAY]
    assert [e.reason for e in acts] == ["the rule is gone"]


def test_a_dropped_letter_stays_away(project: Project, activation: Command) -> None:
    """What was given up is no longer open and is not sent unchanged."""
    _refuse_one(project)

    activation("dead-letters", "drop", SYNC, "--reason", "nobody needs it")

    assert activation("dead-letters", "list", SYNC, "--json").report["letters"] == []
    assert project.run().totals["delivered"] == 0


def test_what_is_not_there_is_named(project: Project, activation: Command) -> None:
    """An unknown letter, an age that is none, and a batch that is not in doubt are usage errors."""
    assert project.contract.sync == SYNC
    for arguments, said in (
        (("dead-letters", "show", SYNC, "b:1"), "no dead letter `b:1`"),
        (("dead-letters", "list", SYNC, "--older-than", "soon"), "not a duration"),
        (
            ("doubts", "settle", SYNC, "b", "--applied", "--reason", "seen"),
            "no batch `b` of salesforce_contact is in doubt",
        ),
    ):
        told = activation(*arguments)
        assert told.code == ExitCode.USAGE
        assert said in told.sentence
    assert activation("doubts", "list", SYNC, "--json").report == {"sync": SYNC, "batches": []}
