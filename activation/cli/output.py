"""What people and scripts see: tables on standard output, or one JSON object there."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from activation.errors import ActivationError

_WIDTH_OF_A_FILE = 110


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_OF_A_FILE
    return console


@dataclass(frozen=True)
class Output:
    """Where results, notes and progress go."""

    json: bool = False
    out: Console = field(default_factory=lambda: _console(stderr=False))
    err: Console = field(default_factory=lambda: _console(stderr=True))

    @classmethod
    def from_arguments(cls, arguments: Sequence[str]) -> Self:
        """Return the output that these arguments ask for."""
        return cls(json="--json" in arguments)

    def result(self, report: Mapping[str, Any]) -> None:
        """Print the report as one JSON object, if JSON was asked for."""
        if self.json:
            import orjson

            options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z
            sys.stdout.write(orjson.dumps(report, default=str, option=options).decode() + "\n")

    def text(self, text: str = "") -> None:
        """Print a line for people."""
        if not self.json:
            self.out.print(text, soft_wrap=True)

    def plain(self, text: str) -> None:
        """Print a document as it is."""
        sys.stdout.write(text)

    def note(self, text: str) -> None:
        """Print a line on standard error."""
        self.err.print(text, soft_wrap=True)

    def table(
        self, title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]
    ) -> None:
        """Print a table for people; numbers stand to the right."""
        if self.json:
            return
        lines = [list(row) for row in rows]
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for index, column in enumerate(columns):
            numeric = bool(lines) and all(isinstance(line[index], int | float) for line in lines)
            table.add_column(column, justify="right" if numeric else "left", overflow="fold")
        for line in lines:
            table.add_row(*(_cell(value) for value in line))
        self.out.print(table)
        self.out.print()

    def error(self, error: ActivationError) -> None:
        """Print one clear sentence on standard error, and an object where scripts read."""
        self.note(f"[bold red]error:[/] {_escape(error.message)}")
        if error.hint:
            self.note(f"  [bold]next:[/] {_escape(error.hint)}")
        self.result(
            {
                "error": type(error).__name__,
                "message": error.message,
                "hint": error.hint,
                "exit_code": int(error.exit_code),
                **error.subject,
            }
        )

    @contextmanager
    def step(self, text: str) -> Iterator["Step"]:
        """Show that something is under way, with a bar once its size is known."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[detail]}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.err, transient=self.err.is_terminal) as progress:
            task = progress.add_task(text, total=None, detail="")
            yield Step(progress, task)
            if progress.tasks[0].total is None:
                progress.update(task, total=1, completed=1)


@dataclass(frozen=True)
class Step:
    """One line of progress."""

    progress: Progress
    task: Any

    def at(self, done: int, total: int) -> None:
        """Move the bar."""
        self.progress.update(
            self.task, completed=done, total=total, detail=f"{done:,} / {total:,} rows"
        )

    def say(self, text: str) -> None:
        """Change the words beside the bar."""
        self.progress.update(self.task, description=text)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return _escape(str(value))


def _escape(text: str) -> str:
    return text.replace("[", r"\[")


def counted(number: int, thing: str) -> str:
    """Return `1 row`, `2 rows`, `1,000 rows`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
