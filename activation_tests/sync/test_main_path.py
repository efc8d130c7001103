"""One sync from plan to parity, against a real warehouse, ledger and vendor."""

from __future__ import annotations

from activation.errors import Busy
from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.project import SYNC, Project


def test_all_rows_arrive(project: Project) -> None:
    """The first run creates each row once, and source and destination agree."""
    project.fill(450)
    project.open_phase()

    delivered = project.run()

    assert delivered.stopped is None
    assert delivered.totals == {
        "planned": 450,
        "delivered": 450,
        "rejected": 0,
        "in_doubt": 0,
        "blocked": 0,
        "held": 0,
    }
    assert delivered.requests == len(project.writes()) == 3
    assert project.sandbox.count("Contact") == 450
    assert delivered.parity is not None
    assert delivered.parity.full
    assert delivered.parity.classes[Discrepancy.MATCHED] == 450
    assert all(finding.passed for finding in delivered.findings)


def test_a_repeat_writes_nothing(delivered: Project) -> None:
    """A run right after a run plans no row and sends no write request."""
    again = delivered.run()

    assert again.totals["planned"] == 0
    assert again.requests == 0
    assert delivered.writes() == []
    assert again.parity is not None
    assert again.parity.classes[Discrepancy.MATCHED] == 1000


def test_only_what_changed_is_sent(delivered: Project) -> None:
    """A newer state of all rows costs one request per 200 rows that differ."""
    delivered.score_again(changed=250)

    run = delivered.run()

    writes = delivered.writes()
    # Several requests are under way at once, and any of them may arrive first.
    assert sorted(entry["rows"] for entry in writes) == [50, 200]
    assert {key for entry in writes for key in entry["key_values"]} == {
        f"C-{i:05d}" for i in range(250)
    }
    assert run.tallies["update"].delivered == 250
    assert delivered.contact("C-00249")["Churn_Reason__c"] == "Uses it less.."
    assert delivered.contact("C-00250")["Churn_Reason__c"] == "Uses it less."


def test_a_wider_phase_adds_to_a_narrow_one(project: Project) -> None:
    """The rows of the canary are not sent again when everybody follows."""
    project.fill(600)
    project.open_phase("canary")
    project.open_phase("full")

    canary = project.run("canary").totals["delivered"]
    full = project.run("full").totals["delivered"]

    assert 0 < canary < 60
    assert canary + full == 600
    assert project.sandbox.count("Contact") == 600


def test_older_rows_never_overwrite(delivered: Project) -> None:
    """A row that comes back with an older version and other values is left where it is."""
    delivered.sql(
        "UPDATE main_marts.customer_churn SET scored_at = scored_at - INTERVAL 1 HOUR, "
        "churn_reason = 'An older reason.' WHERE customer_id < 'C-00010'"
    )

    planned = delivered.plan()
    run = delivered.deliver()

    assert planned.plan.blast.late == 10
    assert run.totals["planned"] == 0
    assert delivered.writes() == []
    assert delivered.contact("C-00003")["Churn_Reason__c"] == "Uses it less."


def test_a_preview_leaves_no_trace(project: Project) -> None:
    """A preview needs no open phase, and afterwards there is no plan to deliver."""
    project.fill(250)

    with project.open() as sync:
        preview = sync.preview("full", rows=2)

    assert preview.requests == 2
    assert [change.operation for change in preview.samples] == ["create", "create"]
    assert preview.samples[0].fields["LastName"] == (None, "•••")
    assert preview.samples[0].fields["Churn_Band__c"] == (None, "Low")
    with project.services() as services:
        assert services.ledger.plans.latest(project.contract.sync, "full") is None
    assert not project.sql("SELECT * FROM duckdb_tables() WHERE table_name LIKE 'plan_%'")
    assert project.writes() == []


def test_a_run_that_must_wait_leaves_the_others_plan(project: Project) -> None:
    """A run that finds another one sending does not drop the table that the other sends from."""
    project.fill(5)
    project.open_phase()
    others = project.plan().plan.table
    with project.services() as services:
        lease = services.ledger.leases.acquire(SYNC, "another run", seconds=300)
        project.clock.waited += 1
        project.plan()

        stopped = project.deliver().stopped

        services.ledger.leases.release(lease)
    assert isinstance(stopped, Busy)
    tables = project.sql("SELECT table_name FROM information_schema.tables")
    assert (others,) in tables
