"""`approve`: from a plan that a gate has stopped to its delivery, and no further."""

from __future__ import annotations

import pytest

from activation.errors import ExitCode
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


@pytest.mark.usefixtures("definitions")
def test_a_stopped_plan_is_approved_and_delivered(project: Project, activation: Command) -> None:
    """The stopped run names the plan; once approved it goes out, and the next one asks anew."""
    project.open_phase()
    project.run()
    project.score_again(changed=150)
    project.requests()

    stopped = activation("run", SYNC, "--json").report
    plan = stopped["plan"]
    (failed,) = [gate for gate in stopped["gates"] if not gate["passed"]]
    assert (failed["gate"], failed["override"]) == ("blast_radius", None)
    assert f"activation approve {plan[:12]} --gate blast_radius" in failed["next_step"]
    assert "not approved" in activation("run", SYNC, "--approved").sentence

    said = activation(
        "approve", plan[:12], "--gate", "blast_radius", "--reason", "new wording", "--json"
    )
    assert said.code == ExitCode.DONE
    assert said.report["plan"] == plan
    (approval,) = said.report["approvals"]
    assert (approval["gate"], approval["reason"]) == ("blast_radius", "new wording")
    (shown,) = activation("status", SYNC, "--json").report["syncs"][0]["plans"]
    assert (shown["plan"], shown["stopped_by"]) == (plan, ["blast_radius"])
    assert shown["approvals"] == [approval]
    assert "new wording" in " ".join(activation("status", SYNC).out.split())
    assert project.writes() == []

    delivered = activation("run", SYNC, "--approved", "--json")
    assert delivered.code == ExitCode.DONE
    assert delivered.report["totals"]["delivered"] == 150
    assert delivered.report["plan"] == plan
    acts = activation("audit", "list", SYNC, "--json").report["entries"]
    assert [act["act"] for act in acts[:2]] == ["approve", "plan"]

    project.score_again(changed=150)
    project.requests()
    assert activation("run", SYNC, "--json").code == ExitCode.REFUSED
    assert project.writes() == []


@pytest.mark.usefixtures("project")
def test_a_plan_that_nobody_knows_is_not_approved(activation: Command) -> None:
    """A preview's digest is in no ledger, and that is said."""
    preview = activation("plan", SYNC, "--json").report["plan"]

    said = activation("approve", preview, "--reason", "because")

    assert said.code == ExitCode.USAGE
    assert "A preview is in no ledger" in said.sentence
