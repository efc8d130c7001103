"""A backlog has a date: `plan` and `status` tell when what the day cannot hold will be done."""

from datetime import UTC, date, datetime, time, timedelta

from activation.errors import QuotaExhausted
from activation_tests.cli.conftest import Command
from activation_tests.sync.project import SYNC, Project


def test_a_backlog_has_a_date(project: Project, activation: Command) -> None:
    """Five requests at two a day: today two, the last one is done the day after tomorrow."""
    project.edit_contract(lambda contract: contract["quota"].update(requests_per_day=2))
    project.fill(1000)
    project.open_phase()

    planned = activation("plan", SYNC, "--json")
    delivered = project.run()
    status = activation("status", SYNC, "--json")
    told = activation("status", SYNC)

    assert planned.report["forecast"]["requests"] == planned.report["requests"] == 5
    assert (planned.report["quota"]["used"], planned.report["quota"]["left"]) == (0, 2)
    assert isinstance(delivered.stopped, QuotaExhausted)
    (sync,) = status.report["syncs"]
    assert (sync["backlog"], sync["forecast"]["requests"]) == (600, 3)
    quota = sync["quota"]
    assert (quota["used"], quota["reserved"], quota["allowed"], quota["left"]) == (2, 0, 2, 0)
    assert _day(planned.report) == _day(sync) == _today() + timedelta(days=2)
    assert sync["forecast"]["done_at"] in told.out


def test_nothing_waits_after_a_run(project: Project, activation: Command) -> None:
    """A sync that has delivered all that was planned has no backlog and says so."""
    project.fill(10)
    project.open_phase()
    project.run()

    status = activation("status", SYNC)

    assert "nothing waits" in status.out


def _day(report: dict[str, dict[str, str]]) -> date:
    return datetime.strptime(report["forecast"]["done_at"], "%Y-%m-%d %H:%M:%SZ").date()  # noqa: DTZ007 - only its day counts


def _today() -> date:
    now = datetime.now(UTC)
    assert now.time() < time(23, 59)
    return now.date()


def test_days_are_rehearsed(project: Project, activation: Command) -> None:
    """Five requests at three a day are lived through on a sandbox of its own; nothing of ours."""
    project.edit_contract(lambda contract: contract["quota"].update(requests_per_day=3))
    project.fill(1000)
    before = len(project.sandbox.requests())

    lived = activation("rehearse", SYNC, "--json")

    report = lived.report
    assert lived.code == 0, lived.out
    assert (report["foreseen"]["requests"], report["foreseen"]["days"]) == (5, 2)
    assert (report["lived"]["requests"], report["lived"]["days"]) == (5, 2)
    assert [day["requests"] for day in report["days"]] == [3, 2]
    assert (report["rows"], report["refused"], report["balanced"]) == (1000, 0, True)
    assert report["parity"]["unexplained"] == 0
    assert len(project.sandbox.requests()) == before
    assert not project.sql("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'activation'")


def test_a_limit_that_no_account_has_is_told(project: Project, activation: Command) -> None:
    """A limit is named as the sandbox names it, with a number."""
    project.fill(10)

    assert "no limit" in activation("rehearse", SYNC, "--limit", "many").sentence
    assert "hourly" in activation("rehearse", SYNC, "--limit", "hourly=3").sentence
