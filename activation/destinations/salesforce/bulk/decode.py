"""
What the three result files of a job say of each row, matched by the key.

    successful + failed + unprocessed = what was sent

A row that is in none of them was not delivered, and a row that was not sent makes the whole answer
one that cannot be read: it is not the answer of this job.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.salesforce.decode import LONGEST_TEXT, fate_of
from activation.destinations.salesforce.errors import code_in
from activation.destinations.unvouched import unvouched

ID, CREATED, ERROR = "sf__Id", "sf__Created", "sf__Error"
_CREATED = {"true": True, "false": False}
_NOT_PROCESSED = RowResult(
    error=RowError("NOT_PROCESSED", "the job ended before it came to the row", fate=Fate.RETRYABLE)
)
_NO_RESULT = unvouched("the job's results do not speak of the row", code="NO_RESULT")


@dataclass(frozen=True, slots=True)
class Results:
    """The files of a job, as they travel in an answer's body; one text a page."""

    key: str
    """The column that holds the sync key."""
    successful: Sequence[str]
    failed: Sequence[str]
    unprocessed: Sequence[str]

    def body(self) -> bytes:
        """Return the files as the body of an answer."""
        return orjson.dumps(
            {
                "key": self.key,
                "successful": self.successful,
                "failed": self.failed,
                "unprocessed": self.unprocessed,
            }
        )


def decode(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """
    Return one result a key, in the order of the keys sent.

    Never raises: files that cannot be read, or that hold a row that was not sent, vouch for no
    row, and each gets a RETRYABLE error.
    """
    try:
        found = _found(orjson.loads(answer.body))
    except (ValueError, KeyError, TypeError, AttributeError, csv.Error):
        return (unvouched("the job's results cannot be read"),) * len(keys)
    if not found.keys() <= set(keys):
        return (unvouched("the job's results hold rows that were not sent"),) * len(keys)
    return tuple(found.get(key, _NO_RESULT) for key in keys)


def _found(files: dict[str, Any]) -> dict[str, RowResult]:
    """Return the results by key; raise ValueError or KeyError if they are not what they must be."""
    key = files["key"]
    found: dict[str, RowResult] = {}
    for page in files["successful"]:
        for place, record_id, created in _rows(page, key, ID, CREATED):
            _add(found, place, _success(record_id, created))
    for page in files["failed"]:
        for place, text in _rows(page, key, ERROR):
            _add(found, place, RowResult(error=_error(text)))
    for page in files["unprocessed"]:
        for (place,) in _rows(page, key):
            _add(found, place, _NOT_PROCESSED)
    return found


def _rows(page: str, *columns: str) -> Iterator[tuple[str, ...]]:
    """Yield these columns of a file; one without a line, not even a header, has no rows."""
    reader = csv.reader(io.StringIO(page, newline=""), strict=True)
    header = next(reader, None)
    if header is None:
        return
    if len(set(header)) != len(header):
        message = "a column comes twice"
        raise ValueError(message)
    places = [header.index(column) for column in columns]
    width = len(header)
    for row in reader:
        if len(row) != width:
            message = "a row has more or fewer cells than the header"
            raise ValueError(message)
        yield tuple(row[place] for place in places)


def _add(found: dict[str, RowResult], key: str, result: RowResult) -> None:
    """Keep a result; of a key that comes twice, only that it failed can be believed."""
    earlier = found.get(key)
    if earlier is not None and (earlier.error is None or result.error is None):
        result = unvouched("the job's results speak of the row twice")
    found[key] = result


def _success(record_id: str, created: str) -> RowResult:
    if not record_id:
        return unvouched("the row's success names no record")
    return RowResult(destination_id=record_id, created=_CREATED.get(created))


def _error(text: str) -> RowError:
    """Read `CODE:message:fields --`."""
    code, _, rest = text.partition(":")
    message, colon, fields = rest.removesuffix("--").rpartition(":")
    known = code_in(code) or "UNKNOWN"
    message = message if colon else rest
    return RowError(
        code=known,
        text=message[:LONGEST_TEXT],
        fate=fate_of(known, text),
        fields=tuple(fields.split()) if colon else (),
    )
