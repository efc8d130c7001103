"""`rollback`, as an operator uses it: foreseen, carried out by Dagster, told, released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from activation.errors import ExitCode
from activation.ledger.audit import Act
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project, unguarded

if TYPE_CHECKING:
    import dagster as dg


def test_a_run_is_foreseen_taken_back_and_released(
    project: Project, activation: Command, definitions: dg.Definitions
) -> None:
    """The preview changes nothing; the rollback restores, lists, holds; a release lets go."""
    assert definitions
    project.edit_contract(unguarded)
    project.open_phase()
    project.run()
    project.score_again(changed=20)
    project.run()
    project.sandbox.edit_record("Contact", "C-00001", Churn_Reason__c="By hand")
    project.requests()

    foreseen = activation("rollback", SYNC, "--run", "run-2", "--preview", "--json")
    assert foreseen.code == ExitCode.DONE
    assert foreseen.report["restored"] == 19
    assert foreseen.report["left_alone"] == {"edited": 1}
    assert any("e-mails they send are out" in line for line in foreseen.report["irreversible"])
    assert project.writes() == []

    done = activation("rollback", SYNC, "--run", "run-2", "--reason", "poison", "--json")
    again = activation("plan", SYNC, "--json")
    shown = activation("status", SYNC)
    released = activation("promotion", SYNC, "--release", "--reason", "mended", "--json")

    assert done.code == ExitCode.DONE
    assert done.report["totals"]["delivered"] == 19
    assert done.report["read_back"].startswith("Read back: of 19 rows, 19 hold what they held")
    assert [(one["field"], one["why"]) for one in done.report["left"]] == [(None, "edited")]
    assert "By hand" not in done.out
    assert project.contact("C-00002")["Churn_Reason__c"] == "Uses it less."
    assert project.contact("C-00001")["Churn_Reason__c"] == "By hand"
    assert again.code == ExitCode.REFUSED
    assert "is held since" in shown.out
    assert released.code == ExitCode.DONE
    assert activation("plan", SYNC, "--json").code == ExitCode.DONE
    with project.services() as services:
        acts = [e.act for e in services.ledger.audit.list() if e.act != Act.PLAN]
    assert acts == [Act.RELEASE, Act.RELEASE, Act.STOP, Act.ROLLBACK, Act.OPEN]


def test_what_is_asked_for_wrongly_is_told(project: Project, activation: Command) -> None:
    """Nothing named, two things named, a time that is none, no reason: usage errors."""
    project.open_phase()
    for arguments, said in (
        ((), "say what to take back"),
        (("--run", "a", "--phase", "full"), "say what to take back"),
        (("--since", "soon"), "neither a time nor an age"),
        (("--phase", "full"), "The reason is missing"),
        (("--phase", "full", "--reason", "x"), "nothing is kept of what was there before"),
    ):
        told = activation("rollback", SYNC, *arguments)
        assert told.code == ExitCode.USAGE
        assert said in told.sentence
