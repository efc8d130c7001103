"""Which column goes into which field: by name, then by what fits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.strategy.profile import ColumnFacts

_ALIKE = 0.84
_INTO = {
    FieldKind.TEXT: {FieldKind.TEXT},
    FieldKind.INTEGER: {FieldKind.INTEGER, FieldKind.DECIMAL},
    FieldKind.DECIMAL: {FieldKind.DECIMAL},
    FieldKind.BOOLEAN: {FieldKind.BOOLEAN},
    FieldKind.DATE: {FieldKind.DATE},
    FieldKind.TIMESTAMP: {FieldKind.TIMESTAMP},
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A column and the field that it seems to be meant for."""

    column: ColumnFacts
    field: FieldSchema
    sure: bool
    """Whether the names are the same but for spelling."""
    troubles: tuple[str, ...]
    """What a person must look at: cut texts, unknown values, an empty required field."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How a model and an object fit together."""

    pairs: tuple[Pair, ...]
    left_over: tuple[ColumnFacts, ...]
    """Columns without a field."""
    required: tuple[str, ...]
    """Fields that a new record needs and no column fills."""
    keys: tuple[FieldSchema, ...]
    """Fields that can hold the sync key, the best first."""


def match(
    columns: Sequence[ColumnFacts], schema: ObjectSchema, *, aside: Iterable[str]
) -> Matching:
    """
    Match columns to fields; each is used once.

    Args:
        columns: of the model.
        schema: what the destination describes.
        aside: columns that are grain or version, and are sent only if a field has their name.
    """
    keys = _keys(schema)
    free = {
        f.name: f
        for f in schema.fields.values()
        if f.writable and f not in keys[:1] and not f.external_id
    }
    pairs: list[Pair] = []
    reserved = set(aside)
    for exact in (True, False):
        taken = {pair.column.name for pair in pairs}
        for facts in columns:
            if facts.name in taken or facts.kind is None or (facts.name in reserved and not exact):
                continue
            field = _best(facts, free, exact=exact)
            if field is not None:
                del free[field.name]
                pairs.append(Pair(facts, field, exact, tuple(_troubles(facts, field))))
    taken = {pair.column.name for pair in pairs}
    left = [c for c in columns if c.name not in taken and c.name not in reserved]
    filled = {pair.field.name for pair in pairs}
    required = sorted(
        f.name for f in schema.fields.values() if f.required and f.writable and f.name not in filled
    )
    order = [c.name for c in columns]
    pairs.sort(key=lambda pair: order.index(pair.column.name))
    missing = tuple(wanted for wanted in required if not _is_key(keys, wanted))
    return Matching(tuple(pairs), tuple(left), missing, keys)


def _is_key(keys: Sequence[FieldSchema], wanted: str) -> bool:
    return bool(keys) and keys[0].name == wanted


def _keys(schema: ObjectSchema) -> tuple[FieldSchema, ...]:
    usable = [
        f
        for f in schema.fields.values()
        if f.external_id and f.unique and f.writable and f.kind is FieldKind.TEXT and not f.email
    ]
    return tuple(sorted(usable, key=lambda f: ("key" not in f.name.lower(), f.name)))


def _best(
    facts: ColumnFacts, free: Mapping[str, FieldSchema], *, exact: bool
) -> FieldSchema | None:
    fitting = {
        plain(f.name): f for f in free.values() if facts.kind and f.kind in _INTO[facts.kind]
    }
    if exact:
        return fitting.get(plain(facts.name))
    near = difflib.get_close_matches(plain(facts.name), fitting, n=1, cutoff=_ALIKE)
    return fitting[near[0]] if near else None


def plain(wanted: str) -> str:
    """Return a name without what vendors and models spell differently."""
    bare = re.sub(r"__[cr]$", "", wanted)
    return re.sub(r"[^a-z0-9]", "", bare.lower())


def _troubles(facts: ColumnFacts, field: FieldSchema) -> Iterable[str]:
    if field.length is not None and facts.longest is not None and facts.longest > field.length:
        yield (
            f"the longest value has {facts.longest:,} characters, and the field takes "
            f"{field.length:,}: such rows are held"
        )
    if field.values is not None and facts.values:
        unknown = sorted(set(facts.values) - set(field.values))
        if unknown:
            yield f"the field does not know the values {', '.join(unknown)}"
    if field.required and facts.nulls:
        yield f"{facts.nulls:,} rows have no value, and a record needs one: such rows are held"
    if facts.scale is not None and field.scale is not None and facts.scale > field.scale:
        yield f"the column has {facts.scale} decimals, the field {field.scale}"
