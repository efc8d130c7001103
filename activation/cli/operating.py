"""`pause`, `resume`, `open`, `approve`: what an operator decides, with a recorded reason."""

from typing import Annotated, Any

import typer

from activation.cli import reports, verdicts
from activation.cli.options import Json, Reason, SyncName
from activation.cli.output import Output
from activation.cli.people import author
from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.errors import ExitCode, UsageError
from activation.ledger import Ledger, open_ledger
from activation.rollout.rollback import release as let_go_on
from activation.settings import Settings
from activation.sync import find_contract

Scope = Annotated[str | None, typer.Argument(metavar="[SYNC]", help="The sync to switch.")]
Connection = Annotated[
    str | None, typer.Option("--connection", metavar="C", help="Every sync of a connection.")
]
Everything = Annotated[bool, typer.Option("--all", help="Every sync of every connection.")]


def pause(
    reason: Reason,
    sync: Scope = None,
    connection: Connection = None,
    everything: Everything = False,
    json: Json = False,
) -> int:
    """Stop sending: no request starts after this; what is not sent stays planned."""
    settings = Settings.load()
    scope = scope_of(settings, sync, connection, everything=everything)
    with open_ledger(settings.ledger_url) as ledger:
        ledger.switches.pause(scope, reason=reason, author=author())
    return _told(scope, "paused", reason, json=json)


def resume(
    reason: Reason,
    sync: Scope = None,
    connection: Connection = None,
    everything: Everything = False,
    json: Json = False,
) -> int:
    """Let a paused sync, connection or everything send again."""
    settings = Settings.load()
    scope = scope_of(settings, sync, connection, everything=everything)
    with open_ledger(settings.ledger_url) as ledger:
        ledger.switches.resume(scope, reason=reason, author=author())
    return _told(scope, "resumed", reason, json=json)


def approve(
    plan: Annotated[
        str, typer.Argument(metavar="PLAN", help="The plan's digest, or its first 12 digits.")
    ],
    reason: Reason,
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", metavar="G", help="A gate to override; all that failed if none."),
    ] = None,
    json: Json = False,
) -> int:
    """Let one plan be sent that a gate has stopped; for a day, and for no other plan."""
    settings = Settings.load()
    with open_ledger(settings.ledger_url) as ledger:
        approved = ledger.approvals.approve(plan, gate or (), reason=reason, author=author())
        found = ledger.plans.get(approved[0].plan_digest)
    output = Output(json=json)
    gates = ", ".join(one.gate for one in approved)
    until = f"{approved[0].expires_at:%Y-%m-%d %H:%M} UTC"
    output.text(
        f"{found.sync}, phase {found.phase}: plan {found.digest[:12]} may be sent in spite of "
        f"{gates}, until {until}, or until the sync is planned again ({reports.escape(reason)})."
    )
    output.text(f"next: activation run {found.sync} --phase {found.phase} --approved")
    output.result(
        {
            "sync": found.sync,
            "phase": found.phase,
            "plan": found.digest,
            "approvals": [verdicts.approval(one) for one in approved],
        }
    )
    return ExitCode.DONE


def open_phase(
    sync: SyncName,
    phase: Annotated[str, typer.Argument(metavar="PHASE", help="A phase of the contract.")],
    reason: Reason,
    json: Json = False,
) -> int:
    """Open a phase of the rollout: from now on its rows may be reached."""
    settings = Settings.load()
    contract = find_contract(settings, sync)
    with open_ledger(settings.ledger_url) as ledger:
        open_recorded(settings, ledger, contract, phase, reason)
    share = next(p.share for p in contract.rollout.phases if p.name == phase)
    output = Output(json=json)
    output.text(f"{sync}: phase {phase} is open ({share:.0%} of the sync keys).")
    output.text(f"next: activation run {sync} --phase {phase}")
    output.result({"sync": sync, "phase": phase, "share": share, "open": True, "reason": reason})
    return ExitCode.DONE


def promotion(
    sync: SyncName,
    release: Annotated[
        bool,
        typer.Option("--release", help="Let a sync go on that was stopped or is held."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why, with --release; it is recorded.")
    ] = "",
    json: Json = False,
) -> int:
    """Show what the next phase still lacks; --release lets a stopped or held sync go on."""
    settings = Settings.load()
    contract = find_contract(settings, sync)
    output = Output(json=json)
    with open_ledger(settings.ledger_url) as ledger:
        if release:
            let_go_on(contract, ledger, reason=reason, author=author())
            output.text(f"{sync}: the rollout goes on ({reports.escape(reason)}).")
        report = reports.promotion(contract, ledger)
    if report["stopped"]:
        output.text(f"[red]stopped[/] at {report['phase']}: {reports.escape(report['stopped'])}")
    output.text(_next_phase(report))
    columns = ("condition", "state", "need", "have")
    output.table(None, columns, [[c[n] for n in columns] for c in report["conditions"]])
    output.result(report)
    return ExitCode.REFUSED if report["stopped"] else ExitCode.DONE


def _next_phase(report: dict[str, Any]) -> str:
    sync, phase, following = report["sync"], report["phase"], report["next"]
    if phase is None:
        return f"{sync}: no phase is open."
    if following is None:
        return f"{sync}: phase {phase} is open, and no wider one is left."
    if not report["conditions"]:
        return f"{sync}: phase {phase} is open; {following} opens by hand (no rollout.promotion)."
    return f"{sync}: phase {phase} is open; {following} opens once every condition is met."


def open_recorded(
    settings: Settings, ledger: Ledger, contract: Contract, phase: str, reason: str
) -> None:
    """
    Record the opening, then let Dagster have the partition.

    Raises:
        UsageError: the contract has no such phase.
    """
    if contract.rollout.phase(phase) is None:
        names = ", ".join(p.name for p in contract.rollout.phases)
        raise UsageError(
            f"{contract.sync} has no phase `{phase}`.", hint=f"Its phases are {names}."
        )
    from activation.defs.instance import instance, mirror_phases

    ledger.phases.open(contract.sync, phase, reason=reason, author=author())
    with instance(settings) as opened:
        mirror_phases(opened, ledger, contract.sync)


def scope_of(
    settings: Settings, sync: str | None, connection: str | None, *, everything: bool
) -> str:
    """
    Return the scope that is meant: `all`, `connection:NAME` or `sync:NAME`.

    Raises:
        UsageError: none is named, or several, or one that does not exist.
    """
    if [sync is not None, connection is not None, everything].count(True) != 1:
        raise UsageError(
            "say what to switch: one sync, one connection, or everything.",
            hint="Name a SYNC, or --connection C, or --all.",
        )
    if sync is not None:
        return f"sync:{find_contract(settings, sync).sync}"
    if connection is not None:
        contracts = load_contracts(settings.contracts).values()
        known = sorted({contract.destination.connection for contract in contracts})
        if connection not in known:
            raise UsageError(
                f"no sync uses a connection `{connection}`.",
                hint=f"Connections in use: {', '.join(known)}.",
            )
        return f"connection:{connection}"
    return "all"


def _told(scope: str, done: str, reason: str, *, json: bool) -> int:
    output = Output(json=json)
    output.text(f"{scope}: {done} ({reports.escape(reason)}).")
    output.result({"scope": scope, "state": done, "reason": reason})
    return ExitCode.DONE
