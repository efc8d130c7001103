"""`validate`, `plan`, `status`: commands that tell and send nothing."""

from typing import Annotated, Any

import typer

from activation.cli import outlooks, reports
from activation.cli.options import AnySync, Json, PhaseName, SyncName
from activation.cli.output import Output, counted
from activation.cli.validating import validation
from activation.contract.loading import load_contracts
from activation.errors import ExitCode
from activation.settings import Settings
from activation.sync import Sync, find_contract, open_services


def validate(
    sync: AnySync = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave out what needs the warehouse or the vendor.")
    ] = False,
    json: Json = False,
) -> int:
    """Check contracts, connections, and mappings against model and destination."""
    settings = Settings.load()
    output = Output(json=json)
    contracts = load_contracts(settings.contracts)
    chosen = [find_contract(settings, sync)] if sync else list(contracts.values())
    findings = [validation(settings, contract, online=not offline) for contract in chosen]
    for finding in findings:
        mark = "[green]ok[/]" if finding["valid"] else "[red]not ok[/]"
        output.text(f"{finding['sync']}: {mark}")
        for problem in finding["problems"]:
            output.text(f"  {reports.escape(problem)}")
    valid = all(finding["valid"] for finding in findings)
    output.result({"valid": valid, "syncs": findings})
    return ExitCode.DONE if valid else ExitCode.USAGE


def plan(
    sync: SyncName,
    phase: PhaseName = None,
    rows: Annotated[
        int,
        typer.Option("--rows", min=0, max=200, help="Show that many actions, before and after."),
    ] = 0,
    json: Json = False,
) -> int:
    """Tell what would change and what it costs; sends nothing, freezes nothing."""
    settings = Settings.load()
    output = Output(json=json)
    with open_services(settings) as services:
        opened = Sync(find_contract(settings, sync), services)
        chosen = opened.phase(phase, must_be_open=False)
        with output.step(f"planning {sync}, phase {chosen.name}"):
            planned = opened.preview(chosen.name, rows=rows)
    report = reports.planned(planned)
    _show_plan(output, report)
    output.result(report)
    return ExitCode.DONE if report["gates_passed"] else ExitCode.REFUSED


def status(
    sync: AnySync = None,
    json: Json = False,
) -> int:
    """Show last runs, backlog, dead letters by class, quota used and left, phases, switches."""
    settings = Settings.load()
    output = Output(json=json)
    contracts = load_contracts(settings.contracts)
    chosen = [find_contract(settings, sync)] if sync else list(contracts.values())
    with open_services(settings) as services:
        report = {"syncs": [reports.status(services, contract) for contract in chosen]}
    for one in report["syncs"]:
        _show_status(output, one)
    output.result(report)
    return ExitCode.DONE


def _show_plan(output: Output, report: dict[str, Any]) -> None:
    output.text(
        f"[bold]{report['sync']}[/], phase {report['phase']}: "
        f"{counted(report['to_send'], 'row')} to send in {counted(report['requests'], 'request')}; "
        f"{outlooks.sentence(report)}\n"
    )
    output.text(f"cost: {_cost(report['cost'])}\n")
    output.table(
        "actions",
        ["operation", "disposition", "reason", "rows"],
        [[a["operation"], a["disposition"], a["reason"], a["rows"]] for a in report["actions"]],
    )
    if report["kept_fields"]:
        output.table(
            "values that somebody else changed, and that stay",
            ["field", "rows"],
            [[field, rows] for field, rows in report["kept_fields"].items()],
        )
    show_gates(output, report["gates"])
    for sentence in report["irreversible"] if report["to_send"] else ():
        output.text(f"cannot be undone: {reports.escape(sentence)}")
    if report["samples"]:
        output.table(
            "rows (personal values are masked)",
            ["operation", "key", "field", "before", "after"],
            [
                [s["operation"], s["key"], field, values["before"], values["after"]]
                for s in report["samples"]
                for field, values in s["fields"].items()
            ],
        )


