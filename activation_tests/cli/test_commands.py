"""What commands tell: exit codes, text for people, one object with stable keys for scripts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activation.errors import ExitCode
from activation.gates.verdict import Gate
from activation.reconciliation.parity import Discrepancy
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project

OUTCOMES = {"planned", "delivered", "rejected", "in_doubt", "blocked", "held"}
GATE = {"gate", "passed", "summary", "evidence", "next_step", "override"}
PARITY = {
    "sync",
    "phase",
    "statement",
    "keys",
    "bound",
    "limit",
    "full",
    "unexplained",
    "passed",
    "classes",
    "drifted_fields",
}
QUOTA = {
    "used",
    "reserved",
    "allowed",
    "left",
    "account_used",
    "account_limit",
    "account_left",
}
RUN = {
    "sync",
    "phase",
    "run_id",
    "plan",
    "outcomes",
    "totals",
    "reasons",
    "balanced",
    "requests",
    "parity",
    "gates",
    "state",
    "exit_code",
    "message",
}


def _keys(rows: list[dict[str, Any]]) -> set[str]:
    """Return the keys that all rows have; there must be some."""
    assert rows
    assert len({frozenset(row) for row in rows}) == 1
    return set(rows[0])


def test_help_lists_every_command(activation: Command) -> None:
    """The help of the command names each command with what it does."""
    said = activation("--help")

    assert said.code == ExitCode.DONE
    listed = [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")]
    for command in (
        "demo",
        "sandbox",
        "validate",
        "plan",
        "run",
        "status",
        "reconcile",
        "open",
        "pause",
        "resume",
    ):
        assert command in listed
        assert activation(command, "--help").code == ExitCode.DONE


def test_validate(project: Project, activation: Command) -> None:
    """A good contract is valid; a field that Salesforce lacks is told with file and line."""
    good = activation("validate", "--json")
    project.sandbox.faults.add("drop_field", object="Contact", field="Churn_Reason__c")
    bad = activation("validate", "--json")
    offline = activation("validate", SYNC, "--offline", "--json")

    assert good.code == offline.code == ExitCode.DONE
    assert good.report == {
        "valid": True,
        "syncs": [{"sync": SYNC, "valid": True, "problems": []}],
    }
    assert bad.code == ExitCode.USAGE
    (problem,) = bad.report["syncs"][0]["problems"]
    assert "defs.yaml:" in problem
    assert "Churn_Reason__c" in problem


def test_plan(project: Project, activation: Command) -> None:
    """A plan tells what would change and what it costs, and sends nothing."""
    said = activation("plan", SYNC, "--phase", "full", "--rows", "3", "--json")

    assert said.code == ExitCode.DONE
    report = said.report
    assert set(report) == {
        "sync",
        "phase",
        "plan",
        "planned",
        "to_send",
        "blocked",
        "held",
        "requests",
        "cost",
        "verbs",
        "written_fields",
        "kept_fields",
        "quota",
        "forecast",
        "actions",
        "source",
        "blast_radius",
        "mapping_changed",
        "irreversible",
        "gates",
        "gates_passed",
        "samples",
    }
    assert (report["to_send"], report["requests"]) == (200, 1)
    assert _keys(report["gates"]) == GATE
    assert {gate["gate"] for gate in report["gates"]} == {gate.value for gate in Gate}
    assert _keys(report["actions"]) == {"operation", "disposition", "reason", "rows"}
    assert _keys(report["samples"]) == {"operation", "key", "fields"}
    assert len(report["samples"]) == 3
    assert "@example.com" not in said.out
    assert not any(f'"First{number}"' in said.out for number in range(200))
    assert project.writes() == []


def test_plan_with_a_failed_gate(project: Project, activation: Command) -> None:
    """A plan that a gate would stop ends with exit 1, and tells people what to do next."""
    project.fill(200, scored_at=project.clock.now() - timedelta(hours=32))

    said = activation("plan", SYNC, "--phase", "full")

    assert said.code == ExitCode.REFUSED
    assert "FAILED" in said.out
    assert "next, freshness: Build the model again" in said.out
    assert project.writes() == []


@pytest.mark.usefixtures("definitions")
def test_run_status_and_reconcile(project: Project, activation: Command) -> None:
    """A run delivers through Dagster; status and parity tell of it afterwards."""
    opened = activation("open", SYNC, "full", "--reason", "test", "--json")
    ran = activation("run", SYNC, "--json")
    status = activation("status", "--json")
    reconciled = activation("reconcile", SYNC, "--json")

    assert opened.code == ExitCode.DONE
    assert opened.report == {
        "sync": SYNC,
        "phase": "full",
        "share": 1.0,
        "open": True,
        "reason": "test",
    }

    assert ran.code == ExitCode.DONE
    report = ran.report
    assert set(report) == RUN
    assert set(report["totals"]) == OUTCOMES
    assert (report["phase"], report["state"], report["exit_code"]) == ("full", "done", 0)
    assert report["totals"]["delivered"] == 200
    assert report["balanced"]
    assert report["requests"] == len(project.writes()) == 1
    assert set(report["parity"]) == PARITY
    assert _keys(report["gates"]) == GATE

    assert status.code == ExitCode.DONE
    (sync,) = status.report["syncs"]
    assert set(sync) == {
        "sync",
        "paused",
        "held",
        "erasures",
        "backlog",
        "forecast",
        "phases",
        "plans",
        "promotion",
        "runs",
        "dead_letters",
        "quota",
    }
    assert sync["paused"] is None
    assert sync["backlog"] == 0
    assert _keys(sync["phases"]) == {"phase", "share", "open", "opened_at", "loaded_at"}
    assert _keys(sync["runs"]) == OUTCOMES | {
        "run",
        "phase",
        "plan",
        "state",
        "started_at",
        "ended_at",
        "requests",
        "parity",
        "message",
    }
    assert set(sync["quota"]) == QUOTA
    assert (sync["quota"]["used"], sync["quota"]["left"]) == (1, 1999)

    assert reconciled.code == ExitCode.DONE
    parity = reconciled.report
    assert set(parity) == PARITY
    assert parity["full"]
    assert _keys(parity["classes"]) == {"class", "rows", "explained", "meaning", "what_to_do"}
    assert {c["class"] for c in parity["classes"]} == {kind.value for kind in Discrepancy}


@pytest.mark.usefixtures("definitions")
def test_a_failed_gate_ends_a_run_with_exit_1(project: Project, activation: Command) -> None:
    """The run's report holds the verdicts; nothing was sent."""
    project.open_phase()
    project.sandbox.faults.add("drop_field", object="Contact", field="Churn_Band__c")

    said = activation("run", SYNC, "--json")

    assert said.code == ExitCode.REFUSED
    report = said.report
    assert set(report) == RUN
    assert (report["state"], report["requests"]) == ("refused", 0)
    assert [gate["gate"] for gate in report["gates"] if not gate["passed"]] == ["schema"]
    assert project.writes() == []


