"""`alerts`: what is wrong now; `--tell` looks anew and sends what has changed."""

import os
from typing import Annotated

import typer

from activation.alerting.catalogue import catalogue
from activation.alerting.watching import watch
from activation.cli import reports
from activation.cli.options import Json
from activation.cli.output import Output
from activation.contract.loading import load_contracts
from activation.errors import ExitCode
from activation.ledger import open_ledger
from activation.settings import Settings


def alerts(
    tell: Annotated[
        bool,
        typer.Option("--tell", help="Look at every sync now, and send what has changed."),
    ] = False,
    json: Json = False,
) -> int:
    """Show which alerts fire, since when, and the first command to type."""
    settings = Settings.load()
    output = Output(json=json)
    contracts = load_contracts(settings.contracts)
    told: list[str] = []
    with open_ledger(settings.ledger_url) as ledger:
        if tell:
            look = watch(contracts.values(), ledger, home=settings.home, env=os.environ)
            told = [f"{record.sync}: {record.kind}" for record in look.told]
            for trouble in look.troubles:
                output.note(reports.escape(trouble))
        firing = [r for r in ledger.alerts.list(firing=True) if r.sync in contracts]
    shown = [
        {
            "sync": record.sync,
            "alert": record.kind,
            "severity": str(catalogue()[record.kind].loudness(contracts[record.sync])),
            "since": record.since.isoformat(),
            "summary": record.summary,
            "run_id": record.run_id,
            "first": catalogue()[record.kind].filled(contracts[record.sync]).first,
            "runbook": f"{contracts[record.sync].alerting.runbook}#{record.kind}",
        }
        for record in firing
    ]
    if shown:
        columns = ("severity", "sync", "alert", "since", "summary", "first")
        output.table(None, columns, [[one[name] for name in columns] for one in shown])
    else:
        output.text("no alert fires.")
    output.result({"firing": shown, "told": told})
    return ExitCode.REFUSED if shown else ExitCode.DONE
