"""The contract that ships for Braze: only what changed is sent, billed as foreseen, and seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.destinations.braze.traits import IDS, TRACK, USER
from activation.errors import Refused, UsageError
from activation.gates.verdict import Gate
from activation.reconciliation.parity import Discrepancy
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation.sync import Delivered, Planned
from activation_tests.sync.project import (
    CONSENT,
    LeapingClock,
    Project,
    make_project,
    opened_project,
)

SYNC = "braze_reengagement"
ROWS = 400
FIELDS_OF_A_NEW_PROFILE = 6
LAG = USER.read_lag.total_seconds()
MODELS = {
    "customer_reengagement": {
        "customer_id": "varchar",
        "first_name": "varchar",
        "email": "varchar",
        "reengagement_stage": "varchar",
        "reengagement_reason": "varchar",
        "churn_band": "varchar",
        "monthly_value": "decimal(12,2)",
        "email_opt_out": "varchar",
        "segmented_at": "timestamp",
    },
    "customer_consent": CONSENT,
    "customer_churn": {"scored_at": "timestamp"},
}
MART = "main_marts.customer_reengagement"


class Workspace:
    """The project, and the sandbox's workspace, which share one clock."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.sandbox = project.sandbox

    def fill(self, rows: int) -> None:
        """Build both models: so many customers who agreed, the even ones away."""
        at = (self.project.clock.now() - timedelta(hours=2)).replace(tzinfo=None)
        self.project.sql(
            f"INSERT INTO {MART} SELECT format('C-{{:05d}}', i), 'First' || i, "  # noqa: S608
            "'c' || i || '@example.com', CASE WHEN i % 2 = 0 THEN 'remind' ELSE 'none' END, "
            "CASE WHEN i % 2 = 0 THEN 'Uses it less.' END, "
            "'Low', 100 + i, NULL, $at "
            "FROM range($rows) AS r(i)",
            {"rows": rows, "at": at},
        )
        self.project.sql(
            "INSERT INTO main_marts.customer_consent SELECT format('C-{:05d}', i), 'marketing', "
            "'email', 'granted', $at, $at FROM range($rows) AS r(i)",
            {"rows": rows, "at": at},
        )
        self.project.sql("INSERT INTO main_marts.customer_churn VALUES ($at)", {"at": at})

    def move_on(self, **columns: str) -> None:
        """Let some time pass, after which C-00000 to C-00009 have these values."""
        sets = "".join(
            f", {name} = CASE WHEN customer_id < 'C-00010' THEN {value} ELSE {name} END"
            for name, value in columns.items()
        )
        later = "segmented_at = segmented_at + INTERVAL 10 MINUTE"
        self.project.sql(f"UPDATE {MART} SET {later}{sets}")  # noqa: S608

    def billed(self) -> dict[str, int]:
        """Return the data points that the vendor has counted, by attribute."""
        by: dict[str, int] = self.sandbox.call("GET", "braze/data_points")["by"]
        return by

    def profile(self, key: str) -> dict[str, Any]:
        """Return a profile as the vendor has it."""
        found = [
            r for r in self.sandbox.records("users", system="braze") if r["external_id"] == key
        ]
        assert len(found) == 1, f"{len(found)} profiles of {key}"
        return found[0]

    def run(self) -> tuple[Planned, Delivered]:
        """Plan and deliver, and see that what was foreseen was billed."""
        before = sum(self.billed().values())
        planned = self.project.plan()
        assert planned.passed, [v.summary for v in planned.verdicts if not v.passed]
        delivered = self.project.deliver()
        assert delivered.stopped is None
        assert planned.cost.billed == sum(self.billed().values()) - before
        assert planned.requests == delivered.requests
        return planned, delivered


@pytest.fixture
def workspace(tmp_path: Path, migrated_ledger: Path) -> Iterator[Workspace]:
    """Return the shipped contract, open to all, its models of 400 rows, and an empty workspace."""
    clock = LeapingClock()
    root = make_project(tmp_path / "project", migrated_ledger, sync=SYNC, models=MODELS)
    with (
        running(tmp_path / "vendor", clock=clock) as address,
        opened_project(root, Sandbox(address), sync=SYNC) as project,
    ):
        project.clock = clock
        project.open_phase()
        opened = Workspace(project)
        opened.fill(ROWS)
        yield opened


