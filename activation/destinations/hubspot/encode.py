"""Rows into the bodies of batch calls; every value travels as text, as the description has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.model import FieldMapping, NullPolicy
from activation.destinations.base import Target
from activation.destinations.cells import text_cells
from activation.destinations.hubspot.names import normal_key

CLEARED = ""
"""What empties a property; null is never sent, because nothing says what it does."""

_ABSENT = object()


def keys_of(rows: pa.Table, *, most: int) -> list[str]:
    """
    Return the sync keys.

    Raises:
        ValueError: more rows than that, or a row without a sync key.
    """
    if rows.num_rows > most:
        message = f"{rows.num_rows} rows do not fit one request; at most {most} do"
        raise ValueError(message)
    column = rows.column("sync_key").cast(pa.string())
    if column.null_count or pc.any(pc.equal(pc.utf8_trim_whitespace(column), "")).as_py():
        message = "a row has no sync key"
        raise ValueError(message)
    keys: list[str] = column.to_pylist()
    return keys


def upserts(target: Target, rows: pa.Table, *, most: int) -> bytes:
    """
    Return the body of an upsert by the key property; the same rows give the same bytes.

    Each input carries its place as trace id: with one on every input HubSpot writes the good rows
    and tells of the bad ones, instead of refusing all.
    """
    keys = keys_of(rows, most=most)
    columns: dict[str, list[Any]] = {
        "id": [normal_key(target.key, key) for key in keys],
        "idProperty": [target.key] * len(keys),
        "objectWriteTraceId": traces(len(keys)),
        "properties": _properties(target, rows, keys),
    }
    return inputs(records(columns))


def updates(target: Target, rows: pa.Table, *, most: int) -> bytes:
    """
    Return the bodies of an update, one a line: by record id where it is known, else by the key.

    One request never mixes the two, because what comes of that is not documented.
    """
    keys = keys_of(rows, most=most)
    ids = _ids(rows)
    columns: dict[str, list[Any]] = {
        "id": [
            normal_key(target.key, key) if known is None else known
            for key, known in zip(keys, ids, strict=True)
        ],
        "idProperty": [target.key if known is None else _ABSENT for known in ids],
        "objectWriteTraceId": traces(len(keys)),
        "properties": _properties(target, rows, keys),
    }
    found = records(columns)
    parts = ([r for r in found if "idProperty" in r], [r for r in found if "idProperty" not in r])
    return b"\n".join(inputs(part) for part in parts if part)


def creates(target: Target, rows: pa.Table, *, most: int) -> bytes:
    """Return the body of a create; the same rows give the same bytes."""
    keys = keys_of(rows, most=most)
    columns: dict[str, list[Any]] = {
        "objectWriteTraceId": traces(len(keys)),
        "properties": _properties(target, rows, keys),
        "associations": [[]] * len(keys),
    }
    return inputs(records(columns))


def inputs(entries: Sequence[Any]) -> bytes:
    """Return a body: HubSpot takes one without the wrapper for an empty batch, and says nothing."""
    return orjson.dumps({"inputs": entries})


def traces(count: int) -> list[str]:
    """Return a trace id for each place."""
    return [str(place) for place in range(count)]


def records(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return a record a row, without the members that are to be left out."""
    # zip and dict run in C; a comprehension over the cells takes twice as long.
    members = map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=True))
    found: list[dict[str, Any]] = list(map(dict, members))
    if any(value is _ABSENT for values in columns.values() for value in values):
        found = [{n: v for n, v in r.items() if v is not _ABSENT} for r in found]
    return found


def _properties(target: Target, rows: pa.Table, keys: list[str]) -> list[dict[str, Any]]:
    changed = rows.column("changed").to_pylist() if "changed" in rows.column_names else None
    columns: dict[str, list[Any]] = {target.key: [normal_key(target.key, key) for key in keys]}
    for mapping in target.fields:
        columns[mapping.to] = field_values(mapping, rows.column(mapping.to), changed)
    return records(columns)


def field_values(
    mapping: FieldMapping, column: pa.ChunkedArray, changed: list[list[str] | None] | None
) -> list[Any]:
    """Return a field's values as text, with a mark where it is to be left alone."""
    values: list[Any] = text_cells(mapping, column).to_pylist()
    # A null under the policy `hold` never gets here; were it to, leaving out does no harm.
    empty = CLEARED if mapping.nulls is NullPolicy.CLEAR else _ABSENT
    if changed is None:
        return [empty if v is None else v for v in values] if column.null_count else values
    return [
        (empty if value is None else value)
        if names is None
        else (CLEARED if value is None else value)
        if mapping.to in names
        else _ABSENT
        for value, names in zip(values, changed, strict=True)
    ]


def _ids(rows: pa.Table) -> Iterable[str | None]:
    if "destination_id" not in rows.column_names:
        return [None] * rows.num_rows
    given: list[str | None] = rows.column("destination_id").cast(pa.string()).to_pylist()
    return [i if i and i.isascii() and i.isdecimal() else None for i in given]
