"""`rehearse`: the days that a first load takes, lived through on a sandbox of its own."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from sqlglot import exp

from activation.cli import outlooks, reports
from activation.cli.options import Json, PhaseName, SyncName
from activation.cli.output import Output, counted
from activation.clock import SystemClock
from activation.contract.consent import Consent
from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.contract.references import referenced
from activation.destinations.traits import Reading
from activation.errors import ExitCode, Unavailable, UsageError
from activation.ledger import open_ledger
from activation.reconciliation.parity import Parity
from activation.sandbox.client import Sandbox
from activation.sandbox.leaping_clock import LeapingClock
from activation.sandbox.rehearsal import make_ready
from activation.settings import Settings
from activation.sync import Services, Sync, find_contract
from activation.sync.rehearsal import GLANCES, LivedRun, ageless, live_through
from activation.sync.results import parity_record
from activation.sync.services import hash_keys
from activation.warehouse.opening import open_warehouse
from activation.warehouse.port import SCHEMA
from activation.warehouse.profile import WarehouseProfile, load_profile

_OVERRIDES = "_BASE_URL"
_NO_LIMIT = 1_000_000_000
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit",
        metavar="NAME=N",
        help="A limit of the account, such as daily=400; the sandbox's own without it. Repeatable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Stage:
    """What a rehearsal plays on."""

    sandbox: Sandbox
    clock: LeapingClock
    services: Services


def rehearse(
    sync: SyncName,
    phase: PhaseName = None,
    limit: Limits = None,
    customers: Annotated[
        int | None,
        typer.Option(
            "--customers", min=1, metavar="N", help="Of a made-up company, not your warehouse."
        ),
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, help="Give up after so many days.")] = 60,
    json: Json = False,
) -> int:
    """Live through the days that a first load takes, on a sandbox; touches nothing of yours."""
    settings = Settings.load()
    output = Output(json=json)
    contract = ageless(find_contract(settings, sync))
    if contract.destination.mode is Mode.AUDIENCE:
        raise UsageError(
            f"{sync} is an audience: its members would have to be in the sandbox already.",
            hint="Rehearse the sync that makes its members.",
        )
    if named := referenced(contract):
        raise UsageError(
            f"{sync} names records of {named[0]}, which would have to be in the sandbox already.",
            hint=f"Rehearse {named[0]}.",
        )
    chosen = phase or contract.rollout.phases[-1].name
    with (
        TemporaryDirectory() as folder,
        _stage(settings, output, contract, Path(folder), customers) as stage,
    ):
        system = Sync(contract, stage.services).parts.connection.system
        _limit(stage.sandbox, system, limit or [])
        stage.services.ledger.phases.open(sync, chosen, reason="a rehearsal", author="rehearse")
        began = stage.clock.now()
        runs: list[LivedRun] = []
        with output.step("living through the first day") as step:
            until = began + timedelta(days=days)
            for run in live_through(
                contract, stage.services, chosen, leap=stage.clock.leap, until=until
            ):
                runs.append(run)
                step.say(f"{run.began:%Y-%m-%d %H:%M}: {_rows(run):,} rows")
            step.say("reading everything back")
            log = stage.sandbox.requests()
            parity = _compared(stage, contract, chosen, system)
        report = _report(contract, chosen, runs, log, parity)
    _show(output, report)
    output.result(report)
    return int(report["exit_code"])


@contextmanager
def _stage(
    settings: Settings,
    output: Output,
    contract: Contract,
    folder: Path,
    customers: int | None,
) -> Iterator[Stage]:
    """Put a warehouse, a ledger and a sandbox into a folder, all on one clock."""
    from activation.sandbox.server import running

    clock = LeapingClock(SystemClock().now(), glances=GLANCES)
    with running(folder / "sandbox", clock=clock) as address:
        sandbox = Sandbox(address)
        make_ready(sandbox)
        environment = {
            # An address of a real account in the environment must not lead there.
            **{name: value for name, value in os.environ.items() if not name.endswith(_OVERRIDES)},
            "ACTIVATION_HOME": str(folder),
            "ACTIVATION_LEDGER_URL": "",
            "ACTIVATION_PROJECT": str(settings.root),
            "ACTIVATION_SANDBOX_PORT": address.rpartition(":")[2],
            "ACTIVATION_TARGET": "sandbox",
            "DAGSTER_HOME": "",
        }
        own = Settings.load(environment)
        profile = load_profile(settings.dbt_project, settings.environment(os.environ))
        if customers is None:
            profile = _copied(settings, profile, folder)
        else:
            profile = _made_up(own, output, environment, customers, contract)
        keys = hash_keys(own, environment)
        with open_ledger(own.ledger_url, clock, hash_keys=keys) as ledger:
            services = Services(own, ledger, open_warehouse(profile), clock, environment)
            yield Stage(sandbox, clock, services)


def _copied(settings: Settings, profile: WarehouseProfile, folder: Path) -> WarehouseProfile:
    """Copy the warehouse while nobody writes to it, without what it knows of deliveries."""
    if not profile.path.is_file():
        raise UsageError(
            f"there is no warehouse at {profile.path} yet.",
            hint="Build the models first, or rehearse on a made-up company with --customers N.",
        )
    copied = replace(profile, path=folder / "warehouse.duckdb")
    with open_warehouse(profile, lock_wait=settings.lock_wait).session() as session:
        session.execute(exp.Command(this="CHECKPOINT"))
        shutil.copyfile(profile.path, copied.path)
    ours = exp.Table(db=exp.to_identifier(SCHEMA, quoted=True))
    with open_warehouse(copied).session() as session:
        session.execute(exp.Drop(this=ours, kind="SCHEMA", exists=True, cascade=True))
    return copied


def _made_up(
    settings: Settings,
    output: Output,
    environment: dict[str, str],
    customers: int,
    contract: Contract,
) -> WarehouseProfile:
    """Make a company, and build the models that the sync reads."""
    from activation.sandbox.company import generate

    profile = load_profile(settings.dbt_project, settings.environment(environment))
    with output.step(f"making a company of {customers:,} customers") as step:
        generate(profile.path, rows=customers, day=1, seed=1, now=SystemClock().now())
        step.say("building the dbt models")
        consent = contract.consent
        asked = consent.sources if isinstance(consent, Consent) else ()
        models = [contract.source.model, *(source.model for source in asked)]
        places = [f"--project-dir={settings.dbt_project}", f"--profiles-dir={settings.dbt_project}"]
        artifacts = f"--target-path={settings.home / 'dbt'}"
        chosen = ["--select", *(f"+{model}" for model in models)]
        command = [str(Path(sys.executable).parent / "dbt"), "run", *places, artifacts, *chosen]
        built = subprocess.run(  # noqa: S603 - our own command
            command, env=environment, capture_output=True, text=True, check=False
        )
    if built.returncode:
        raise Unavailable(f"dbt could not build {models[0]}.", hint=built.stdout[-500:])
    return profile


def _limit(sandbox: Sandbox, system: str, limits: Sequence[str]) -> None:
    """Give the sandbox's account the limits that were asked for."""
    for one in limits:
        named, _, number = one.partition("=")
        if not (number.isascii() and number.isdecimal()):
            raise UsageError(f"`{one}` is no limit.", hint="Write one as --limit daily=400.")
        sandbox.set_quota(named, system=system, limit=int(number))


