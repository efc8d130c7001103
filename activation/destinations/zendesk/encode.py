"""Rows into the body of one job, and back into rows when `send` has to know them."""

from __future__ import annotations

import json
import re
from itertools import repeat
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.model import FieldKind, FieldMapping, NullPolicy
from activation.destinations.base import Target
from activation.destinations.cells import json_values
from activation.destinations.traits import Verb
from activation.destinations.zendesk.names import (
    KEY,
    LISTS,
    MEMBERSHIPS,
    REFERENCE,
    USERS,
    check_target,
    custom_key,
)

_ABSENT = object()
_GAPS = re.compile(r"[ \t\n\r\f\v,]+")


def encode(target: Target, rows: pa.Table, *, most: int) -> bytes:
    """
    Return the body for these rows; the same rows give the same bytes.

    It is what Zendesk takes, but for an organization that is named by its external id: `send`
    puts the id in its place, because Zendesk takes nothing else.

    Raises:
        ConfigurationError: a name in the target is not one.
        ValueError: more than `most` rows, or a row without a sync key.
    """
    kind = check_target(target)
    if rows.num_rows > most:
        message = f"{rows.num_rows} rows do not fit one request; at most {most} do"
        raise ValueError(message)
    keys = rows.column("sync_key").cast(pa.string())
    if keys.null_count or pc.any(pc.equal(pc.utf8_trim_whitespace(keys), "")).as_py():
        message = "a row has no sync key"
        raise ValueError(message)
    columns: dict[str, Any] = {KEY: keys.to_pylist()}
    removes = target.verb in (Verb.REMOVE, Verb.ERASE)
    if (removes or target.verb is Verb.UPDATE) and "destination_id" in rows.column_names:
        columns["id"] = _ids(rows.column("destination_id"))
    if removes:
        return body_of(kind.many, _records(columns))
    if kind is USERS and target.verb is not Verb.UPDATE:
        # A sync is no invitation: without it, each new user gets a mail.
        columns["skip_verify_email"] = [True] * rows.num_rows
    changed = rows.column("changed").to_pylist() if "changed" in rows.column_names else None
    custom: dict[str, Any] = {}
    for mapping in target.fields:
        if kind is MEMBERSHIPS and mapping.to.endswith(f".{KEY}"):
            continue  # both ends are told by the key
        values = _values(mapping, rows.column(mapping.to), changed)
        name = custom_key(kind, mapping.to)
        if name is not None:
            custom[name] = values
        else:
            columns["organization_id" if mapping.to == REFERENCE else mapping.to] = values
    if custom:
        columns[str(kind.custom)] = [record or _ABSENT for record in _records(custom)]
    return body_of(kind.many, _records(columns))


def rows_of(payload: bytes) -> list[dict[str, Any]]:
    """Return the rows of a payload; numbers with a fraction keep their very digits."""
    parsed = json.loads(payload, parse_float=orjson.Fragment)
    (rows,) = parsed.values()
    found: list[dict[str, Any]] = rows
    return found


def body_of(name: str, rows: list[dict[str, Any]]) -> bytes:
    """Return the body of a request for these rows."""
    return orjson.dumps({name: rows})


def _records(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    # zip and dict run in C; a comprehension over the cells takes twice as long.
    members = map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=True))
    records: list[dict[str, Any]] = list(map(dict, members))
    if any(value is _ABSENT for values in columns.values() for value in values):
        records = [{n: v for n, v in r.items() if v is not _ABSENT} for r in records]
    return records


def _values(
    mapping: FieldMapping, column: pa.ChunkedArray, changed: list[list[str] | None] | None
) -> list[Any]:
    """Return a field's JSON values, with `_ABSENT` where it is to be left alone."""
    values = _written(mapping, json_values(mapping, column))
    # A null under the policy `hold` never gets here; were it to, leaving out does no harm.
    empty = _emptied(mapping)
    kept = empty if mapping.nulls is NullPolicy.CLEAR else _ABSENT
    if changed is None:
        return [kept if v is None else v for v in values]
    return [
        (kept if v is None else v)
        if names is None
        else (empty if v is None else v)
        if mapping.to in names
        else _ABSENT
        for v, names in zip(values, changed, strict=True)
    ]


def _written(mapping: FieldMapping, values: list[Any]) -> list[Any]:
    if mapping.to == "email":
        return [None if v is None else v.lower() for v in values]
    if mapping.to in LISTS:
        return [None if v is None else words(v) for v in values]
    if mapping.to == REFERENCE:
        return [None if v is None else {KEY: v} for v in values]
    return values


def _emptied(mapping: FieldMapping) -> Any:
    """Return what empties a field."""
    if mapping.to == "email":
        return _ABSENT  # a primary address cannot be emptied
    if mapping.to in LISTS:
        return []
    # A checkbox is on or off.
    return False if mapping.type.kind is FieldKind.BOOLEAN else None


def words(text: str) -> list[str]:
    """Return the words of a text, each once, in their order: a tag holds no spaces."""
    return list(dict.fromkeys(word for word in _GAPS.split(text.lower()) if word))


def _ids(column: pa.ChunkedArray) -> list[Any]:
    return [
        int(value) if isinstance(value, str) and value.isdecimal() else _ABSENT
        for value in column.cast(pa.string()).to_pylist()
    ]
