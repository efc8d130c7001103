"""`rollback`: take deliveries back, after a look at what that would do."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from activation.cli import delivery, reports
from activation.cli.options import Json, SyncName
from activation.cli.output import Output, counted
from activation.cli.people import author
from activation.contract.values import parse_duration
from activation.errors import ExitCode, UsageError
from activation.ledger.holds import held
from activation.planning.model import Cause
from activation.planning.unrestored import unrestored_table
from activation.rollout.rollback import Order
from activation.settings import Settings
from activation.sync import Planned, Services, Sync, find_contract, open_services
from activation.sync.rolling_back import FINDING
from activation.warehouse.port import SCHEMA

_SHOWN = 20


def rollback(
    sync: SyncName,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="What one run delivered.")
    ] = None,
    phase: Annotated[
        str | None, typer.Option("--phase", metavar="P", help="What all runs of a phase delivered.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="T", help="All since a time (UTC), or an age such as 6h."),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Tell what would come back; change nothing.")
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")
    ] = "",
    json: Json = False,
) -> int:
    """Take deliveries back where they still stand; the sync is held until it is released."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    with open_services(settings) as services:
        order = Order(run=run, phase=phase, since=_moment(since, services.clock.now()))
        opened = Sync(contract, services)
        if preview:
            with output.step(f"looking at what {sync} holds"):
                report = foreseen(opened.preview_rollback(order))
            _show(output, report)
            output.result(report)
            return ExitCode.DONE if report["gates_passed"] else ExitCode.REFUSED
        opened.check_rollback(order, reason=reason, author=author())
        with output.step("loading Dagster") as step:
            from activation.defs.launch import launch_rollback

            step.say(f"{sync}: taking back")
            launched = launch_rollback(contract, order, settings, reason=reason, author=author())
        report = _ran(services, opened, launched.run_id, launched.message)
    delivery.show_run(output, report)
    _show_left(output, report)
    if report["read_back"]:
        output.text(f"[bold]rollback:[/] {reports.escape(report['read_back'])}")
    if report["held"]:
        output.text(f"[bold]next:[/] {reports.escape(report['held'])}")
    output.result(report)
    return int(report["exit_code"])


def foreseen(planned: Planned) -> dict[str, Any]:
    """Return what a rollback would do, by kinds, and what it would leave."""
    report = reports.planned(planned)
    sent = [a for a in report["actions"] if a["disposition"] == "send"]
    return report | {
        "undoes": list(planned.plan.undoes),
        "restored": sum(a["rows"] for a in sent if a["reason"] == Cause.RESTORED),
        "taken_back": sum(a["rows"] for a in sent if a["reason"] == Cause.TAKEN_BACK),
        "left_alone": {
            a["reason"]: a["rows"] for a in report["actions"] if a["disposition"] != "send"
        },
    }


def _ran(services: Services, opened: Sync, run_id: str, message: str | None) -> dict[str, Any]:
    """Return what a rollback's run came to, what it left alone, and what a read-back showed."""
    contract, ledger = opened.contract, services.ledger
    recorded = ledger.runs.get(run_id)
    phase = recorded.phase if recorded is not None else opened.phase(None).name
    report = reports.ran(services, contract, phase, run_id, message)
    shown = [f for f in (recorded.findings if recorded else ()) if f["name"] == FINDING]
    if shown:
        # What people edited differs from the source as it did before; that is no failure of this.
        report["exit_code"] = int(ExitCode.DONE if shown[0]["passed"] else ExitCode.REFUSED)
    hold = ledger.holds.of(contract.sync)
    left = opened.unrestored(report["plan"], limit=_SHOWN) if report["plan"] else ()
    return report | {
        "read_back": shown[0]["summary"] if shown else None,
        "left": [{"key": one.key_hash, "field": one.field, "why": one.reason} for one in left],
        "listed_in": f"{SCHEMA}.{unrestored_table(contract.sync)}",
        "held": None if hold is None else held(hold, contract.sync),
    }


def _show(output: Output, report: dict[str, Any]) -> None:
    undone = ", ".join(report["undoes"])
    output.text(
        f"[bold]{report['sync']}[/]: taking back {reports.escape(undone)} would restore "
        f"{counted(report['restored'], 'row')} and remove {counted(report['taken_back'], 'record')}"
        f" that it created, in {counted(report['requests'], 'request')}.\n"
    )
    output.table(
        "rows that are left alone",
        ["why", "rows"],
        [[why, rows] for why, rows in sorted(report["left_alone"].items())],
    )
    output.table(
        "values that somebody has changed since, and that stay",
        ["field", "rows"],
        [[field, rows] for field, rows in report["kept_fields"].items()],
    )
    for sentence in report["irreversible"]:
        output.text(f"cannot be undone: {reports.escape(sentence)}")
    output.text()


def _show_left(output: Output, report: dict[str, Any]) -> None:
    output.table(
        f"left alone (the first {_SHOWN}; all of it is in {report['listed_in']})",
        ["key", "field", "why"],
        [[one["key"], one["field"] or "all", one["why"]] for one in report["left"]],
    )


def _moment(text: str | None, now: datetime) -> datetime | None:
    """Return a time that was given as such, or as an age."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            return now - parse_duration(text)
        except ValueError:
            raise UsageError(
                f"`{text}` is neither a time nor an age.",
                hint='Write it as "2026-01-31 06:00" (UTC) or as 6h.',
            ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
