"""
From source columns to payload values: casts, the vendor's normalisation, hashes, nulls.

Two hashes stand beside each delivered key:

- `source_hash`, the engine's own fast hash of the raw columns, the version and the mapping.
  It only ever says "surely nothing changed", so that a plan reads on only where it differs.
  If the engine's hash changes, one plan reads everything, and nothing looks changed.
- `row_hash`, half of an MD5 of the payload as the destination will hold it.
  It decides what changed, what was rejected before and what parity compares,
  and it is the same in every engine and version of an engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from activation.contract.model import Contract, FieldKind, FieldMapping, NullPolicy
from activation.destinations.traits import Normaliser
from activation.errors import ConfigurationError, ContractError
from activation.planning.keys import matching, sync_key
from activation.planning.model import DestinationFacts
from activation.planning.protection import protected
from activation.warehouse.functions import Functions
from activation.warehouse.port import Relation, Session
from activation.warehouse.sql import bound, cast, column, either, is_null, joined, not_null, text

HASH_VERSION = "md5-64/1"
"""The method of `row_hash`; another method gets another name."""
REMOVED_HASH = 0
"""The row hash of a removal, whose payload is nothing; a refused one is known by it."""
REVOKED_HASH = 1
"""The row hash of a record that was emptied or opted out: no payload, so never as delivered."""

_MOST_FIELDS = 62  # null bits in one signed 64-bit number
_RESERVED = frozenset(
    {"sync_key", "operation", "verb", "row_hash", "version", "destination_id", "changed"}
)
_SQL_TYPES = {
    FieldKind.TEXT: "text",
    FieldKind.INTEGER: "bigint",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.DATE: "date",
    FieldKind.TIMESTAMP: "timestamp",
}


_FIELD = re.compile(r"field_(\d+)_(.+)", re.DOTALL)


def field_of(plan_column: str) -> tuple[int, str] | None:
    """Return place and name of the field that a plan's column holds; None if it is another."""
    found = _FIELD.fullmatch(plan_column)
    return None if found is None else (int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class PayloadField:
    """One mapped field and where it stands in plan tables."""

    mapping: FieldMapping
    place: int
    normalisers: tuple[Normaliser, ...]

    @property
    def column(self) -> str:
        """Return the field's column in plan tables; its own name could be one of ours."""
        return f"field_{self.place}_{self.mapping.to}"

    @property
    def sql_type(self) -> str:
        """Return the type of the field's values in the warehouse."""
        kind = self.mapping.type
        if kind.kind is FieldKind.DECIMAL:
            return f"decimal({kind.precision},{kind.scale})"
        return _SQL_TYPES[kind.kind]

    def value(self, functions: Functions, raw: exp.Expr, *, is_text: bool) -> exp.Expr:
        """Return the payload value as SQL, from a source value: protected, then as it is held."""
        if self.mapping.protect is not None:
            raw = protected(functions, self.mapping.protect, text(raw))
        return self.held(functions, raw, is_text=is_text)

    def held(self, functions: Functions, raw: exp.Expr, *, is_text: bool) -> exp.Expr:
        """Return a value as the destination holds it: cast, normalised; null if it does not fit."""
        if self.mapping.type.kind is FieldKind.TEXT:
            found: exp.Expr = text(raw)
        else:
            if is_text:
                raw = exp.Nullif(this=exp.Trim(this=raw), expression=exp.Literal.string(""))
            found = exp.TryCast(this=raw, to=exp.DataType.build(self.sql_type))
        for normaliser in self.normalisers:
            found = _normalised(functions, normaliser, found)
        return found

    def misfit(self, raw: exp.Expr, *, is_text: bool) -> exp.Expr:
        """Return whether a source value is there but does not fit the field's type, as SQL."""
        if self.mapping.type.kind is FieldKind.TEXT:
            return exp.false()
        if is_text:
            raw = exp.Nullif(this=exp.Trim(this=raw), expression=exp.Literal.string(""))
        tried = exp.TryCast(this=raw.copy(), to=exp.DataType.build(self.sql_type))
        return exp.and_(not_null(raw), is_null(tried))


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """A contract's mapping, bound to the columns that its model has."""

    contract: Contract
    relation: Relation
    fields: tuple[PayloadField, ...]
    types: Mapping[str, str]
    """The model's columns, by lower-case name."""
    names: Mapping[str, str]
    missing: tuple[str, ...]
    case_sensitive: bool
    functions: Functions
    keeps_payload: bool = False
    """Whether the delivered state holds the payload last delivered."""
    names_changes: bool = False
    """Whether a row carries only the fields that changed; else all of them."""
    tidy: bool = False
    """No grain value is empty or has white space at an end."""
    trims: bool = False
    """Whether the destination drops white space at both ends of a key."""

    @property
    def used(self) -> dict[str, str]:
        """Return the columns that the contract names and the model has: types of any dialect."""
        source = self.contract.source
        named = (*source.grain, source.version, *(f.column for f in self.contract.fields))
        there = dict.fromkeys(c.lower() for c in named if c.lower() in self.types)
        return {
            c: exp.DataType.build(self.types[c], dialect=self.functions.dialect).sql()
            for c in there
        }

    @property
    def keeps_read(self) -> bool:
        """Return whether a plan keeps what it has read, so that it can be brought back."""
        return self.contract.rollback is not None and self.contract.conflicts.reads

    @property
    def kept(self) -> tuple[str, ...]:
        """Return the fields whose last payload is kept."""
        return tuple(f.mapping.to for f in self.fields) if self.keeps_payload else ()

    def raw(self, source_column: str, of: str) -> exp.Column:
        """Return a source column under the name that the model gives it."""
        return column(self.names[source_column.lower()], of)

    def is_text(self, source_column: str) -> bool:
        """Return whether the source column is text."""
        kind = exp.DataType.build(self.types[source_column.lower()], dialect=self.functions.dialect)
        return kind.is_type(*exp.DataType.TEXT_TYPES)

    def key(self, of: str) -> exp.Expr:
        """Return the sync key as SQL."""
        return sync_key(self.grain(of), self.functions.dialect, tidy=self.tidy)

    def grain(self, of: str) -> list[tuple[exp.Expr, str]]:
        """Return the grain columns and their types."""
        return [(self.raw(c, of), self.types[c.lower()]) for c in self.contract.source.grain]

    def match(self, key: exp.Expr) -> exp.Expr:
        """Return a key as the destination tells keys apart, as SQL."""
        if self.trims and not self.tidy:
            key = self.functions.trimmed(key)
        return matching(key, case_sensitive=self.case_sensitive)

    def version(self, of: str) -> exp.Expr:
        """Return the version as SQL; a row without one counts as older than all others."""
        return exp.Coalesce(
            this=cast(self.raw(self.contract.source.version, of), "timestamp"),
            expressions=[cast(exp.Literal.string("1970-01-01 00:00:00"), "timestamp")],
        )

    def source_hash(self, of: str) -> exp.Expr:
        """Return the fast hash of all that a payload is made of; `mapping_seed` is bound."""
        wanted = sorted({f.column.lower() for f in self.contract.fields})
        return self.functions.fast_hash(
            bound("mapping_seed"),
            self.raw(self.contract.source.version, of),
            *(self.raw(name, of) for name in wanted),
        )


def read_mapping(
    session: Session,
    contract: Contract,
    relation: Relation,
    facts: DestinationFacts,
) -> SourceMapping:
    """
    Bind the contract's mapping to the model as it stands in the warehouse.

    Raises:
        ConfigurationError: the model is not in the warehouse.
        ContractError: too many fields, a field with one of our own names,
            or a version column that is no time.
    """
    columns = session.columns(relation.schema, relation.name)
    if not columns:
        raise ConfigurationError(
            f"Model {relation.schema}.{relation.name} is not in the warehouse.",
            hint="Build it with `dbt build`.",
            sync=contract.sync,
        )
    if len(contract.fields) > _MOST_FIELDS:
        raise ContractError(
            f"Sync {contract.sync} maps {len(contract.fields)} fields; {_MOST_FIELDS} is the most.",
            hint="Split it into two syncs.",
            sync=contract.sync,
        )
    if taken := sorted(f.to for f in contract.fields if f.to in _RESERVED):
        raise ContractError(
            f"Sync {contract.sync} maps a field called {taken[0]}, a name that batches use.",
            hint="Give the destination's field another name.",
            sync=contract.sync,
        )
    types = {name.lower(): kind for name, kind in columns.items()}
    source = contract.source
    names_changes = facts.changes_only or contract.conflicts.reads
    needed = [*source.grain, source.version, *(f.column for f in contract.fields)]
    mapping = SourceMapping(
        contract=contract,
        relation=relation,
        fields=payload_fields(contract, facts),
        types=types,
        names={name.lower(): name for name in columns},
        missing=tuple(sorted({name for name in needed if name.lower() not in types})),
        case_sensitive=facts.traits.key_is_case_sensitive,
        keeps_payload=names_changes or contract.rollback is not None,
        names_changes=names_changes,
        functions=session.functions,
        trims=Normaliser.TRIM in facts.traits.values.get(FieldKind.TEXT, ()),
    )
    version = types.get(source.version.lower())
    if version is not None and not _is_time(version, session.functions.dialect):
        raise ContractError(
            f"source.version of sync {contract.sync} is column {source.version}, "
            f"which is {version}, not a date or timestamp.",
            hint="Name a column that says when the row last changed.",
            sync=contract.sync,
        )
    return mapping


def payload_fields(contract: Contract, facts: DestinationFacts) -> tuple[PayloadField, ...]:
    """Return the mapped fields in the order of their names, whatever the contract's order."""
    ordered = sorted(contract.fields, key=lambda f: f.to)
    return tuple(PayloadField(f, place, _normalisers(f, facts)) for place, f in enumerate(ordered))


def row_hash(
    functions: Functions, fields: Sequence[PayloadField], values: Sequence[exp.Expr]
) -> exp.Expr:
    """
    Return the hash of a payload as SQL; `row_seed` is bound.

    Each value stands behind its length, so that no two payloads make the same text.
    A field that is cleared and a field that is kept as it is differ.
    """
    parts: list[exp.Expr] = [bound("row_seed")]
    for payload_field, value in zip(fields, values, strict=True):
        written = functions.canonical(payload_field.mapping.type.kind, value)
        sized = joined([text(exp.Length(this=written)), exp.Literal.string(":"), written.copy()])
        kept = payload_field.mapping.nulls is NullPolicy.KEEP
        absent = exp.Literal.string("~" if kept else "-")
        parts.append(exp.Coalesce(this=sized, expressions=[absent]))
    return functions.hash64(joined(parts))


def row_seed(fields: Sequence[PayloadField]) -> str:
    """Return the text that stands before the values: which fields they are."""
    return "".join(f"{len(f.mapping.to)}:{f.mapping.to}" for f in fields)


def null_bits(fields: Sequence[PayloadField], values: Sequence[exp.Expr]) -> exp.Expr:
    """Return a number whose bit i says that the i-th field, by name, is null, as SQL."""
    total: exp.Expr = cast(exp.Literal.number(0), "bigint")
    for payload_field, value in zip(fields, values, strict=True):
        bit = exp.Literal.number(1 << payload_field.place)
        case = exp.case().when(is_null(value), bit).else_(exp.Literal.number(0))
        total = exp.Add(this=total, expression=case)
    return cast(total, "bigint")


def policy_bits(fields: Sequence[PayloadField], policy: NullPolicy) -> int:
    """Return the bits of the fields with that null policy."""
    return sum(1 << f.place for f in fields if f.mapping.nulls is policy)


def held_nulls(fields: Sequence[PayloadField], values: Sequence[exp.Expr]) -> exp.Expr:
    """Return whether a field whose null policy is hold is null, as SQL."""
    return either(
        is_null(value)
        for payload_field, value in zip(fields, values, strict=True)
        if payload_field.mapping.nulls is NullPolicy.HOLD
    )


def _normalisers(mapping: FieldMapping, facts: DestinationFacts) -> tuple[Normaliser, ...]:
    if mapping.to in facts.traits.fields:
        return facts.traits.fields[mapping.to]
    found = facts.traits.values.get(mapping.type.kind, ())
    if mapping.to in facts.emails:
        found = (*found, *facts.traits.email_values)
    return tuple(dict.fromkeys(found))


def _normalised(functions: Functions, normaliser: Normaliser, value: exp.Expr) -> exp.Expr:
    match normaliser:
        case Normaliser.TRIM:
            return functions.trimmed(value)
        case Normaliser.EMPTY_IS_NULL:
            return exp.Nullif(this=value, expression=exp.Literal.string(""))
        case Normaliser.LOWER:
            return exp.Lower(this=value)
        case Normaliser.SECONDS:
            return functions.whole_seconds(value)
        case Normaliser.WORDS:
            return functions.words(value)


def _is_time(kind: str, dialect: str) -> bool:
    return exp.DataType.build(kind, dialect=dialect).is_type(*exp.DataType.TEMPORAL_TYPES)
