"""`suppress`, `erase`, `recipients`, `erasures`: the rights of people; no key is ever printed."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from activation.cli import reports
from activation.cli.operating import scope_of
from activation.cli.options import AnySync, Json, Reason, SyncName
from activation.cli.output import Output, counted
from activation.cli.people import author
from activation.contract.people import person_key
from activation.errors import ExitCode, UsageError
from activation.ledger.erasures import Erasure, ErasureState
from activation.settings import Settings
from activation.sync import Services, find_contract, open_services

Keys = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY]...", help="The person's key, as the consent models have it."),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="FILE", help="One key a line; - is standard input."),
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="MODEL", help="A dbt model with a column of keys.")
]
Column = Annotated[
    str | None, typer.Option("--column", metavar="COLUMN", help="The model's column of keys.")
]
Connection = Annotated[
    str | None, typer.Option("--connection", metavar="C", help="Only for this connection.")
]
OneSync = Annotated[str | None, typer.Option("--sync", metavar="SYNC", help="Only for this sync.")]
_SHOWN = 12

app = typer.Typer(
    name="erasures",
    help="Erasures: how far each has come, and what is left to do by hand.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def suppress(
    reason: Reason,
    keys: Keys = None,
    file: From = None,
    model: Model = None,
    column: Column = None,
    sync: OneSync = None,
    connection: Connection = None,
    lift: Annotated[
        bool, typer.Option("--lift", help="Let them be sent again, if they agree.")
    ] = False,
    json: Json = False,
) -> int:
    """Send nothing about these people any more but what takes data away, from now on."""
    from activation.sync import people

    settings = Settings.load()
    everything = sync is None and connection is None
    scope = scope_of(settings, sync, connection, everything=everything)
    output = Output(json=json)
    with _opened(settings) as services:
        chosen = _chosen(services, keys, file, model, column)
        new = people.suppress(
            services, chosen, scope=scope, lift=lift, reason=reason, author=author()
        )
        found = people.recipients(services, chosen)
    done = "no longer suppressed" if lift else "suppressed"
    output.text(f"{scope}: {counted(len(chosen), 'key')} {done}, {new:,} of them new.")
    if not lift:
        output.text("The next plan of each sync does what its `on_revoke` says.")
    _unknown(output, len(chosen), {r.person for r in found})
    output.result(
        {"scope": scope, "keys": len(chosen), "new": new, "lifted": lift, "reason": reason}
    )
    return ExitCode.DONE


def recipients(
    keys: Keys = None,
    file: From = None,
    model: Model = None,
    column: Column = None,
    json: Json = False,
) -> int:
    """Show every destination that ever received these people, with the first and last time."""
    from activation.sync import people

    output = Output(json=json)
    with _opened(Settings.load()) as services:
        chosen = _chosen(services, keys, file, model, column)
        found = people.recipients(services, chosen)
    report = [
        {
            "person": one.person[:_SHOWN],
            "connection": one.connection,
            "object": one.object,
            "sync": one.sync,
            "first": one.first_at,
            "last": one.last_at,
            "standing": one.standing,
            "why": one.why,
        }
        for one in found
    ]
    columns = ("person", "connection", "object", "sync", "first", "last", "standing", "why")
    output.table(None, columns, [[_told(one[c]) for c in columns] for one in report])
    _unknown(output, len(chosen), {one.person for one in found})
    output.result({"keys": len(chosen), "recipients": report})
    return ExitCode.DONE


def erase(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")
    ] = "",
    keys: Keys = None,
    file: From = None,
    model: Model = None,
    column: Column = None,
    preview: Annotated[bool, typer.Option("--preview", help="Tell what; do nothing.")] = False,
    json: Json = False,
) -> int:
    """Remove these people from every destination, and let nothing bring them back."""
    from activation.sync import people

    settings = Settings.load()
    output = Output(json=json)
    with _opened(settings) as services:
        chosen = _chosen(services, keys, file, model, column)
        foreseen = people.foresee(services, chosen)
        output.table(
            "what an erasure does",
            ("connection", "object", "sync", "people there", "effect"),
            [[f.connection, f.object, f.sync, f.people, f.effect] for f in foreseen],
        )
        told: dict[str, Any] = {
            "keys": len(chosen),
            "destinations": [
                {
                    "connection": f.connection,
                    "object": f.object,
                    "sync": f.sync,
                    "people": f.people,
                    "possible": f.possible,
                    "effect": f.effect,
                }
                for f in foreseen
            ],
        }
        if preview:
            output.text("Nothing was done.")
            output.result(told | {"done": False})
            return ExitCode.DONE
        new = people.ask_erasure(services, chosen, reason=reason, author=author())
        run_id, message = _carry_out(settings, output)
        names = {
            name for key in chosen for name, _ in services.ledger.people.named(person_key(key))
        }
        found = [e for e in services.ledger.erasures.list() if e.person in names]
    _show(output, [e for e in found if e.due or e.last_at is not None])
    output.text(f"{counted(len(chosen), 'tombstone')} set, {new:,} of them new; run {run_id}.")
    if message:
        output.note(reports.escape(message))
    output.result(
        told | {"done": True, "new": new, "run_id": run_id, "erasures": [_report(e) for e in found]}
    )
    return _code(found)


@app.command(name="list")
def listed(
    sync: AnySync = None,
    everything: Annotated[bool, typer.Option("--all", help="Those that are done, too.")] = False,
    json: Json = False,
) -> int:
    """Show the erasures that are due, and what each waits for."""
    settings = Settings.load()
    output = Output(json=json)
    chosen = find_contract(settings, sync).sync if sync else None
    with _opened(settings) as services:
        found = services.ledger.erasures.list(sync=chosen)
    shown = [e for e in found if everything or e.due]
    _show(output, shown)
    output.text(f"{counted(sum(e.due for e in found), 'erasure')} due.")
    output.result({"erasures": [_report(e) for e in shown]})
    return ExitCode.DONE


@app.command()
def settle(
    sync: SyncName,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="As `list` names it.")],
    reason: Reason,
    json: Json = False,
) -> int:
    """Say that a person's record is gone from a destination: somebody removed it by hand."""
    settings = Settings.load()
    output = Output(json=json)
    contract = find_contract(settings, sync)
    if len(person) < _SHOWN:
        raise UsageError(
            f"`{person}` is too short to name a person.", hint=f"activation erasures list {sync}"
        )
    with _opened(settings) as services:
        settled = services.ledger.erasures.settle(
            contract.sync, person, reason=reason, author=author()
        )
    if not settled:
        raise UsageError(
            f"{sync} has no erasure of `{person}` that is due.",
            hint=f"activation erasures list {sync}",
        )
    output.text(f"{sync}: the erasure of {person[:_SHOWN]} is settled.")
    output.result({"sync": sync, "person": person[:_SHOWN], "state": "settled"})
    return ExitCode.DONE


