"""
The first pass: which rows may differ from what was delivered, by two 64-bit numbers a row.

Also here is what the first pass sees of the keys: rows without one, and keys that come twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlglot import exp

from activation.planning.distribution import statistics, told
from activation.planning.keys import untidy
from activation.planning.mapping import SourceMapping
from activation.planning.model import FieldProfile
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    cast,
    column,
    differs,
    is_null,
    name,
    named,
    not_null,
    table,
    temporary,
)

CANDIDATES = "activation_candidates"
"""
The temporary table of the first pass: `source_kh` and `state_kh`, hashes of the key.

The latter is null for a key that was never delivered, the former for one that the model lost.
Beside them stand the source columns as they are: only rows that differ are written, so this is
cheaper than reading the model a second time.
"""
REPEATED = "activation_repeated"
"""The temporary table of keys that several rows have: `match_key`, `times`, `spellings`."""

_SUSPECTS = "activation_suspects"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one pass over the model tells."""

    mapping: SourceMapping
    """Knowing whether its keys are tidy."""
    rows: int
    keyed: int
    newest: datetime | None
    fields: Mapping[str, FieldProfile]


def profile(session: Session, mapping: SourceMapping, *, of_fields: bool) -> Profile:
    """Read the model once; what its values look like is only told if that is asked for."""
    version = cast(mapping.raw(mapping.contract.source.version, "s"), "timestamp")
    tidy = replace(mapping, tidy=True)
    spoilt = untidy(mapping.grain("s"), mapping.functions.dialect)
    query = exp.select(
        named(exp.Count(this=exp.Star()), "rows"),
        named(exp.Count(this=tidy.key("s")), "keyed"),
        named(exp.Count(this=exp.case().when(spoilt, exp.Literal.number(1))), "untidy"),
        named(exp.Max(this=version), "newest"),
        *(statistics(mapping) if of_fields else ()),
    ).from_(source(mapping))
    row = session.fetch(query).to_pylist()[0]
    newest = row["newest"].replace(tzinfo=UTC) if row["newest"] else None
    fields = told(mapping, row) if of_fields else {}
    if not row["untidy"]:
        return Profile(tidy, row["rows"], row["keyed"], newest, fields)
    count = exp.select(named(exp.Count(this=mapping.key("s")), "keyed")).from_(source(mapping))
    keyed = session.fetch(count).to_pylist()[0]["keyed"]
    return Profile(mapping, row["rows"], keyed, newest, fields)


def first_pass(mapping: SourceMapping, state: exp.Query, *, some_without_key: bool) -> exp.Select:
    """Return the query of `CANDIDATES`; `mapping_seed` is bound."""
    functions = mapping.functions
    carried = raw_columns(mapping)
    key = mapping.key("s")
    present = exp.select(
        named(functions.fast_hash(mapping.match(key)), "kh"),
        named(mapping.source_hash("s"), "source_hash"),
        *(named(mapping.raw(c, "s"), raw) for c, raw in carried.items()),
    ).from_(source(mapping))
    if some_without_key:
        present = present.where(not_null(key.copy()))
    known = exp.select(
        named(functions.fast_hash(mapping.match(column("sync_key", "t"))), "kh"),
        column("source_hash", "t"),
    ).from_(state.subquery(name("t")))
    return (
        exp.select(
            named(column("kh", "s"), "source_kh"),
            named(column("kh", "t"), "state_kh"),
            *(column(raw, "s") for raw in carried.values()),
        )
        .from_(present.subquery(name("s")))
        .join(
            known.subquery(name("t")),
            on=exp.EQ(this=column("kh", "s"), expression=column("kh", "t")),
            join_type="full outer",
        )
        .where(differs(column("source_hash", "t"), column("source_hash", "s")))
    )


def count_candidates(session: Session) -> tuple[int, int]:
    """Return how many source rows meet no delivered row, and the other way round."""
    fresh = exp.case().when(is_null(column("state_kh")), exp.Literal.number(1))
    gone = exp.case().when(is_null(column("source_kh")), exp.Literal.number(1))
    query = exp.select(
        named(exp.Count(this=fresh), "fresh"), named(exp.Count(this=gone), "gone")
    ).from_(table(CANDIDATES))
    row = session.fetch(query).to_pylist()[0]
    return row["fresh"], row["gone"]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The keys that several source rows have, as the destination tells keys apart."""

    keys: int = 0
    rows: int = 0
    folded: int = 0
    """Rows of those whose keys are not spelled alike."""


def find_repeated(session: Session, mapping: SourceMapping, *, everywhere: bool) -> Repeated:
    """Note the keys that several source rows have."""
    kh = mapping.functions.fast_hash(mapping.match(mapping.key("s")))
    hashes = (
        exp.select(named(kh, "kh")).from_(source(mapping)).where(not_null(mapping.key("s")))
        if everywhere
        else exp.select(named(column("source_kh"), "kh")).from_(table(CANDIDATES))
    )
    suspects = (
        exp.select(column("kh"))
        .from_(hashes.subquery(name("h")))
        .where(not_null(column("kh")))
        .group_by(column("kh"))
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    session.execute(temporary(_SUSPECTS, suspects))
    size = exp.select(named(exp.Count(this=exp.Star()), "n")).from_(table(_SUSPECTS))
    if not session.fetch(size).to_pylist()[0]["n"]:
        return Repeated()
    match_key = mapping.match(mapping.key("s"))
    spellings = exp.Count(this=exp.Distinct(expressions=[mapping.key("s")]))
    repeated = (
        exp.select(
            named(match_key, "match_key"),
            named(exp.Count(this=exp.Star()), "times"),
            named(spellings, "spellings"),
        )
        .from_(source(mapping))
        .where(among(kh.copy(), _SUSPECTS, "kh"))
        .where(not_null(mapping.key("s")))
        .group_by(match_key.copy())
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    session.execute(temporary(REPEATED, repeated))
    several = exp.GT(this=column("spellings"), expression=exp.Literal.number(1))
    totals = exp.select(
        named(exp.Count(this=exp.Star()), "keys"),
        named(_sum(column("times")), "rows"),
        named(_sum(exp.case().when(several, column("times"))), "folded"),
    ).from_(table(REPEATED))
    row = session.fetch(totals).to_pylist()[0]
    return Repeated(row["keys"], row["rows"], row["folded"])


def raw_columns(mapping: SourceMapping) -> dict[str, str]:
    """Return the source columns that a plan needs, and their names in `CANDIDATES`."""
    contract = mapping.contract
    needed = (
        *contract.source.grain,
        contract.source.version,
        *(f.column for f in contract.fields),
    )
    return {c.lower(): f"raw {c.lower()}" for c in needed}


def source(mapping: SourceMapping) -> exp.Table:
    """Return the model, under the alias `s`."""
    return table(mapping.relation.name, mapping.relation.schema, "s")


def among(value: exp.Expr, table_name: str, of: str) -> exp.Expr:
    """Return whether the value is one of a column of a temporary table, as SQL."""
    inner = exp.select(column(of)).from_(table(table_name)).where(not_null(column(of)))
    return exp.In(this=value, query=inner.subquery())


def _sum(of: exp.Expr) -> exp.Expr:
    return cast(exp.func("COALESCE", exp.Sum(this=of), 0), "bigint")
