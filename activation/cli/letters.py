"""`dead-letters` and `doubts`: the rows that wait for a fix, a replay, or a human's word."""

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any

import typer

from activation.cli import reports
from activation.cli.options import Json, Reason, SyncName
from activation.cli.output import Output, counted
from activation.cli.people import author
from activation.contract.values import parse_duration
from activation.errors import ExitCode, UsageError
from activation.ledger import Ledger, open_ledger
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.needs import diagnose
from activation.ledger.selection import Selection
from activation.settings import Settings
from activation.sync import find_contract

_SHOWN = 50
_COLUMNS = ("letter", "class", "needs", "operation", "fields", "attempts", "since", "said")
Code = Annotated[str | None, typer.Option("--class", metavar="CODE", help="One error class.")]
Older = Annotated[str | None, typer.Option("--older-than", metavar="AGE", help="Such as 6h or 2d.")]
Plan = Annotated[
    str | None, typer.Option("--plan", metavar="P", help="Of one plan, by its digest.")
]
Run = Annotated[str | None, typer.Option("--run", metavar="ID", help="Of one run.")]
Preview = Annotated[bool, typer.Option("--preview", help="Tell which; change nothing.")]

app = typer.Typer(
    name="dead-letters",
    help="Rows that were refused: look, replay, give up.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
doubts = typer.Typer(
    name="doubts",
    help="Requests that may have been applied, where only a human can tell.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command(name="list")
def listed(
    sync: SyncName,
    code: Code = None,
    older: Older = None,
    plan: Plan = None,
    run: Run = None,
    json: Json = False,
) -> int:
    """Show the open dead letters, newest first, and what each needs; no value is in them."""
    output = Output(json=json)
    with _opened(sync) as ledger:
        found = _selection(code, older, plan, run).letters(ledger, sync)
    output.table(None, _COLUMNS, [_row(letter) for letter in found[:_SHOWN]])
    for said in dict.fromkeys(diagnose(letter) for letter in found[:_SHOWN]):
        output.text(f"{said.need.value}: {reports.escape(said.says)}")
    output.text(f"{counted(len(found), 'open dead letter')} of {sync}.")
    output.result({"sync": sync, "letters": [_report(letter) for letter in found]})
    return ExitCode.DONE


@app.command()
def show(
    sync: SyncName,
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="As `list` names it.")],
    json: Json = False,
) -> int:
    """Show one dead letter whole."""
    output = Output(json=json)
    with _opened(sync) as ledger:
        found = [one for one in ledger.dead_letters.list(sync, state=None) if one.id == letter]
    if not found:
        raise UsageError(
            f"{sync} has no dead letter `{letter}`.", hint=f"activation dead-letters list {sync}"
        )
    report = _report(found[0])
    output.table(None, ("what", "is"), [[name, str(value)] for name, value in report.items()])
    output.result(report)
    return ExitCode.DONE


@app.command()
def replay(
    sync: SyncName,
    reason: Reason,
    code: Code = None,
    older: Older = None,
    plan: Plan = None,
    run: Run = None,
    preview: Preview = False,
    json: Json = False,
) -> int:
    """Let the next plan send these rows again, as they are now, through every gate."""
    chosen = _selection(code, older, plan, run)
    return _move(sync, chosen, reason, replayed=True, preview=preview, json=json)


@app.command()
def drop(
    sync: SyncName,
    reason: Reason,
    code: Code = None,
    older: Older = None,
    plan: Plan = None,
    run: Run = None,
    preview: Preview = False,
    json: Json = False,
) -> int:
    """Give these payloads up: the rows stay away until their values change."""
    chosen = _selection(code, older, plan, run)
    return _move(sync, chosen, reason, replayed=False, preview=preview, json=json)


