"""The entry point: runs a command and turns errors into one sentence and an exit code."""

import os
import signal
import sys
from collections.abc import Sequence

import click
import typer

from activation.cli import (
    alerts,
    auditing,
    delivery,
    describing,
    documents,
    letters,
    operating,
    rehearsal,
    rehearsing,
    rights,
    rolling_back,
)
from activation.cli.output import Output
from activation.cli.sandbox import sandbox
from activation.errors import ActivationError, ExitCode, Stopped

_INTERRUPTED = 130
"""What typer makes of Ctrl-C inside a command."""

app = typer.Typer(
    name="activation",
    help="Reverse ETL that is safe to run: warehouse models into CRMs, gated and reconciled.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for command, panel in (
    (rehearsing.demo, "rehearse"),
    (rehearsal.rehearse, "rehearse"),
    (sandbox, "rehearse"),
    (describing.validate, "look"),
    (describing.plan, "look"),
    (describing.status, "look"),
    (alerts.alerts, "look"),
    (documents.design, "design"),
    (documents.strategy, "design"),
    (documents.runbook, "design"),
    (documents.export, "design"),
    (documents.diff, "design"),
    (delivery.run, "deliver"),
    (delivery.reconcile, "deliver"),
    (operating.open_phase, "operate"),
    (operating.promotion, "operate"),
    (rolling_back.rollback, "operate"),
    (operating.pause, "operate"),
    (operating.resume, "operate"),
    (operating.approve, "operate"),
    (rights.suppress, "people"),
    (rights.erase, "people"),
    (rights.recipients, "people"),
):
    name = "open" if command is operating.open_phase else command.__name__
    app.command(name, rich_help_panel=panel)(command)


app.add_typer(auditing.app, rich_help_panel="look")
app.add_typer(letters.app, rich_help_panel="operate")
app.add_typer(letters.doubts, rich_help_panel="operate")
app.add_typer(rights.app, rich_help_panel="people")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit code.

    A traceback is shown only if ACTIVATION_DEBUG is set; a user's mistake never needs one.
    """
    output = Output.from_arguments(sys.argv[1:] if arguments is None else arguments)
    if arguments is None:
        # Whoever asks this process to end means what Ctrl-C means.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code = app(
            args=None if arguments is None else list(arguments),
            prog_name="activation",
            standalone_mode=False,
        )
    except ActivationError as error:
        if os.environ.get("ACTIVATION_DEBUG"):
            raise
        output.error(error)
        return int(error.exit_code)
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return int(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(output)
    if code == _INTERRUPTED:
        return _interrupted(output)
    return code if isinstance(code, int) else int(ExitCode.DONE)


def _interrupted(output: Output) -> int:
    output.error(
        Stopped("interrupted.", hint="What was sent is recorded; repeat, and nothing goes twice.")
    )
    return int(ExitCode.STOPPED)
