"""Rows into the body of one collections upsert."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.model import FieldMapping, NullPolicy
from activation.destinations.base import Target
from activation.destinations.cells import json_values, named_in
from activation.destinations.salesforce.names import check_target, lookup_field
from activation.destinations.salesforce.traits import TRAITS

_ABSENT = object()


def encode(target: Target, rows: pa.Table, *, ids: bool = False) -> bytes:
    """
    Return the request body for these rows; the same rows give the same bytes.

    `rows` has the columns `sync_key` and one a field of the target, by the field's name there.
    An empty value is sent as null where the contract says `clear`, and left out otherwise.
    Where `changed` names fields, these are sent, also empty, and no others.
    With `ids`, a record that is known by `destination_id` has its id.

    Raises:
        ConfigurationError: a name in the target cannot be an API name.
        ValueError: more than 200 rows, or a row without a sync key, which would create a record
            at every attempt.
    """
    check_target(target)
    keys = keys_of(rows, most=TRAITS.batch_rows)
    columns: dict[str, Any] = {
        "attributes": repeat({"type": target.object}),
        target.key: keys.to_pylist(),
    }
    for mapping in target.fields:
        named = named_in(rows, mapping.to)
        columns.update(_members(mapping, rows.column(mapping.to), named))
    if ids and "destination_id" in rows.column_names:
        known = rows.column("destination_id").to_pylist()
        columns["id"] = [_ABSENT if identity is None else identity for identity in known]
    # zip and dict run in C; a comprehension over the cells takes twice as long.
    members = map(zip, repeat(tuple(columns)), zip(*columns.values(), strict=False))
    records: list[dict[str, Any]] = list(map(dict, members))
    if any(_ABSENT in values for name, values in columns.items() if name != "attributes"):
        records = [{n: v for n, v in r.items() if v is not _ABSENT} for r in records]
    return orjson.dumps({"allOrNone": False, "records": records})


def encode_keys(target: Target, rows: pa.Table) -> bytes:
    """
    Return the keys of these rows, for a removal.

    Raises what `encode` raises.
    """
    check_target(target)
    return orjson.dumps({"keys": keys_of(rows, most=TRAITS.batch_rows).to_pylist()})


def keys_of(rows: pa.Table, *, most: int) -> pa.ChunkedArray:
    """
    Return the sync keys.

    Raises:
        ValueError: more rows than that, or a row without a sync key.
    """
    if rows.num_rows > most:
        message = f"{rows.num_rows} rows do not fit one request; at most {most} do"
        raise ValueError(message)
    keys = rows.column("sync_key").cast(pa.string())
    if keys.null_count or pc.any(pc.equal(pc.utf8_trim_whitespace(keys), "")).as_py():
        message = "a row has no sync key"
        raise ValueError(message)
    return keys


def _members(
    mapping: FieldMapping, column: pa.ChunkedArray, named: pa.Array | None
) -> dict[str, list[Any]]:
    """Return the JSON members that a field becomes, each with a value or `_ABSENT` a row."""
    values = json_values(mapping, column)
    # A null under the policy `hold` never gets here; were it to, leaving out does no harm.
    empty = None if mapping.nulls is NullPolicy.CLEAR else _ABSENT
    empties = [empty] * len(values)
    if named is not None:
        written = named.to_pylist()
        values = [_ABSENT if w is False else v for v, w in zip(values, written, strict=True)]
        empties = [empty if w is None else None for w in written]
    relationship, _, parent_key = mapping.to.rpartition(".")
    if relationship:
        links = [v if v is _ABSENT else _ABSENT if v is None else {parent_key: v} for v in values]
        unlinked = [e if v is None else _ABSENT for v, e in zip(values, empties, strict=True)]
        return {relationship: links, lookup_field(relationship): unlinked}
    if named is not None or (empty is _ABSENT and column.null_count):
        values = [e if v is None else v for v, e in zip(values, empties, strict=True)]
    return {mapping.to: values}
