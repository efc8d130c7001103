"""`run`, `reconcile`: deliver through Dagster, and compare."""

from typing import Annotated, Any

import typer

from activation.cli import progress, reports
from activation.cli.describing import show_gates
from activation.cli.options import Json, PhaseName, SyncName
from activation.cli.output import Output, counted
from activation.cli.people import author
from activation.contract.model import Contract
from activation.errors import ExitCode, UsageError
from activation.settings import Settings
from activation.sync import Services, Sync, find_contract, open_services
from activation.sync.results import parity_record


def run(
    sync: SyncName,
    phase: PhaseName = None,
    resync: Annotated[
        bool,
        typer.Option("--resync", help="Compare with a full read-back instead of what we know."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, with --resync; it is recorded.")
    ] = "",
    approved: Annotated[
        bool, typer.Option("--approved", help="Deliver the plan that was approved; plan no other.")
    ] = False,
    json: Json = False,
) -> int:
    """Plan, pass the gates, deliver, reconcile; the run stands in the Dagster UI."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    if approved and resync:
        raise UsageError(
            "--approved delivers a plan that is there, and after --resync it would be wrong.",
            hint="Leave one of them out.",
        )
    with open_services(settings) as services:
        opened = Sync(contract, services)
        chosen = opened.phase(phase).name
        opened.preflight()
        if resync:
            _resync(output, opened, reason)
        if approved:
            _see_approval(services, contract, chosen)
        report = run_phase(output, settings, services, contract, chosen, replan=not approved)
    show_run(output, report)
    output.result(report)
    return int(report["exit_code"])


def _see_approval(services: Services, contract: Contract, phase: str) -> None:
    """
    See that the newest plan of a phase was approved, so that nothing else is meant.

    Raises:
        UsageError: it was not, or the approval has ended.
    """
    plan = services.ledger.plans.latest(contract.sync, phase)
    if plan is None or not services.ledger.approvals.of(plan.digest):
        raise UsageError(
            f"the newest plan of {contract.sync}, phase {phase}, is not approved (any more).",
            hint=f"`activation status {contract.sync}` names it; then `activation approve`.",
        )


def _resync(output: Output, sync: Sync, reason: str) -> None:
    with output.step(f"reading {sync.contract.destination.object} in full"):
        adopted = sync.resync(reason=reason, author=author())
    output.text(
        f"{counted(adopted.found, 'record')} with our key: {adopted.equal:,} hold what the source "
        f"says, {adopted.different:,} differ, {adopted.sourceless:,} have no row in the source."
    )


def reconcile(
    sync: SyncName,
    phase: PhaseName = None,
    full: Annotated[
        bool, typer.Option("--full", help="Every row, whatever the contract says.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", min=1, metavar="N", help="That many delivered rows.")
    ] = None,
    json: Json = False,
) -> int:
    """Read the destination back and compare it with the warehouse, row by row."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    with open_services(settings) as services:
        opened = Sync(contract, services)
        chosen = opened.phase(phase)
        with output.step(f"reading {contract.destination.object} back"):
            parity = opened.reconcile(chosen, full=full, rows=sample)
    report = reports.parity(contract, chosen.name, parity_record(parity))
    show_parity(output, report)
    output.result(report)
    return ExitCode.DONE if report["passed"] else ExitCode.REFUSED


def run_phase(
    output: Output,
    settings: Settings,
    services: Services,
    contract: Contract,
    phase: str,
    *,
    replan: bool = True,
) -> dict[str, Any]:
    """Launch one Dagster run of a phase, show its progress, and return its report."""
    with output.step("loading Dagster") as step:
        from activation.defs.launch import launch

        parts = "plan, delivery, parity" if replan else "delivery of the approved plan, parity"
        step.say(f"{contract.sync}, {phase}: {parts}")
        with progress.following(settings, contract.sync, phase, step):
            launched = launch(contract, phase, settings, services.ledger, replan=replan)
    return reports.ran(services, contract, phase, launched.run_id, launched.message)


def show_run(output: Output, report: dict[str, Any]) -> None:
    """Show a run's balance, its parity, and what stopped it if something did."""
    show_balance(output, [report])
    if report["parity"]:
        show_parity(output, report["parity"])
    show_stop(output, report)


def show_balance(output: Output, runs: list[dict[str, Any]]) -> None:
    """Show that every planned row has an outcome, and why rows of the last run stayed here."""
    columns = ["planned", "delivered", "rejected", "in_doubt", "blocked", "held"]
    lines: list[list[Any]] = []
    for run in runs:
        kinds = {**run["outcomes"], **({"all": run["totals"]} if len(run["outcomes"]) > 1 else {})}
        lines += [
            [run["phase"], operation, *(tally[column] for column in columns)]
            for operation, tally in kinds.items()
        ]
    if not lines:
        return
    output.table(
        "planned = delivered + rejected + in doubt + blocked + held",
        ["phase", "operation", *columns],
        lines,
    )
    for outcome, reasons in runs[-1]["reasons"].items():
        if reasons:
            told = ", ".join(f"{rows:,} {reason}" for reason, rows in reasons.items())
            output.text(f"{outcome}: {reports.escape(told)}")
    output.text()


def show_stop(output: Output, report: dict[str, Any]) -> None:
    """Show how a run ended: its state, the gates that failed, what stopped it."""
    if any(not gate["passed"] for gate in report["gates"]):
        show_gates(output, report["gates"])
    if report["plan"] and report["state"] == "refused":
        output.text(f"  the plan: {report['plan'][:12]}")
    output.text(
        f"{report['sync']}, phase {report['phase']}: {report['state']}; "
        f"{counted(report['requests'], 'write request')}; Dagster run {report['run_id']}"
    )
    if report["message"]:
        output.note(f"[bold]stopped:[/] {reports.escape(report['message'])}")
    output.text()


def show_parity(output: Output, report: dict[str, Any]) -> None:
    """Show each class of difference with its rows."""
    output.text(f"[bold]parity:[/] {reports.escape(report['statement'])}")
    output.table(
        None,
        ["class", "rows", "explained", "meaning"],
        [
            [c["class"], c["rows"], c["explained"], c["meaning"]]
            for c in report["classes"]
            if c["rows"]
        ],
    )