@doubts.command(name="list")
def doubted(sync: SyncName, json: Json = False) -> int:
    """Show the batches in doubt: how many rows, and until when they may take effect."""
    output = Output(json=json)
    with _opened(sync) as ledger:
        found = ledger.doubts.list(sync)
    report = [
        {
            "batch": batch.cut.id,
            "rows": batch.cut.rows,
            "operations": dict(batch.cut.operations),
            "until": None if batch.fence_until is None else batch.fence_until.isoformat(),
        }
        for batch in found
    ]
    columns = ("batch", "rows", "until")
    output.table(None, columns, [[line[name] for name in columns] for line in report])
    output.text(f"in doubt: {counted(sum(batch.cut.rows for batch in found), 'row')}.")
    output.result({"sync": sync, "batches": report})
    return ExitCode.DONE


@doubts.command()
def settle(
    sync: SyncName,
    batch: Annotated[str, typer.Argument(metavar="BATCH", help="As `list` names it.")],
    reason: Reason,
    applied: Annotated[
        bool, typer.Option("--applied/--not-applied", help="What the destination shows.")
    ],
    json: Json = False,
) -> int:
    """Say what became of a batch, after a look at the destination: all of it, or nothing."""
    output = Output(json=json)
    with _opened(sync) as ledger:
        ledger.doubts.settle(sync, batch, applied=applied, reason=reason, author=author())
    became = "was applied" if applied else "was not applied and is planned again"
    output.text(f"{batch} {became} ({reports.escape(reason)}).")
    output.result({"sync": sync, "batch": batch, "applied": applied, "reason": reason})
    return ExitCode.DONE


def _opened(sync: str) -> Ledger:
    settings = Settings.load()
    find_contract(settings, sync)
    return open_ledger(settings.ledger_url)


def _selection(code: str | None, older: str | None, plan: str | None, run: str | None) -> Selection:
    return Selection(code, None if older is None else _age(older), plan, run)


def _age(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(str(error), hint="Write it as 6h or 2d.") from None


def _move(
    sync: str,
    chosen: Selection,
    reason: str,
    *,
    replayed: bool,
    preview: bool,
    json: bool,
) -> int:
    output = Output(json=json)
    with _opened(sync) as ledger:
        found = chosen.letters(ledger, sync)
        if found and not preview:
            ids = [letter.id for letter in found]
            move = ledger.dead_letters.replay if replayed else ledger.dead_letters.drop
            move(sync, ids, reason=reason, author=author())
    rows = counted(len(found), "row")
    done = "go out with the next plan" if replayed else "are given up until their values change"
    output.text(f"{rows} would {done}." if preview else f"{rows} {done}.")
    if replayed and found and not preview:
        output.text(f"next: activation run {sync}")
    classes = Counter((letter.code, diagnose(letter).need.value) for letter in found)
    output.table(
        None,
        ["class", "needs", "rows"],
        [[code, need, rows] for (code, need), rows in classes.most_common()],
    )
    output.result(
        {
            "sync": sync,
            "rows": len(found),
            "classes": [
                {"class": code, "needs": need, "rows": rows}
                for (code, need), rows in classes.most_common()
            ],
            "preview": preview,
            "reason": reason,
        }
    )
    return ExitCode.DONE


def _row(letter: DeadLetter) -> list[object]:
    return [
        letter.id,
        letter.code,
        diagnose(letter).need.value,
        letter.operation,
        ", ".join(letter.fields),
        letter.attempts,
        f"{letter.created_at:%Y-%m-%d %H:%M}",
        letter.text,
    ]


def _report(letter: DeadLetter) -> dict[str, Any]:
    due, said = letter.next_attempt_at, diagnose(letter)
    return {
        "letter": letter.id,
        "state": letter.state.value,
        "class": letter.code,
        "fate": letter.fate,
        "needs": said.need.value,
        "next_step": said.says,
        "operation": letter.operation,
        "fields": list(letter.fields),
        "said": letter.text,
        "key": letter.key_hash,
        "plan": letter.plan_digest,
        "attempts": letter.attempts,
        "since": letter.created_at.isoformat(),
        "next_attempt": None if due is None else due.isoformat(),
    }
