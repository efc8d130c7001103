"""What a model holds, found out in the warehouse: grain, versions, sizes, personal data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from sqlglot import exp

from activation.contract.model import DataClass, FieldKind
from activation.errors import ConfigurationError
from activation.strategy.personal import EMAIL, judged
from activation.warehouse.port import Relation, Session
from activation.warehouse.sql import column, name, named, not_null, table, text

_FEW = 20
"""Distinct values up to which a text is taken for an enumeration."""
_PAIRS = 15
"""Pairs of columns that are tried where no single one is a grain."""


_DIGITS = (18, 3)
"""Of a decimal that names none."""
_KINDS: tuple[tuple[FieldKind, tuple[Any, ...]], ...] = (
    (FieldKind.TEXT, tuple(exp.DataType.TEXT_TYPES)),
    (FieldKind.BOOLEAN, ("boolean",)),
    (FieldKind.INTEGER, tuple(exp.DataType.INTEGER_TYPES)),
    (FieldKind.DATE, ("date",)),
    (FieldKind.TIMESTAMP, tuple(exp.DataType.TEMPORAL_TYPES)),
    (FieldKind.DECIMAL, ("decimal", "double", "float")),
)


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column of a model."""

    name: str
    type: str
    """The warehouse's own word."""
    kind: FieldKind | None
    """None for a type that no destination takes, such as a struct."""
    rows: int
    nulls: int
    distinct: int
    longest: int | None
    """Characters of the longest text."""
    precision: int | None
    scale: int | None
    values: tuple[str, ...]
    """The distinct values of what looks like an enumeration; never of a personal column."""
    data_class: DataClass
    because: str
    """Why it is taken for personal, or not."""

    @property
    def unique(self) -> bool:
        """Tell whether each row has a value of its own."""
        return self.nulls == 0 and self.rows > 0 and self.distinct == self.rows


@dataclass(frozen=True, slots=True)
class Grain:
    """Columns that might identify a row, with the proof or what speaks against it."""

    columns: tuple[str, ...]
    nulls: int
    repeated: int
    """Rows that share their values with another row."""
    most: int
    """Rows that share one value, at the most."""
    doubt: str | None = None
    """Why it would be a bad key although it is unique."""

    @property
    def proven(self) -> bool:
        """Tell whether it identifies every row."""
        return self.nulls == 0 and self.repeated == 0 and self.doubt is None

    @property
    def because(self) -> str:
        """Return the proof, or the counter-example, in one sentence."""
        if self.nulls:
            return f"{self.nulls:,} rows have no value"
        if self.repeated:
            return f"{self.repeated:,} rows share theirs; one value stands in {self.most:,} rows"
        return self.doubt or "every row has a value of its own"


@dataclass(frozen=True, slots=True)
class Version:
    """A column that might order states of a row."""

    column: str
    nulls: int
    distinct: int
    newest: datetime | None
    doubt: str | None = None

    @property
    def because(self) -> str:
        """Return what speaks for or against it."""
        if self.nulls:
            return f"{self.nulls:,} rows have none"
        return self.doubt or f"{self.distinct:,} different times"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """All that was found out about a model."""

    relation: Relation
    rows: int
    columns: tuple[ColumnFacts, ...]
    grains: tuple[Grain, ...]
    """Proven ones first, the best of them at the front."""
    versions: tuple[Version, ...]
    """The best first; those with a doubt or without a value in every row behind."""

    def column(self, wanted: str) -> ColumnFacts:
        """Return the column of that name; raise KeyError if there is none."""
        return next(found for found in self.columns if found.name == wanted)


def profile(session: Session, relation: Relation) -> ModelFacts:
    """
    Look at a model: one pass over its columns, and one a candidate of several columns.

    Raises:
        ConfigurationError: the model is not in the warehouse.
    """
    types = session.columns(relation.schema, relation.name)
    if not types:
        raise ConfigurationError(
            f"Model {relation.schema}.{relation.name} is not in the warehouse.",
            hint="Build it with `dbt build`.",
        )
    columns = tuple(_columns(session, relation, types))
    rows = columns[0].rows
    grains = _grains(session, relation, columns)
    return ModelFacts(relation, rows, columns, grains, _versions(session, relation, columns))


def _columns(session: Session, relation: Relation, types: dict[str, str]) -> Iterator[ColumnFacts]:
    names = list(types)
    counts: list[exp.Expr] = [named(exp.Count(this=exp.Star()), "rows")]
    for place, wanted in enumerate(names):
        value = column(wanted)
        mail = exp.RegexpLike(this=text(value), expression=exp.Literal.string(EMAIL))
        counts += [
            named(exp.Count(this=value.copy()), f"some_{place}"),
            named(exp.Count(this=exp.Distinct(expressions=[text(value)])), f"distinct_{place}"),
            named(exp.Max(this=exp.Length(this=text(value))), f"longest_{place}"),
            named(exp.Count(this=exp.case().when(mail, exp.Literal.number(1))), f"mails_{place}"),
        ]
    row = session.fetch(exp.select(*counts).from_(_from(relation))).to_pylist()[0]
    for place, wanted in enumerate(names):
        kind, precision, scale = _kind(types[wanted], session.functions.dialect)
        some, distinct = row[f"some_{place}"], row[f"distinct_{place}"]
        share = row[f"mails_{place}"] / some if some else 0.0
        data_class, because = judged(wanted, mails=share)
        is_few = kind is FieldKind.TEXT and 0 < distinct <= _FEW and distinct * 2 < row["rows"]
        yield ColumnFacts(
            name=wanted,
            type=types[wanted],
            kind=kind,
            rows=row["rows"],
            nulls=row["rows"] - some,
            distinct=distinct,
            longest=row[f"longest_{place}"] if kind is FieldKind.TEXT else None,
            precision=precision,
            scale=scale,
            values=_values(session, relation, wanted)
            if is_few and data_class is DataClass.NONE
            else (),
            data_class=data_class,
            because=because,
        )