@pytest.mark.usefixtures("definitions")
def test_a_used_up_quota_ends_a_run_with_exit_3(project: Project, activation: Command) -> None:
    """What was not sent is held, the balance holds, and the repeat completes it."""
    project.open_phase()
    project.sandbox.faults.add("quota_exhausted", method="PATCH")

    stopped = activation("run", SYNC, "--json")
    project.sandbox.faults.clear()
    repeated = activation("run", SYNC)

    assert stopped.code == ExitCode.STOPPED
    report = stopped.report
    assert report["state"] == "stopped"
    assert report["balanced"]
    assert report["totals"]["held"] == report["totals"]["planned"] == 200
    assert "REQUEST_LIMIT_EXCEEDED" in report["message"]
    assert report["parity"] is None
    assert repeated.code == ExitCode.DONE
    assert project.sandbox.count("Contact") == 200


def test_drift_ends_a_reconciliation_with_exit_1(project: Project, activation: Command) -> None:
    """More drift than the contract bears is a failed check, with the field that differs."""
    project.open_phase()
    project.run()
    project.sandbox.edit_record("Contact", "C-00007", Churn_Reason__c="Called them.")

    said = activation("reconcile", SYNC, "--full", "--json")

    assert said.code == ExitCode.REFUSED
    assert not said.report["passed"]
    assert said.report["drifted_fields"] == {"Churn_Reason__c": 1}


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        ((SYNC,), f"sync:{SYNC}"),
        (("--connection", "salesforce"), "connection:salesforce"),
        (("--all",), "all"),
    ],
    ids=["sync", "connection", "all"],
)
def test_pause_and_resume(
    project: Project, activation: Command, scope: tuple[str, ...], told: str
) -> None:
    """A pause of any width is seen by the status and by the gate until it is resumed."""
    paused = activation("pause", *scope, "--reason", "An incident.", "--json")
    status = activation("status", "--json")
    plan = activation("plan", SYNC, "--json")
    resumed = activation("resume", *scope, "--reason", "It is over.", "--json")
    after = activation("status", "--json")

    assert paused.code == resumed.code == ExitCode.DONE
    assert paused.report == {"scope": told, "state": "paused", "reason": "An incident."}
    assert resumed.report == {"scope": told, "state": "resumed", "reason": "It is over."}
    assert status.report["syncs"][0]["paused"] == f"{told}: An incident."
    assert plan.code == ExitCode.REFUSED
    assert after.report["syncs"][0]["paused"] is None
    assert project.writes() == []


@pytest.mark.parametrize(
    "arguments",
    [("validate",), ("plan", SYNC), ("status",), ("pause", SYNC, "--reason", "test [/]")],
    ids=lambda arguments: arguments[0],
)
def test_people_read_text(
    project: Project, activation: Command, arguments: tuple[str, ...]
) -> None:
    """Without `--json` the result is text that names what it is about."""
    assert project.contract.sync == SYNC

    said = activation(*arguments)

    assert said.code == ExitCode.DONE
    assert not said.out.startswith("{")
    assert SYNC in said.out
    assert arguments[0] != "pause" or "(test [/])" in said.out


def test_the_audit_chain_is_told_and_verified(project: Project, activation: Command) -> None:
    """A pause stands in the list; the chain is whole; a hash that never was is missed."""
    assert project.contract.sync == SYNC
    activation("pause", SYNC, "--reason", "An incident.")

    told = activation("audit", "list", SYNC, "--json").report
    whole = activation("audit", "verify", "--head", told["head"], "--json")
    missed = activation("audit", "verify", "--head", "0" * 63 + "1", "--json")

    assert [(e["act"], e["reason"]) for e in told["entries"]] == [("pause", "An incident.")]
    assert (whole.code, whole.report) == (ExitCode.DONE, {"whole": True, "head": told["head"]})
    assert (missed.code, missed.report["whole"]) == (ExitCode.REFUSED, False)
