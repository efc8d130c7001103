"""
The first pass: which rows may differ from what was delivered, by two 64-bit numbers a row.

Also here is what the first pass sees of the keys: rows without one, and keys that come twice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from sqlglot import exp

from activation.planning.keys import untidy
from activation.planning.mapping import SourceMapping
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
"""The temporary table of the keys that several source rows have: `match_key`, `times`."""

_SUSPECTS = "activation_suspects"


def profile(
    session: Session, mapping: SourceMapping
) -> tuple[SourceMapping, int, int, datetime | None]:
    """Return the mapping, knowing whether its keys are tidy, rows, keys and newest version."""
    version = cast(mapping.raw(mapping.contract.source.version, "s"), "timestamp")
    tidy = replace(mapping, tidy=True)
    spoilt = untidy(mapping.grain("s"), mapping.functions.dialect)
    query = exp.select(
        named(exp.Count(this=exp.Star()), "rows"),
        named(exp.Count(this=tidy.key("s")), "keyed"),
        named(exp.Count(this=exp.case().when(spoilt, exp.Literal.number(1))), "untidy"),
        named(exp.Max(this=version), "newest"),
    ).from_(source(mapping))
    row = session.fetch(query).to_pylist()[0]
    newest = row["newest"].replace(tzinfo=UTC) if row["newest"] else None
    if not row["untidy"]:
        return tidy, row["rows"], row["keyed"], newest
    count = exp.select(named(exp.Count(this=mapping.key("s")), "keyed")).from_(source(mapping))
    return mapping, row["rows"], session.fetch(count).to_pylist()[0]["keyed"], newest


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


def find_repeated(session: Session, mapping: SourceMapping, *, everywhere: bool) -> tuple[int, int]:
    """Note the keys that several source rows have; return how many keys, and rows of them."""
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
        return 0, 0
    match_key = mapping.match(mapping.key("s"))
    repeated = (
        exp.select(named(match_key, "match_key"), named(exp.Count(this=exp.Star()), "times"))
        .from_(source(mapping))
        .where(among(kh.copy(), _SUSPECTS, "kh"))
        .where(not_null(mapping.key("s")))
        .group_by(match_key.copy())
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    session.execute(temporary(REPEATED, repeated))
    totals = exp.select(
        named(exp.Count(this=exp.Star()), "keys"),
        named(cast(exp.func("COALESCE", exp.Sum(this=column("times")), 0), "bigint"), "rows"),
    ).from_(table(REPEATED))
    row = session.fetch(totals).to_pylist()[0]
    return row["keys"], row["rows"]


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