@app.command(name="run")
def run_due(json: Json = False) -> int:
    """Carry out what is due now; every run of a sync does so by itself."""
    settings = Settings.load()
    output = Output(json=json)
    with _opened(settings) as services:
        before = [e for e in services.ledger.erasures.list() if e.state is ErasureState.OPEN]
        run_id, message = _carry_out(settings, output)
        names = {(e.person, e.sync) for e in before}
        found = [e for e in services.ledger.erasures.list() if (e.person, e.sync) in names]
    _show(output, found)
    if message:
        output.note(reports.escape(message))
    output.result({"run_id": run_id, "erasures": [_report(e) for e in found]})
    return _code(found)


def _carry_out(settings: Settings, output: Output) -> tuple[str, str | None]:
    """Carry out what is due in a run of Dagster, and return its id and what went wrong."""
    from activation.defs.launch import carry_out_erasures

    with output.step("removing"):
        launched = carry_out_erasures(settings)
    return launched.run_id, launched.message


@contextmanager
def _opened(settings: Settings) -> Iterator[Services]:
    with open_services(settings) as services:
        yield services


def _chosen(
    services: Services,
    keys: Sequence[str] | None,
    file: str | None,
    model: str | None,
    column: str | None,
) -> tuple[str, ...]:
    """Return the keys that were given, each once, from wherever they come."""
    from activation.sync.people import people_of_model

    given = [*(keys or ())]
    if file is not None:
        given += _lines(file)
    if model is not None:
        if column is None:
            raise UsageError("--model needs the column of keys.", hint="Add --column COLUMN.")
        given += people_of_model(services, model, column)
    found = tuple(dict.fromkeys(key.strip(" ") for key in given if key.strip(" ")))
    if not found:
        raise UsageError(
            "no key of a person is given.", hint="Name them, or give --from FILE, or --model."
        )
    return found


def _lines(file: str) -> list[str]:
    if file == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{file} cannot be read ({type(error).__name__}).", hint="Give one key a line, as text."
        ) from None


def _unknown(output: Output, keys: int, known: set[str]) -> None:
    if unknown := keys - len(known):
        output.note(
            f"{counted(unknown, 'key')} of {keys:,}: no destination received such a person; "
            "see that the spelling is that of the consent models."
        )


def _show(output: Output, erasures: Sequence[Erasure]) -> None:
    columns = ("person", "connection", "object", "sync", "state", "why", "restorable_until")
    rows = [_report(erasure) for erasure in erasures]
    output.table(None, columns, [[_told(row[c]) for c in columns] for row in rows])


def _report(erasure: Erasure) -> dict[str, Any]:
    return {
        "person": erasure.person[:_SHOWN],
        "connection": erasure.connection,
        "object": erasure.object,
        "sync": erasure.sync,
        "state": str(erasure.state),
        "why": erasure.why,
        "asked_at": erasure.asked_at,
        "first": erasure.first_at,
        "last": erasure.last_at,
        "done_at": erasure.done_at,
        "restorable_until": erasure.restorable_until,
    }


def _told(value: object) -> object:
    return f"{value:%Y-%m-%d %H:%M}" if hasattr(value, "isoformat") else value


def _code(erasures: Sequence[Erasure]) -> int:
    states = {erasure.state for erasure in erasures}
    if ErasureState.OPEN in states:
        return ExitCode.STOPPED
    return ExitCode.REFUSED if ErasureState.BEYOND in states else ExitCode.DONE
