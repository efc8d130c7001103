"""`runbook`: documents made of contract, catalogue and adapter."""

from pathlib import Path
from typing import Annotated

import typer

from activation.cli.options import Json, SyncName
from activation.cli.output import Output
from activation.errors import ExitCode, UsageError
from activation.settings import Settings
from activation.strategy.runbook import runbook as rendered
from activation.sync import Sync, find_contract, open_services

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
