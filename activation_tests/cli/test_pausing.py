"""The kill switch, turned by one process while another one delivers."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from activation.errors import ExitCode
from activation.sandbox.client import Sandbox
from activation.settings import Settings
from activation.sync import Sync, find_contract, open_services
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, make_project, opened_project

_ROWS, _REQUESTS = 1000, 5
_PATIENCE = 30.0


def deliver(environment: Mapping[str, str]) -> None:
    """Plan and deliver, as a process of its own."""
    settings = Settings.load(environment)
    with open_services(settings, environment=environment) as services:
        sync = Sync(find_contract(settings, SYNC), services)
        assert sync.plan("full", run_id="run-1").passed
        assert sync.deliver("full", run_id="run-1").stopped is not None


def writes(vendor: Sandbox) -> list[dict[str, Any]]:
    """Return the write requests that have come by now."""
    return [entry for entry in vendor.requests() if entry["method"] == "PATCH"]


def wait_for_writes(vendor: Sandbox, delivery: BaseProcess) -> None:
    """Return as soon as the delivery has begun to write."""
    deadline = time.monotonic() + _PATIENCE
    while not writes(vendor):
        assert delivery.is_alive(), f"it ended with {delivery.exitcode} before it wrote"
        assert time.monotonic() < deadline, "it does not write"
        delivery.join(0.02)


def test_a_pause_stops_another_process_within_a_second(
    tmp_path: Path,
    vendor: Sandbox,
    migrated_ledger: Path,
    monkeypatch: pytest.MonkeyPatch,
    activation: Command,
) -> None:
    """No request starts later than that; once resumed, every row is there, written once."""
    root = make_project(tmp_path / "project", migrated_ledger)
    with opened_project(root, vendor) as project:
        project.enter(monkeypatch)
        project.edit_contract(lambda attributes: attributes["quota"].update(concurrency=1))
        project.fill(_ROWS)
        project.open_phase()
        environment = dict(project.environment)
    vendor.faults.add("slow", method="PATCH", seconds=1.0)
    delivery = get_context("spawn").Process(target=deliver, args=(environment,))
    delivery.start()
    wait_for_writes(vendor, delivery)

    running = activation("status", SYNC, "--json").report["syncs"][0]
    assert activation("pause", SYNC, "--reason", "the model is wrong").code == ExitCode.DONE
    delivery.join(_PATIENCE)

    assert delivery.exitcode == 0
    with opened_project(root, vendor) as project, project.services() as services:
        (switch,) = services.ledger.switches.list()
    started = [datetime.fromisoformat(entry["time"]) for entry in writes(vendor)]
    assert len(started) < _REQUESTS
    assert max(started) - switch.at <= timedelta(seconds=1)
    assert running["quota"]["reserved"] >= 1
    paused = activation("status", SYNC, "--json").report["syncs"][0]
    assert paused["quota"]["used"] == len(started)
    assert paused["quota"]["reserved"] == 0
    assert paused["quota"]["left"] == paused["quota"]["allowed"] - len(started)
    assert paused["backlog"] == _ROWS - 200 * len(started)
    assert paused["forecast"]["requests"] == _REQUESTS - len(started)
    assert paused["forecast"]["done_at"] is not None

    vendor.faults.clear()
    assert activation("resume", SYNC, "--reason", "it was mended").code == ExitCode.DONE
    with opened_project(root, vendor) as project:
        project.enter(monkeypatch)
        project.run()
    keys = Counter(key for entry in writes(vendor) for key in entry["key_values"])
    assert keys == Counter(f"C-{number:05d}" for number in range(_ROWS))
    assert vendor.count("Contact") == _ROWS
