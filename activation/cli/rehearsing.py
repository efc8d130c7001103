"""`demo`: the whole main job of every sync, from an empty warehouse to parity."""

import os
import shutil
import time
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from activation.cli import reports
from activation.cli.delivery import run_phase, show_balance, show_parity, show_stop
from activation.cli.options import Json
from activation.cli.output import Output, counted
from activation.cli.people import author
from activation.cli.sandbox import sandboxed
from activation.clock import SystemClock
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.contract.references import in_order
from activation.errors import ExitCode, UsageError
from activation.settings import Settings
from activation.sync import Services, Sync, open_services
from activation.warehouse.profile import load_profile

_LEFT_BY_DEMOS = ("alerts", "dagster", "dbt", "sandbox", "ledger.db", "warehouse.duckdb", "logs")


def demo(
    rows: Annotated[int, typer.Option("--rows", min=1, help="Customers of the company.")] = 10_000,
    day: Annotated[int, typer.Option("--day", min=1, help="Which day of the company it is.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which company.")] = 7,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget earlier demos first: their whole home.")
    ] = False,
    json: Json = False,
) -> int:
    """Run the whole main job against the sandbox: from an empty warehouse to parity."""
    settings = Settings.load()
    if settings.target != "sandbox":
        raise UsageError(
            f"the demo writes to the sandbox alone, and ACTIVATION_TARGET is {settings.target}.",
            hint="Unset ACTIVATION_TARGET.",
        )
    output = Output(json=json)
    started = time.monotonic()
    if fresh and settings.home.exists():
        _forget(settings)
    contracts = in_order(load_contracts(settings.contracts).values())
    with sandboxed(settings, output), open_services(settings) as services:
        for contract in contracts:
            Sync(contract, services).preflight()
        company = _generate(settings, output, rows=rows, day=day, seed=seed)
        models = _models(settings, output)
        rollouts = [
            [*_rollout(output, settings, services, contract)] if models["passed"] else []
            for contract in contracts
        ]
    runs = [run for rollout in rollouts for run in rollout]
    codes = [models["exit_code"], *(run["exit_code"] for run in runs)]
    report = {
        "day": day,
        "company": company,
        "models": models,
        "syncs": [
            reports.rollout(contract, rollout)
            for contract, rollout in zip(contracts, rollouts, strict=True)
        ],
        "runs": runs,
        "delivered": sum(run["totals"]["delivered"] for run in runs),
        "requests": sum(run["requests"] for run in runs),
        "balanced": all(run["balanced"] for run in runs),
        "seconds": round(time.monotonic() - started, 1),
        "exit_code": max(codes),
    }
    _tell(output, settings, report)
    output.result(report)
    return int(report["exit_code"])


def _forget(settings: Settings) -> None:
    """Remove what earlier demos left, if the folder is one that a demo made."""
    strangers = [e.name for e in settings.home.iterdir() if not e.name.startswith(_LEFT_BY_DEMOS)]
    if strangers:
        raise UsageError(
            f"{settings.home} holds more than a demo's files: {min(strangers)}.",
            hint="Point ACTIVATION_HOME to a folder of the demo's own.",
        )
    shutil.rmtree(settings.home)


def _generate(
    settings: Settings, output: Output, *, rows: int, day: int, seed: int
) -> dict[str, Any]:
    from activation.sandbox.company import generate

    profile = load_profile(settings.dbt_project, settings.environment(os.environ))
    with output.step(f"making a company of {rows:,} customers, day {day}"):
        company = generate(profile.path, rows=rows, day=day, seed=seed, now=SystemClock().now())
    return {
        "customers": company.customers,
        "active_in_last_day": company.active_in_last_day,
        "tables": dict(company.tables),
        "as_of": company.as_of,
    }


def _models(settings: Settings, output: Output) -> dict[str, Any]:
    """Build and test the dbt models, once for all syncs."""
    with output.step("loading Dagster") as step:
        from activation.defs.launch import build_models

        step.say("building and testing the dbt models")
        return reports.built(build_models(settings))


def _rollout(
    output: Output, settings: Settings, services: Services, contract: Contract
) -> Iterator[dict[str, Any]]:
    """Run the widest open phase; the first time, the canary and then everybody."""
    narrow, wide = contract.rollout.phases[0].name, contract.rollout.phases[-1].name
    opened = {phase.phase for phase in services.ledger.phases.opened(contract.sync)}
    if wide not in opened:
        # Every run lets Dagster have the partitions that are open.
        services.ledger.phases.open(
            contract.sync, narrow, reason="demo: begin small", author=author()
        )
        report = run_phase(output, settings, services, contract, narrow)
        yield report
        if report["exit_code"] != ExitCode.DONE:
            return
        services.ledger.phases.open(
            contract.sync, wide, reason="demo: the canary is healthy", author=author()
        )
    yield run_phase(output, settings, services, contract, wide)


def _tell(output: Output, settings: Settings, report: dict[str, Any]) -> None:
    output.text()
    if not report["models"]["passed"]:
        output.note(f"[bold]stopped:[/] {reports.escape(report['models']['message'])}")
    for sync in report["syncs"]:
        runs = [run for run in report["runs"] if run["sync"] == sync["sync"]]
        if runs:
            _show_rollout(output, sync, runs)
    output.text(
        f"[bold]day {report['day']}[/]: {report['company']['customers']:,} customers; "
        f"{counted(report['delivered'], 'row')} delivered in "
        f"{counted(report['requests'], 'request')} by {counted(len(report['syncs']), 'sync')}, "
        f"{report['seconds']} s; {_verdict(report)}."
    )
    output.text(f"what it left is in {reports.escape(str(settings.home))}")
    if report["exit_code"] == ExitCode.DONE:
        output.text(f'next: make ui, or move on a day: make demo ARGS="--day {report["day"] + 1}"')
    else:
        output.text("next: activation status; then repeat, which sends nothing twice")


def _show_rollout(output: Output, sync: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Show one sync: a line a phase and operation, why rows stayed, and how it agrees."""
    output.text(
        f"[bold]{sync['sync']}[/]: {sync['model']} into {sync['object']} ({sync['connection']}); "
        f"{counted(sync['delivered'], 'row')} delivered in "
        f"{counted(sync['requests'], 'request')}\n"
    )
    show_balance(output, runs)
    last = runs[-1]
    if last["parity"]:
        show_parity(output, last["parity"])
    show_stop(output, last)


def _verdict(report: dict[str, Any]) -> str:
    if not report["balanced"]:
        return "[red]THE ROWS DO NOT ADD UP[/]"
    if report["exit_code"] != ExitCode.DONE:
        return "every row is accounted for, [red]but not all is done[/]"
    unexplained = sum(sync["unexplained"] or 0 for sync in report["syncs"])
    differences = f"{counted(unexplained, 'difference')} not" if unexplained else "every difference"
    return f"every row is accounted for, {differences} explained"