def classes(delivered: Delivered) -> dict[str, int]:
    """Return the classes that have keys."""
    assert delivered.parity is not None
    return {kind.value: rows for kind, rows in delivered.parity.classes.items() if rows}


def test_the_first_load_is_seen_after_the_queue(workspace: Workspace) -> None:
    """All profiles are there, billed by the field as foreseen, once the queue has let them out."""
    planned, delivered = workspace.run()

    assert planned.cost.billed == FIELDS_OF_A_NEW_PROFILE * ROWS
    assert planned.cost.billed_unit == "data points"
    assert planned.requests == -(-ROWS // TRACK.batch_rows)
    assert classes(delivered) == {"matched": ROWS}
    queue = workspace.sandbox.quirks("braze")["queue_seconds"]
    assert queue < workspace.project.clock.waited < LAG


def test_what_did_not_change_is_never_sent(workspace: Workspace) -> None:
    """Of ten changed customers two fields go; of all others, whose rows are newer, nothing."""
    workspace.run()
    workspace.project.requests()
    before = workspace.billed()
    workspace.move_on(reengagement_stage="'win_back'", churn_band="'High'")

    planned, delivered = workspace.run()

    after = workspace.billed()
    changed = {name: n - before[name] for name, n in after.items() if n != before[name]}
    assert changed == {"reengagement_stage": 10, "churn_band": 10}
    assert planned.cost.billed == 20
    assert classes(delivered) == {"matched": ROWS}
    writes = [r for r in workspace.project.requests("POST") if r["path"] == "/users/track"]
    assert [r["rows"] for r in writes] == [10]


def test_a_run_without_changes_sends_and_bills_nothing(workspace: Workspace) -> None:
    """Rows that are only newer cost no request and no data point."""
    workspace.run()
    workspace.move_on()

    planned, delivered = workspace.run()

    assert (planned.requests, planned.cost.billed, delivered.totals["planned"]) == (0, 0, 0)
    assert classes(delivered) == {"matched": ROWS}


def test_an_emptied_value_is_cleared(workspace: Workspace) -> None:
    """Who is back loses the reason, as a null, which is billed once."""
    workspace.run()
    workspace.move_on(reengagement_stage="'none'", reengagement_reason="NULL")

    planned, delivered = workspace.run()

    # Five of the ten were at stage none already.
    assert planned.cost.billed == 2 * 5
    assert "reengagement_reason" not in workspace.profile("C-00004")["custom_attributes"]
    assert classes(delivered) == {"matched": ROWS}


def test_who_says_no_is_unsubscribed_first(workspace: Workspace) -> None:
    """A withdrawal unsubscribes and leaves the segment for one data point, and stays so."""
    workspace.run()
    workspace.project.consent("C-00004", "denied")
    workspace.move_on(email_opt_out="CASE customer_id WHEN 'C-00004' THEN 'unsubscribed' END")

    planned, delivered = workspace.run()

    assert planned.cost.billed == 1
    profile = workspace.profile("C-00004")
    assert profile["email_subscribe"] == "unsubscribed"
    assert profile["custom_attributes"]["reengagement_stage"] == "none"
    assert classes(delivered) == {"matched": ROWS - 1, "blocked": 1}

    again, _ = workspace.run()
    assert again.requests == 0

    workspace.project.consent("C-00004", "granted")
    workspace.move_on(email_opt_out="NULL")
    workspace.project.clock.waited += LAG
    back, delivered = workspace.run()
    assert back.cost.billed == 1
    assert workspace.profile("C-00004")["email_subscribe"] == "unsubscribed"
    assert classes(delivered) == {"matched": ROWS}


@pytest.mark.parametrize("seconds", [6.0, 30.0, 200.0])
def test_only_what_is_not_there_yet_is_read_again(workspace: Workspace, seconds: float) -> None:
    """However long the queue takes within the lag, the comparison comes out even, and saves."""
    workspace.run()
    workspace.sandbox.set_quirk("braze", "queue_seconds", seconds)
    workspace.move_on(churn_band="'High'")
    workspace.project.requests()
    began = workspace.project.clock.waited

    _, delivered = workspace.run()

    assert classes(delivered) == {"matched": ROWS}
    assert seconds < workspace.project.clock.waited - began < LAG
    reads = [r for r in workspace.project.requests("POST") if r["path"] == "/users/export/ids"]
    assert ROWS // IDS < len(reads) <= ROWS // IDS + 9


def test_what_never_takes_effect_is_told(workspace: Workspace) -> None:
    """What was accepted and does not show within the lag is missing: accepted is not verified."""
    workspace.sandbox.set_quirk("braze", "queue_seconds", 10 * LAG)

    _, delivered = workspace.run()

    assert delivered.totals["delivered"] == ROWS
    assert classes(delivered) == {"missing": ROWS}
    assert LAG <= workspace.project.clock.waited < LAG + 1
    assert [f.passed for f in delivered.findings if f.name == "parity"] == [False]


def test_what_is_dropped_without_a_word_is_told(workspace: Workspace) -> None:
    """A value that was accepted and thrown away shows as drift, with its field."""
    workspace.project.plan()
    blocked = {"status": "Blocklisted"}
    workspace.sandbox.call("PATCH", "braze/attributes/churn_band", blocked)

    delivered = workspace.project.deliver()

    assert delivered.totals["delivered"] == ROWS
    assert classes(delivered) == {"drifted": ROWS}
    assert delivered.parity is not None
    assert dict(delivered.parity.fields) == {"churn_band": ROWS}


def test_no_newer_version_overtakes_a_queued_one(workspace: Workspace) -> None:
    """Rows that were accepted and not seen wait for the horizon; then the newest one wins."""
    workspace.run()
    workspace.sandbox.set_quirk("braze", "queue_seconds", LAG / 4)
    workspace.sandbox.set_quirk("braze", "queue_spread", LAG / 2)
    workspace.move_on(churn_band="'High'")
    workspace.project.plan()
    # The run dies after its requests and before anything was seen.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("activation.sync.delivering.reconcile_settled", _die)
        with pytest.raises(KeyboardInterrupt):
            workspace.project.deliver()
    workspace.move_on(churn_band="'Medium'", reengagement_stage="'win_back'")

    early = workspace.project.plan()
    workspace.project.clock.waited += TRACK.horizon.total_seconds() + 1
    late, delivered = workspace.run()

    held = {c.reason: c.rows for c in early.plan.counts if c.disposition == "held"}
    assert held == {"in_doubt": 10}
    assert early.requests == 0
    assert late.requests == 1
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.MATCHED] == ROWS
    attributes = workspace.profile("C-00004")["custom_attributes"]
    assert (attributes["churn_band"], attributes["reengagement_stage"]) == ("Medium", "win_back")


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_was_seen_need_not_wait(workspace: Workspace) -> None:
    """After a comparison in full, the next version goes at once."""
    workspace.run()
    workspace.move_on(churn_band="'High'")

    planned, _ = workspace.run()

    assert planned.plan.rows() == 10
    assert planned.requests == 1