def _cost(cost: dict[str, Any]) -> str:
    """Return what a plan costs, in one line."""
    parts = [counted(cost["requests"], "write request")]
    if cost["jobs"]:
        parts.append(counted(cost["jobs"], "job"))
    if cost["lookups"]:
        parts.append(f"{counted(cost['lookups'], 'look-up')} (made)")
    parts.append(f"{counted(cost['read_backs'], 'read-back')} after it")
    if cost["billed_unit"]:
        parts.append(f"{cost['billed']:,} {cost['billed_unit']}")
    if (cost["days"] or 0) > 1:
        parts.append(f"sent over {cost['days']} days, by what the sync may take of a day")
    return ", ".join(parts)


def show_gates(output: Output, gates: list[dict[str, Any]]) -> None:
    """Show each gate, and what to do about those that failed."""
    output.table(
        "gates",
        ["gate", "verdict", "because"],
        [[g["gate"], _verdict(g), g["summary"]] for g in gates],
    )
    for gate in gates:
        if not gate["passed"] and not gate["override"] and gate["next_step"]:
            output.text(f"  next, {gate['gate']}: {reports.escape(gate['next_step'])}")


def _sending(report: dict[str, Any]) -> str:
    held = report["held"]
    return f"[red]held[/] ({reports.escape(held)})" if held else "sending is allowed"


def _verdict(gate: dict[str, Any]) -> str:
    if gate["passed"]:
        return "passed"
    return f"approved by {gate['override']['author']}" if gate["override"] else "FAILED"


def _show_status(output: Output, report: dict[str, Any]) -> None:
    paused = report["paused"]
    output.text(
        f"[bold]{report['sync']}[/]: "
        + (f"[red]paused[/] ({reports.escape(paused)})" if paused else _sending(report))
        + f"; {report['backlog']:,} rows planned and not settled; {outlooks.sentence(report)}\n"
    )
    output.table(
        "phases",
        ["phase", "share", "open since", "loaded since"],
        [
            [p["phase"], f"{p['share']:.0%}", p["opened_at"], p["loaded_at"]]
            for p in report["phases"]
        ],
    )
    stopped = [plan for plan in report["plans"] if plan["stopped_by"]]
    if stopped:
        output.table(
            "plans that a gate has stopped",
            ["phase", "plan", "made", "stopped by"],
            [
                [p["phase"], p["plan"][:12], p["created_at"], ", ".join(p["stopped_by"])]
                for p in stopped
            ],
        )
    for a in (approval for plan in stopped for approval in plan["approvals"]):
        output.text(
            f"  {a['plan'][:12]}: {a['gate']} is overridden by {reports.escape(a['author'])} "
            f"until {a['until']}: {reports.escape(a['reason'])}"
        )
    lacking = [c for c in report["promotion"]["conditions"] if c["state"] != "met"]
    if lacking:
        output.table(
            f"what phase {report['promotion']['next']} still lacks",
            ["condition", "state", "need", "have"],
            [[c["condition"], c["state"], c["need"], c["have"]] for c in lacking],
        )
    output.table(
        "last runs",
        [
            "started",
            "phase",
            "state",
            "delivered",
            "rejected",
            "in doubt",
            "blocked",
            "held",
            "said",
        ],
        [
            [
                r["started_at"],
                r["phase"],
                r["state"],
                r["delivered"],
                r["rejected"],
                r["in_doubt"],
                r["blocked"],
                r["held"],
                r["message"],
            ]
            for r in report["runs"]
        ],
    )
    if report["dead_letters"]:
        output.table(
            "dead letters",
            ["class", "rows"],
            [[letter["code"], letter["rows"]] for letter in report["dead_letters"]],
        )
    if report["erasures"]:
        output.table(
            "erasures that are due",
            ["person", "state", "asked at", "because"],
            [[e["person"], e["state"], e["asked_at"], e["why"]] for e in report["erasures"]],
        )
    quota = report["quota"]
    columns = {
        "used": "used",
        "reserved": "reserved",
        "allowed": "allowed for this sync",
        "left": "left",
        "account_used": "account used",
        "account_limit": "account limit",
        "account_left": "account left",
    }
    output.table("requests today", list(columns.values()), [[quota[name] for name in columns]])