def _values(session: Session, relation: Relation, wanted: str) -> tuple[str, ...]:
    query = (
        exp.select(column(wanted))
        .distinct()
        .from_(_from(relation))
        .where(not_null(column(wanted)))
        .order_by(column(wanted))
    )
    return tuple(session.fetch(query)[wanted].to_pylist())


def _grains(
    session: Session, relation: Relation, columns: Sequence[ColumnFacts]
) -> tuple[Grain, ...]:
    """Return the candidates: single columns, and pairs of them where no single one will do."""
    usable = [
        c for c in columns if c.kind in {FieldKind.TEXT, FieldKind.INTEGER} and c.distinct > 1
    ]
    likely = sorted(usable, key=lambda c: (not _key_like(c.name), -c.distinct, c.name))
    singles = [_single(session, relation, c) for c in likely if _key_like(c.name) or c.unique]
    found = singles
    if not any(grain.proven for grain in singles):
        # A personal column, or one that no name calls a key, makes a pair unique by accident.
        keys = [
            c.name
            for c in columns
            if c in likely and c.nulls == 0 and _key_like(c.name) and c.data_class is DataClass.NONE
        ]
        pairs = list(combinations(keys, 2))[:_PAIRS]
        found = singles + [_checked(session, relation, pair) for pair in pairs]
    return tuple(sorted(found, key=lambda g: (not g.proven, len(g.columns))))


def _single(session: Session, relation: Relation, facts: ColumnFacts) -> Grain:
    grain = _checked(session, relation, (facts.name,))
    doubt = None
    if facts.data_class is not DataClass.NONE:
        doubt = f"it is {facts.data_class} data, which people change and vendors normalise"
    elif not _key_like(facts.name):
        doubt = "it is unique today, but its name does not say that it identifies a row"
    return Grain(grain.columns, grain.nulls, grain.repeated, grain.most, doubt)


def _checked(session: Session, relation: Relation, columns: tuple[str, ...]) -> Grain:
    values = [column(c) for c in columns]
    whole = exp.and_(*(not_null(v) for v in values))
    groups = (
        exp.select(named(exp.Count(this=exp.Star()), "rows"))
        .from_(_from(relation))
        .where(whole)
        .group_by(*(v.copy() for v in values))
    )
    size = column("rows", "g")
    shared = exp.case().when(exp.GT(this=size, expression=exp.Literal.number(1)), size.copy())
    query = exp.select(
        named(exp.Coalesce(this=exp.Sum(this=size.copy()), expressions=[_zero()]), "whole"),
        named(exp.Coalesce(this=exp.Sum(this=shared), expressions=[_zero()]), "repeated"),
        named(exp.Coalesce(this=exp.Max(this=size.copy()), expressions=[_zero()]), "most"),
    ).from_(groups.subquery(name("g")))
    total = exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(_from(relation))
    row = session.fetch(query).to_pylist()[0]
    rows = session.fetch(total).to_pylist()[0]["rows"]
    return Grain(columns, rows - int(row["whole"]), int(row["repeated"]), int(row["most"]))


def _versions(
    session: Session, relation: Relation, columns: Sequence[ColumnFacts]
) -> tuple[Version, ...]:
    found: list[Version] = []
    for facts in columns:
        if facts.kind is not FieldKind.TIMESTAMP:
            continue
        query = exp.select(named(exp.Max(this=column(facts.name)), "newest")).from_(_from(relation))
        newest = session.fetch(query).to_pylist()[0]["newest"]
        doubt = None
        if facts.distinct == 1 and facts.rows > 1:
            doubt = "the same time in every row: when the model was built, not when a row changed"
        elif not _version_like(facts.name):
            doubt = "its name does not say that it tells when the row last changed"
        found.append(Version(facts.name, facts.nulls, facts.distinct, newest, doubt))
    return tuple(
        sorted(found, key=lambda v: (v.nulls > 0, v.doubt is not None, -v.distinct, v.column))
    )


def _key_like(wanted: str) -> bool:
    words = wanted.lower().split("_")
    return words[-1] in {"id", "key", "uuid", "guid", "code", "number", "no"}


def _version_like(wanted: str) -> bool:
    lowered = wanted.lower()
    ends = ("updated_at", "modified_at", "changed_at", "scored_at", "as_of", "computed_at", "_at")
    return lowered.endswith(ends) and not lowered.startswith(("created", "first", "born"))


def _kind(declared: str, dialect: str) -> tuple[FieldKind | None, int | None, int | None]:
    """Return what a warehouse type is on its way, and the digits of a decimal."""
    built = exp.DataType.build(declared, dialect=dialect)
    kind = next((kind for kind, types in _KINDS if built.is_type(*types)), None)
    if kind is not FieldKind.DECIMAL or not built.is_type("decimal"):
        return kind, None, None
    digits = [int(part.name) for part in built.expressions]
    return kind, *(digits if len(digits) == len(_DIGITS) else _DIGITS)


def _from(relation: Relation) -> exp.Table:
    return table(relation.name, relation.schema)


def _zero() -> exp.Expr:
    return exp.Literal.number(0)
