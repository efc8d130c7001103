"""A HubSpot account whose day holds little: the backlog goes out over days, as foreseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.destinations.hubspot.traits import BURSTS, DEFAULT_PLAN
from activation.reconciliation.parity import Discrepancy, Parity
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation.sync.rehearsal import LivedRun, live_through
from activation_tests.sync.project import (
    CONSENT,
    LeapingClock,
    Project,
    make_project,
    opened_project,
)

SYNC = "hubspot_contact"
MODELS = {
    "customer_lead": {
        "customer_id": "varchar",
        "first_name": "varchar",
        "last_name": "varchar",
        "email": "varchar",
        "lifecycle_stage": "varchar",
        "lead_score": "integer",
        "lead_grade": "varchar",
        "lead_reason": "varchar",
        "seats": "integer",
        "scored_at": "timestamp",
    },
    "customer_consent": CONSENT,
}
ROWS, BATCH = 2_450, 100
DAY = 14
"""Requests of the account; a fifth of them is left to people, and each run takes one to look."""
BURST = 4
"""In any ten seconds."""


def fill(project: Project, rows: int) -> None:
    """Build both models: so many customers, all of whom agreed."""
    at = (project.clock.now() - timedelta(hours=2)).replace(tzinfo=None)
    project.sql(
        "INSERT INTO main_marts.customer_lead SELECT format('C-{:05d}', i), 'First' || i, "
        "'Last' || i, 'c' || i || '@example.com', 'lead', i % 100, 'B', 'Uses it.', 3, $at "
        "FROM range($rows) AS r(i)",
        {"rows": rows, "at": at},
    )
    project.sql(
        "INSERT INTO main_marts.customer_consent SELECT format('C-{:05d}', i), 'marketing', "
        "'email', 'granted', $at, $at FROM range($rows) AS r(i)",
        {"rows": rows, "at": at},
    )


@pytest.fixture
def account(
    tmp_path: Path, migrated_ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """Return the shipped contract, open to all, and an account whose limits are small."""
    monkeypatch.setitem(BURSTS, DEFAULT_PLAN, BURST)
    clock = LeapingClock()
    root = make_project(tmp_path / "project", migrated_ledger, sync=SYNC, models=MODELS)
    with (
        running(tmp_path / "vendor", clock=clock) as address,
        opened_project(root, Sandbox(address), sync=SYNC) as project,
    ):
        project.clock = clock

        def narrow(attributes: dict[str, Any]) -> None:
            attributes["freshness"]["max_age"] = "30d"
            attributes["consent"]["sources"][0]["max_lag"] = "30d"
            attributes["schedule"] = "15 */8 * * *"

        project.edit_contract(narrow)
        project.sandbox.set_quota("daily", system="hubspot", limit=DAY)
        project.sandbox.set_quota("burst", system="hubspot", limit=BURST)
        project.open_phase()
        fill(project, ROWS)
        yield project


def test_a_backlog_goes_out_over_days(account: Project) -> None:
    """No request is refused, no row is lost, and the plan had named the day and nearly the hour."""
    began = account.clock.now()

    with account.services() as services:
        until = began + timedelta(days=9)
        contract, leap = account.contract, account.clock.leap
        runs = list(live_through(contract, services, "full", leap=leap, until=until))

    log = account.sandbox.requests()
    assert Counter(entry["status"] for entry in log)[429] == 0
    a_day = Counter(entry["time"][:10] for entry in log)
    assert max(a_day.values()) <= DAY
    assert len(a_day) > 2
    assert sum(run.delivered.totals["delivered"] for run in runs) == ROWS
    assert account.sandbox.count("contacts", system="hubspot") == ROWS
    for run in runs:
        totals = run.delivered.totals
        assert totals["planned"] == sum(n for k, n in totals.items() if k != "planned")
    _as_foreseen(runs)
    assert _read_back(account).classes[Discrepancy.MATCHED] == ROWS


def _read_back(account: Project) -> Parity:
    """Return how all rows compare, on a day that holds as many reads."""
    account.sandbox.set_quota("daily", system="hubspot", limit=1_000, used=0)
    with account.open() as sync:
        return sync.reconcile(sync.phase("full"), full=True)


def _as_foreseen(runs: list[LivedRun]) -> None:
    outlook = runs[0].planned.outlook
    last = max(run.settled_at for run in runs if run.delivered.requests)
    assert outlook.requests == -(-ROWS // BATCH)
    assert outlook.done_at is not None
    assert last.date() == outlook.done_at.date()
    # The schedule's next run after midnight is up to its interval later.
    assert timedelta(0) <= last - outlook.done_at < timedelta(hours=8)
