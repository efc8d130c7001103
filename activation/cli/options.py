"""The options that several commands share."""

from typing import Annotated

import typer

SyncName = Annotated[str, typer.Argument(metavar="SYNC", help="The sync, by its folder's name.")]
AnySync = Annotated[
    str | None, typer.Argument(metavar="[SYNC]", help="One sync; all of them if none is named.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
PhaseName = Annotated[
    str | None, typer.Option("--phase", metavar="P", help="A phase; the widest open one if none.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")]