def _compared(stage: Stage, contract: Contract, phase: str, system: str) -> Parity | None:
    """Compare every row at the end, on a day without a limit: the rehearsal's own question."""
    stage.sandbox.set_quota(system=system, limit=_NO_LIMIT, used=0)
    sync = Sync(contract, stage.services)
    if sync.parts.facts.traits.reading is Reading.NEVER:
        return None
    return sync.reconcile(sync.phase(phase), full=True)


def _rows(run: LivedRun) -> int:
    return run.delivered.totals["delivered"]


def _report(
    contract: Contract,
    phase: str,
    runs: Sequence[LivedRun],
    log: Sequence[dict[str, Any]],
    parity: Parity | None,
) -> dict[str, Any]:
    first, last = runs[0], runs[-1]
    sent = [run for run in runs if run.delivered.requests]
    done_at = max((run.settled_at for run in sent), default=first.began) if last.over else None
    foreseen = first.planned.outlook.done_at
    by_day = [(day, list(of_day)) for day, of_day in groupby(runs, key=_day)]
    return {
        "sync": contract.sync,
        "phase": phase,
        "foreseen": {
            "requests": first.planned.requests,
            "days": first.planned.outlook.days,
            "done_at": outlooks.moment(foreseen),
        },
        "lived": {
            "requests": sum(run.delivered.requests for run in runs),
            "days": None if done_at is None else (done_at.date() - first.began.date()).days + 1,
            "done_at": outlooks.moment(done_at),
        },
        "late_by_seconds": None
        if done_at is None or foreseen is None
        else round((done_at - foreseen).total_seconds()),
        "days": [
            {
                "day": day.isoformat(),
                "runs": len(of_day),
                "rows": sum(map(_rows, of_day)),
                "requests": sum(run.delivered.requests for run in of_day),
                "vendor_requests": sum(_on(entry, day) for entry in log),
                "refused": sum(
                    _on(entry, day) and entry["status"] == HTTPStatus.TOO_MANY_REQUESTS
                    for entry in log
                ),
            }
            for day, of_day in by_day
        ],
        "rows": sum(map(_rows, runs)),
        "refused": sum(entry["status"] == HTTPStatus.TOO_MANY_REQUESTS for entry in log),
        "balanced": all(
            run.delivered.totals["planned"]
            == sum(n for name, n in run.delivered.totals.items() if name != "planned")
            for run in runs
        ),
        "parity": None
        if parity is None
        else reports.parity(contract, phase, parity_record(parity)),
        "exit_code": int(ExitCode.DONE if last.over else ExitCode.STOPPED),
    }


def _day(run: LivedRun) -> date:
    return run.began.date()


def _on(entry: dict[str, Any], day: date) -> bool:
    return datetime.fromisoformat(entry["time"]).date() == day


def _show(output: Output, report: dict[str, Any]) -> None:
    foreseen, lived = report["foreseen"], report["lived"]
    output.text(
        f"[bold]{report['sync']}[/], phase {report['phase']}: plan says "
        f"{counted(foreseen['requests'], 'write request')}, done at {foreseen['done_at']}, "
        f"on day {foreseen['days']}\n"
    )
    columns = ["day", "runs", "rows", "requests", "vendor_requests", "refused"]
    output.table(
        "as it was lived through; vendor_requests counts looks and read-backs too",
        columns,
        [[day[column] for column in columns] for day in report["days"]],
    )
    if lived["done_at"] is None:
        output.text("it was not done in that time")
    else:
        output.text(
            f"done at {lived['done_at']}, on day {lived['days']}, "
            f"{_difference(report['late_by_seconds'])}; {report['rows']:,} rows, "
            f"{report['refused']:,} refused by a limit"
        )
    if report["parity"] is not None:
        output.text(f"[bold]parity:[/] {reports.escape(report['parity']['statement'])}")


def _difference(seconds: int | None) -> str:
    if seconds is None:
        return "which the plan could not foresee"
    return f"{abs(seconds):,} s {'after' if seconds > 0 else 'before'} what the plan said"
