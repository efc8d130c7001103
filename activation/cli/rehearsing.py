"""`demo`, `sandbox`: the whole main job, and the vendor that it talks to, on loopback."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from activation.cli import reports
from activation.cli.delivery import run_phase, show_run
from activation.cli.operating import open_recorded
from activation.cli.options import Json
from activation.cli.output import Output, counted
from activation.clock import SystemClock
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.errors import ExitCode, Unavailable, UsageError
from activation.settings import Settings
from activation.sync import Services, open_services
from activation.warehouse.profile import load_profile

_START_SECONDS = 15.0


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
    contracts = list(load_contracts(settings.contracts).values())
    with _sandbox_for(settings, output):
        company = _generate(settings, output, rows=rows, day=day, seed=seed)
        with open_services(settings) as services:
            runs = [
                report
                for number, contract in enumerate(contracts)
                for report in _rollout(output, settings, services, contract, models=number == 0)
            ]
    report: dict[str, Any] = {
        "day": day,
        "company": company,
        "runs": runs,
        "balanced": all(run["balanced"] for run in runs),
        "seconds": round(time.monotonic() - started, 1),
        "exit_code": max((run["exit_code"] for run in runs), default=int(ExitCode.DONE)),
    }
    _tell(output, settings, report)
    output.result(report)
    return int(report["exit_code"])


def sandbox(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run this while the sandbox is up."),
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="On 127.0.0.1; 0: any free one.")
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Forget all records first.")] = False,
    time_scale: Annotated[
        float,
        typer.Option(
            "--time-scale", min=1, max=86400, help="Run its time faster: 1440 = a day a minute."
        ),
    ] = 1.0,
) -> int:
    """Serve the vendors on loopback, with their limits, quirks and faults; state on disk."""
    from activation.sandbox.server import running, serve

    settings = Settings.load()
    chosen = settings.sandbox_port if port is None else port
    output = Output()
    if reset and settings.sandbox_state.exists():
        shutil.rmtree(settings.sandbox_state)
    if not command:
        serve(
            settings.sandbox_state,
            chosen,
            time_scale=time_scale,
            on_ready=lambda address: output.text(
                f"the sandbox answers at {address}; Ctrl-C ends it"
            ),
        )
        return ExitCode.DONE
    if shutil.which(command[0]) is None:
        raise UsageError(f"there is no command `{command[0]}`.", hint="Check its path.")
    from activation.defs.instance import prepare

    with running(settings.sandbox_state, chosen, time_scale=time_scale) as address:
        output.note(f"the sandbox answers at {address}")
        environment = {
            **os.environ,
            "ACTIVATION_HOME": str(settings.home),
            "ACTIVATION_SANDBOX_PORT": address.rpartition(":")[2],
            "DAGSTER_HOME": str(prepare(settings)),
        }
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - the user's own command


def _forget(settings: Settings) -> None:
    """Remove what earlier demos left, if the folder is one that a demo made."""
    known = ("dagster", "dbt", "sandbox", "ledger.db", "warehouse.duckdb", "logs")
    strangers = [e.name for e in settings.home.iterdir() if not e.name.startswith(known)]
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

    settings.home.mkdir(parents=True, exist_ok=True)
    profile = load_profile(settings.dbt_project, settings.environment(os.environ))
    with output.step(f"making a company of {rows:,} customers, day {day}"):
        company = generate(profile.path, rows=rows, day=day, seed=seed, now=SystemClock().now())
    return {
        "customers": company.customers,
        "active_in_last_day": company.active_in_last_day,
        "tables": dict(company.tables),
        "as_of": company.as_of,
    }


def _rollout(
    output: Output,
    settings: Settings,
    services: Services,
    contract: Contract,
    *,
    models: bool,
) -> Iterator[dict[str, Any]]:
    """Run the widest open phase; the first time, the canary and then everybody."""
    narrow, wide = contract.rollout.phases[0].name, contract.rollout.phases[-1].name
    opened = {phase.phase for phase in services.ledger.phases.opened(contract.sync)}
    if wide not in opened:
        open_recorded(settings, services.ledger, contract, narrow, "demo: begin small")
        report = run_phase(output, settings, services, contract, narrow, models=models)
        yield report
        if report["exit_code"] != ExitCode.DONE:
            return
        open_recorded(settings, services.ledger, contract, wide, "demo: the canary is healthy")
        models = False
    yield run_phase(output, settings, services, contract, wide, models=models)


def _tell(output: Output, settings: Settings, report: dict[str, Any]) -> None:
    output.text()
    for run in report["runs"]:
        show_run(output, run)
        output.text()
    output.text(
        f"day {report['day']}: {report['company']['customers']:,} customers, "
        f"{sum(run['totals']['delivered'] for run in report['runs']):,} rows delivered in "
        f"{counted(sum(run['requests'] for run in report['runs']), 'request')}, "
        f"{report['seconds']} s; "
        + (
            "every row is accounted for."
            if report["balanced"]
            else "[red]THE ROWS DO NOT ADD UP[/]"
        )
    )
    output.text(f"what it left is in {reports.escape(str(settings.home))}")
    output.text(f'next: make ui, or move on a day: make demo ARGS="--day {report["day"] + 1}"')


@contextmanager
def _sandbox_for(settings: Settings, output: Output) -> Iterator[None]:
    """Use the sandbox that already answers on the port, or run one for the time of the demo."""
    from activation.sandbox.client import Sandbox

    address = f"http://127.0.0.1:{settings.sandbox_port}"
    if Sandbox(address).answers():
        yield
        return
    log = settings.home / "logs" / "sandbox.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as lines:
        command = [sys.executable, "-m", "activation.cli", "sandbox", "--port"]
        server = subprocess.Popen(  # noqa: S603 - our own command
            [*command, str(settings.sandbox_port)], stdout=lines, stderr=subprocess.STDOUT
        )
    try:
        with output.step("starting the sandbox"):
            _await(Sandbox(address).answers, server, settings.sandbox_port, log)
        yield
    finally:
        server.terminate()
        server.wait(timeout=10)


def _await(answers: Any, server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + timedelta(seconds=_START_SECONDS).total_seconds()
    while not answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise Unavailable(
                f"the sandbox did not come up on port {port}.",
                hint=f"Its log is {log}; ACTIVATION_SANDBOX_PORT chooses another port.",
            )
        time.sleep(0.05)
