"""
The CSV of a job: read as strictly as Salesforce does, and written back with what came of each row.

A file that cannot be read as a whole fails its job; a row with a blank beside a quote fails alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from activation.sandbox.salesforce.errors import RowRefused

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
MAX_HEADER = 32_000
MAX_FIELD = 32_000
MAX_FIELDS = 5_000
MAX_RECORD = 400_000


class JobFailed(Exception):  # noqa: N818 - the vendor's word
    """The job fails as a whole: code and message of its `errorMessage`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code} : {message}")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its cells, or why it cannot be read."""

    cells: list[str]
    error: RowRefused | None = None


def read(content: bytes, *, delimiter: str, line_ending: str) -> tuple[list[str], list[Line]]:
    """
    Return the header and the rows of a file.

    Raises:
        JobFailed: it cannot be read as a whole.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Code and text from general knowledge.
        raise JobFailed("InvalidBatch", "Failed to parse CSV: not UTF-8") from None
    _check_line_ending(text, line_ending)
    separator = DELIMITERS[delimiter]
    try:
        rows = [Line(cells) for cells in _parsed(text, separator) if cells]
    except csv.Error:
        rows = list(_by_record(text, separator))
    if not rows or rows[0].error:
        raise JobFailed("InvalidBatch", "The 'CSV' header row is missing or cannot be read")
    header = rows[0].cells
    if len(text.partition("\n")[0]) > MAX_HEADER or len(header) > MAX_FIELDS:
        raise JobFailed("InvalidBatch", "The 'CSV' header row is too long")
    return header, [_checked(row, len(header)) for row in rows[1:]]


def _check_line_ending(text: str, line_ending: str) -> None:
    """Hold the file's first line against the setting; its text is recorded by several users."""
    first = text.find("\n")
    is_crlf = first > 0 and text[first - 1] == "\r"
    if first >= 0 and is_crlf != (line_ending == "CRLF"):
        raise JobFailed(
            "ClientInputError",
            f"LineEnding is invalid on user data. Current LineEnding setting is {line_ending}",
        )


def _parsed(text: str, separator: str) -> Iterable[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def records(text: str) -> Iterator[str]:
    """Yield the lines of a file with their ends; a line end within quotes ends no line."""
    record = ""
    for line in text.splitlines(keepends=True):
        record += line
        if record.count('"') % 2 == 0:
            yield record
            record = ""
    if record:
        raise JobFailed("InvalidBatch", "Failed to parse CSV: a quote is never closed")


def _by_record(text: str, separator: str) -> Iterator[Line]:
    """Yield the rows of a file in which some quote stands wrong, each read by itself."""
    for record in records(text):
        try:
            cells = next(iter(_parsed(record.strip("\r\n"), separator)), [])
        except csv.Error:
            yield Line([], _unreadable())
        else:
            if cells:
                yield Line(cells)


def _unreadable() -> RowRefused:
    # The guide says that such a row is in error; code and text are not sourced.
    return RowRefused("INVALID_CSV_ROW", "A blank stands before or after a double quote")


def _checked(row: Line, width: int) -> Line:
    if row.error:
        return row
    if any(cell[:1] in (" ", "\t") and cell.lstrip().startswith('"') for cell in row.cells):
        return Line(row.cells, _unreadable())
    if len(row.cells) > width or max(map(len, row.cells)) > MAX_FIELD:
        # Neither code nor text is sourced.
        return Line(row.cells, RowRefused("INVALID_CSV_ROW", "The row or a field is too long"))
    if sum(map(len, row.cells)) > MAX_RECORD:
        return Line(row.cells, RowRefused("INVALID_CSV_ROW", "The record is too long"))
    return row


def written(rows: Iterable[Sequence[str]], prefixes: Iterable[str], delimiter: str) -> str:
    """Return lines of a result file: what Salesforce adds, in quotes, then the row as it came."""
    # Written row by row into one buffer, because only our part of a row is always quoted.
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=DELIMITERS[delimiter], lineterminator="\n")
    for prefix, cells in zip(prefixes, rows, strict=True):
        buffer.write(prefix)
        writer.writerow(cells)
    return buffer.getvalue()


def quoted(*values: str, delimiter: str) -> str:
    """Return values as the beginning of a line, in quotes."""
    separator = DELIMITERS[delimiter]
    return "".join('"' + value.replace('"', '""') + f'"{separator}' for value in values)


def error_text(error: RowRefused) -> str:
    """Return a row's error as one cell: code, text, fields."""
    fields = " ".join(error.fields)
    return f"{error.code}:{error.message}:{fields + ' ' if fields else ''}--"
