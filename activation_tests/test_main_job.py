"""The main job as a newcomer runs it: dbt, Dagster, the sandbox, a process of its own each day."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from activation_tests.sync.project import ROOT, SYNC

ROWS = 1000
BATCHES = {
    "braze_reengagement": (75, 1),
    "hubspot_contact": (100, 1),
    "salesforce_contact": (200, 1),
    # A job is submitted and then looked at until it is done.
    "zendesk_organization": (100, 4),
    "zendesk_user": (100, 4),
    # The contacts are looked up by key, and so is who is on the list; then they are added.
    "hubspot_at_risk_list": (100, 3),
}
"""Rows a batch and the most requests it takes, of every sync, in the order of the demo."""


@dataclass(frozen=True)
class Demo:
    """A home of its own, and a port that nothing else uses."""

    home: Path
    port: int

    def run(self, *, day: int) -> dict[str, Any]:
        """Return the report of one `activation demo`."""
        command = ["demo", "--rows", str(ROWS), "--day", str(day), "--json"]
        environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
        done = subprocess.run(
            [sys.executable, "-m", "activation.cli", *command],
            cwd=ROOT,
            env={
                **environment,
                "ACTIVATION_HOME": str(self.home),
                "ACTIVATION_PROJECT": str(ROOT),
                "ACTIVATION_SANDBOX_PORT": str(self.port),
                "ACTIVATION_TARGET": "sandbox",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        report = json.loads(done.stdout)
        assert isinstance(report, dict)
        return report


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """Return a demo that nothing was left of."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return Demo(tmp_path / "home", free.getsockname()[1])


def _agrees(run: dict[str, Any]) -> None:
    """See that every row has an outcome, and that source and destination agree in full."""
    for tally in [*run["outcomes"].values(), run["totals"]]:
        assert tally["planned"] == sum(n for name, n in tally.items() if name != "planned")
    assert all(gate["passed"] for gate in run["gates"])
    assert run["totals"]["rejected"] == run["totals"]["in_doubt"] == 0
    parity = run["parity"]
    assert parity["full"]
    assert parity["unexplained"] == 0
    assert sum(kind["rows"] for kind in parity["classes"]) == parity["keys"]


def _few_requests(report: dict[str, Any], *, more: int = 0) -> None:
    """See that every sync sent what it delivered in as few batches as its vendor allows."""
    for run in report["runs"]:
        rows, requests = BATCHES[run["sync"]]
        fewest = ceil(run["totals"]["delivered"] / rows)
        assert fewest <= run["requests"] <= (fewest + more) * requests


def _runs_of(report: dict[str, Any], sync: str = SYNC) -> list[dict[str, Any]]:
    """Return the runs of one sync, after seeing that those of every sync came out even."""
    assert report["models"]["passed"]
    assert report["balanced"]
    assert report["runs"]
    for run in report["runs"]:
        _agrees(run)
    told = {entry["sync"]: entry for entry in report["syncs"]}
    assert report["delivered"] == sum(entry["delivered"] for entry in told.values())
    assert report["requests"] == sum(entry["requests"] for entry in told.values())
    runs = [run for run in report["runs"] if run["sync"] == sync]
    assert told[sync]["phases"] == [run["phase"] for run in runs]
    assert told[sync]["unexplained"] == 0
    return runs


# Three processes, each with a dbt build; a minute or two on two busy cores.
@pytest.mark.timeout(600)
def test_three_runs_of_the_demo(demo: Demo) -> None:
    """Day 1 brings everybody, its repeat nothing, and day 2 what changed, in as few requests."""
    first = demo.run(day=1)
    canary, full = _runs_of(first)

    _few_requests(first)
    assert [entry["sync"] for entry in first["syncs"]] == list(BATCHES)
    assert all(entry["delivered"] for entry in first["syncs"])
    assert (canary["phase"], full["phase"]) == ("canary", "full")
    assert 0 < canary["totals"]["delivered"] < ROWS / 20
    delivered = canary["totals"]["delivered"] + full["totals"]["delivered"]
    assert delivered > ROWS / 2
    assert delivered + full["totals"]["blocked"] + full["totals"]["held"] == full["parity"]["keys"]

    repeated = demo.run(day=1)

    assert repeated["requests"] == repeated["delivered"] == 0
    (again,) = _runs_of(repeated)
    assert again["totals"]["planned"] == full["totals"]["blocked"] + full["totals"]["held"]

    moved = demo.run(day=2)
    (second,) = _runs_of(moved)

    # Withdrawals, creations and updates travel in batches of their own.
    _few_requests(moved, more=3)
    assert all(entry["delivered"] for entry in moved["syncs"])
    changed = second["totals"]["delivered"]
    assert 0 < changed < delivered * 0.3
    assert second["outcomes"]["update"]["delivered"] > 0
    assert (demo.home / "dagster").is_dir()
