"""`design`, `strategy`, `runbook`, `export`, `diff`: documents, and what edits mean."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from activation.cli import reports
from activation.cli.options import Json, SyncName
from activation.cli.output import Output
from activation.contract.edits import edits, version_problems, weight
from activation.contract.exports import exposure, odcs
from activation.contract.loading import load_draft
from activation.errors import ExitCode, UsageError
from activation.settings import Settings
from activation.strategy.document import strategy as rendered_strategy
from activation.strategy.draft import Draft, draft
from activation.strategy.page import page, plots_of
from activation.strategy.runbook import runbook as rendered
from activation.sync import Sync, find_contract, open_services
from activation.sync.evidence import evidence
from activation.sync.facts import gather

STRATEGIES = Path("docs/strategies")
Write = Annotated[bool, typer.Option("--write", help="Write it to where the contract says it is.")]


def runbook(sync: SyncName, write: Write = False, json: Json = False) -> int:
    """Print the on-call runbook of a sync, or write it down."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    with open_services(settings) as services:
        destination = Sync(contract, services).parts.destination
        text = rendered(contract, destination.object_traits(contract.destination.object))
    link = contract.alerting.runbook
    if write:
        if "://" in link or Path(link).is_absolute():
            raise UsageError(
                f"the runbook of {sync} is {link}, which is no file of this project.",
                hint="Print it and publish it there.",
            )
        path = settings.root / link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        output.text(f"wrote {link}")
    elif not json:
        output.plain(text)
    output.result({"sync": sync, "runbook": link, "written": write, "markdown": text})
    return ExitCode.DONE


def design(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The dbt model.")],
    target: Annotated[
        str, typer.Argument(metavar="CONNECTION.OBJECT", help="Where it goes, such as crm.Contact.")
    ],
    write: Annotated[
        bool, typer.Option("--write", help="Write it to activation/defs/, if it can be used.")
    ] = False,
    json: Json = False,
) -> int:
    """Draft a contract from what the warehouse and the destination say, with every decision."""
    settings = Settings.load()
    output = Output(json=json)
    connection, dot, object_name = target.partition(".")
    if not dot or not object_name:
        raise UsageError(
            f"`{target}` names no object.", hint="Write CONNECTION.OBJECT, such as crm.Contact."
        )
    with open_services(settings) as services, output.step(f"looking at {model} and {object_name}"):
        found = evidence(services, model, connection, object_name)
    made = draft(found)
    path = settings.contracts / found.sync / "defs.yaml"
    if write:
        _write_draft(path, made)
        output.text(f"wrote {path.relative_to(settings.root)}; look at each DECIDE in it")
    elif not json:
        output.plain(made.text)
    for question in made.open_questions:
        output.note(f"[bold]open[/]: {reports.escape(question)}")
    output.result(
        {
            "sync": found.sync,
            "usable": not made.open_questions,
            "open_questions": list(made.open_questions),
            "contract": made.text,
        }
    )
    return ExitCode.REFUSED if made.open_questions else ExitCode.DONE


def _write_draft(path: Path, made: Draft) -> None:
    if made.open_questions:
        raise UsageError(
            "the draft cannot be used yet, so that it was not written: "
            + "; ".join(made.open_questions),
            hint="Decide those, or print the draft and complete it by hand.",
        )
    if path.exists():
        raise UsageError(
            f"{path.parent.name} has a contract already.",
            hint="Compare the two with `activation diff`, or move it away first.",
        )
    path.parent.mkdir(parents=True)
    path.write_text(made.text, encoding="utf-8")


def strategy(
    sync: SyncName,
    measure: Annotated[
        bool, typer.Option("--measure", help="Count the model's rows and ask for the quota.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one HTML page with plots.")
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write it to docs/strategies/, without measurements.")
    ] = False,
    json: Json = False,
) -> int:
    """Print the strategy of a sync: six parts, from contract, adapter and measurements."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    with open_services(settings) as services:
        facts = gather(Sync(contract, services).parts, measure=measure)
    text = rendered_strategy(facts)
    if write and measure:
        raise UsageError(
            "what is written down for review holds no measurements, which differ every day.",
            hint="Leave out --measure or --write.",
        )
    if write:
        path = settings.root / STRATEGIES / f"{sync}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        output.text(f"wrote {STRATEGIES / path.name}")
    if html is not None:
        html.write_text(page(text, f"Strategy: {sync}", plots_of(facts)), encoding="utf-8")
        output.text(f"wrote {html}")
    if not (json or write or html):
        output.plain(text)
    output.result(
        {
            "sync": sync,
            "markdown": text,
            "html": None if html is None else str(html),
            "loads": [asdict(load) for load in facts.loads],
        }
    )
    return ExitCode.DONE


class Form(StrEnum):
    """What a contract can be exported to."""

    ODCS = "odcs"
    EXPOSURE = "exposure"


def export(
    sync: SyncName,
    form: Annotated[
        Form, typer.Option("--to", help="odcs (Open Data Contract Standard 3.1) or exposure (dbt).")
    ] = Form.ODCS,
    json: Json = False,
) -> int:
    """Print a contract in the words of a standard, as YAML."""
    import yaml

    contract = find_contract(Settings.load(), sync)
    document = odcs(contract) if form is Form.ODCS else exposure(contract)
    output = Output(json=json)
    if not json:
        output.plain(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))
    output.result(document)
    return ExitCode.DONE


def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The contract's file as it was.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The contract's file as it is.")],
    json: Json = False,
) -> int:
    """Tell what edits of a contract mean: patch, minor or breaking, and what they still lack."""
    output = Output(json=json)
    before, after = load_draft(old), load_draft(new)
    found = edits(before, after)
    lacking = version_problems(before, after)
    heaviest = weight(found)
    if not found:
        output.text(f"{after.sync}: nothing that a contract promises differs.")
    else:
        output.table(
            None,
            ("weight", "what", "was", "is", "because"),
            [(e.weight.name.lower(), e.at, _told(e.old), _told(e.new), e.because) for e in found],
        )
    for problem in lacking:
        output.text(f"[red]lacking[/]: {reports.escape(problem.text)}")
    output.result(
        {
            "sync": after.sync,
            "weight": None if heaviest is None else heaviest.name.lower(),
            "edits": [
                {
                    "weight": e.weight.name.lower(),
                    "at": e.at,
                    "old": e.old,
                    "new": e.new,
                    "because": e.because,
                }
                for e in found
            ],
            "lacking": [problem.text for problem in lacking],
        }
    )
    return ExitCode.REFUSED if lacking else ExitCode.DONE


def _told(value: object) -> str:
    if value is None:
        return "nothing"
    return (
        ", ".join(f"{k}: {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
    )
