"""`audit list`, `audit verify`: who did what and why, and that nobody has changed it since."""

from typing import Annotated

import typer

from activation.cli import reports
from activation.cli.options import AnySync, Json
from activation.cli.output import Output
from activation.errors import ExitCode
from activation.ledger import open_ledger
from activation.settings import Settings
from activation.sync import find_contract

app = typer.Typer(
    name="audit", help="Who did what, when and why.", no_args_is_help=True, rich_markup_mode=None
)


@app.command(name="list")
def listed(
    sync: AnySync = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 20,
    json: Json = False,
) -> int:
    """Show the newest acts: plans, pauses, openings, overrides, replays, rollbacks, erasures."""
    settings = Settings.load()
    output = Output(json=json)
    chosen = find_contract(settings, sync).sync if sync else None
    with open_ledger(settings.ledger_url) as ledger:
        entries = ledger.audit.list(limit=limit, sync=chosen)
        head = ledger.audit.head()
    output.table(
        None,
        ("no", "when", "act", "what", "author", "reason"),
        [
            (
                entry.no,
                f"{entry.at:%Y-%m-%d %H:%M:%S}",
                str(entry.act),
                " ".join(reports.short(name, value) for name, value in entry.subject.items()),
                entry.author,
                entry.reason,
            )
            for entry in entries
        ],
    )
    output.result({"entries": [reports.audit_entry(entry) for entry in entries], "head": head})
    return ExitCode.DONE


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(
            "--head", metavar="HASH", help="A hash noted earlier; it must still be there."
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Follow the chain from its first entry and name the first broken link."""
    settings = Settings.load()
    output = Output(json=json)
    with open_ledger(settings.ledger_url) as ledger:
        broken = ledger.audit.verify(known=head)
        newest = ledger.audit.head()
    if broken is None:
        output.text(f"the audit chain is whole; its newest hash is {newest}")
        output.result({"whole": True, "head": newest})
        return ExitCode.DONE
    output.text(f"[red]the audit chain is broken at entry {broken.no}[/]: {broken.what}.")
    output.text("next: restore the ledger from a backup made before that entry, and compare.")
    output.result({"whole": False, "head": newest, "no": broken.no, "what": broken.what})
    return ExitCode.REFUSED