@pytest.mark.parametrize(
    ("table", "column"), [(MART, "segmented_at"), ("main_marts.customer_churn", "scored_at")]
)
def test_a_stale_segment_never_reaches_the_campaign(
    workspace: Workspace, table: str, column: str
) -> None:
    """Neither an old segment nor one made with an old score goes out, whoever approves it."""
    project = workspace.project
    project.sql(f"UPDATE {table} SET {column} = {column} - INTERVAL 29 HOUR")  # noqa: S608
    planned = project.plan()

    with pytest.raises(Refused, match="freshness"):
        project.deliver()
    with (
        project.services() as services,
        pytest.raises(UsageError, match="can be overridden by nobody"),
    ):
        services.ledger.approvals.approve(planned.plan.digest, reason="now", author="tests")

    assert [v.gate for v in planned.verdicts if not v.passed] == [Gate.FRESHNESS]
    assert workspace.billed() == {}


def test_a_segment_that_goes_stale_after_its_plan_is_not_sent(workspace: Workspace) -> None:
    """A plan that passed is refused once its data has become too old, within the plan's hour."""
    project = workspace.project
    old = "segmented_at - INTERVAL 27 HOUR - INTERVAL 30 MINUTE"
    project.sql(f"UPDATE {MART} SET segmented_at = {old}")  # noqa: S608
    assert project.plan().passed
    project.clock.waited += timedelta(minutes=31).total_seconds()

    with pytest.raises(Refused, match="gone stale since it was planned"):
        project.deliver()

    assert workspace.billed() == {}
