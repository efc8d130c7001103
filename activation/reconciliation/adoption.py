"""
The delivered state, made anew from what the destination holds.

It serves when the state is lost, and before the first run where records are there already:
what the destination holds is what we take for delivered, so that the next plan writes what
differs and leaves alone what is equal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.model import Contract, NullPolicy
from activation.planning.changes import CHANGES, find_changes
from activation.planning.keys import cohort_sql
from activation.planning.mapping import (
    HASH_VERSION,
    SourceMapping,
    null_bits,
    read_mapping,
    row_hash,
    row_seed,
)
from activation.planning.model import DestinationFacts, Models
from activation.planning.payload import has_bit, kept_fields, payload_column, written
from activation.planning.read_backs import READ_BACK, load_read_back
from activation.planning.state import delivered, ensure_state, note_removed, state_table
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    is_null,
    name,
    named,
    table,
    temporary,
    text,
)

RESYNC = "resync"
"""What stands for the plan of rows that no plan of ours delivered."""
_BEFORE = "activation_before"
_LONG_AGO = "1970-01-01 00:00:00"
"""The version of a row that differs: any version of the source is newer."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was found in the destination, in rows."""

    found: int
    equal: int
    """They hold what the source says, and are not written again."""
    different: int
    sourceless: int
    """They have our key, and the source has no row for it."""


def adopt(  # noqa: PLR0913 - all that it depends on, each named
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    read_back: pa.Table | Iterable[pa.Table],
    now: datetime,
) -> Adopted:
    """
    Replace the delivered state by what a full read-back found, in one transaction.

    Raises:
        ConfigurationError: the model is not in the warehouse.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    params: dict[str, object] = {
        "salt": contract.rollout.salt,
        "row_seed": row_seed(mapping.fields),
        "mapping_digest": contract.mapping_digest,
        "hash_version": HASH_VERSION,
        "plan_digest": RESYNC,
        "now": now,
    }
    with session.transaction():
        ensure_state(session, contract.sync, mapping.kept)
        session.execute(temporary(_BEFORE, _before(session, mapping)))
        session.execute(exp.Delete(this=table(state_table(contract.sync), SCHEMA)))
        # Against nothing delivered, the changes are all the rows of the source.
        find_changes(session, mapping, 1.0)
        load_read_back(session, mapping, read_back)
        query = _held(session, mapping)
        columns = [projection.alias_or_name for projection in query.selects]
        session.execute(
            exp.Insert(
                this=exp.Schema(
                    this=table(state_table(contract.sync), SCHEMA),
                    expressions=[name(c) for c in columns],
                ),
                expression=query,
            ),
            params,
        )
        _note_vanished(session, mapping, now)
        return _counted(session, contract.sync)


def _before(session: Session, mapping: SourceMapping) -> exp.Select:
    """Return whom the destination received, as far as was known, and when."""
    sync = mapping.contract.sync
    first = exp.Coalesce(this=column("first_at", "t"), expressions=[column("delivered_at", "t")])
    return exp.select(
        named(mapping.match(column("sync_key", "t")), "match_key"),
        column("sync_key", "t"),
        column("destination_id", "t"),
        named(first, "first_at"),
        named(column("delivered_at", "t"), "last_at"),
    ).from_(delivered(session, sync).subquery(name("t")))


def _note_vanished(session: Session, mapping: SourceMapping, now: datetime) -> None:
    """Keep that the destination received what it no longer holds."""
    found = exp.select(column("match_key")).from_(table(READ_BACK)).subquery()
    leaving = (
        exp.select(
            *(column(c) for c in ("sync_key", "destination_id", "first_at", "last_at")),
            named(cast(exp.Literal.string(f"{now:%Y-%m-%d %H:%M:%S}"), "timestamp"), "gone_at"),
        )
        .from_(table(_BEFORE))
        .where(exp.not_(exp.In(this=column("match_key"), query=found)))
    )
    note_removed(session, mapping.contract.sync, leaving)


def _held(session: Session, mapping: SourceMapping) -> exp.Select:
    """Return each record as a delivered row; equal ones with version and hash of the source."""
    fields = mapping.fields
    values = [column(f.column, "r") for f in fields]
    left_alone: list[exp.Expr] = []
    for f, value in zip(fields, values, strict=True):
        # What the source leaves alone counts as we would have left it.
        empty = exp.and_(
            exp.not_(is_null(column("nulls", "c"))), has_bit(column("nulls", "c"), f.place)
        )
        is_kept = f.mapping.nulls is NullPolicy.KEEP
        left_alone.append(
            exp.case().when(empty, exp.null()).else_(value.copy()) if is_kept else value.copy()
        )
    found = row_hash(mapping.functions, fields, left_alone)
    beside = exp.select(
        named(column("sync_key", "r"), "sync_key"),
        named(column("match_key", "r"), "match_key"),
        named(column("destination_id", "r"), "destination_id"),
        named(found, "row_hash"),
        named(null_bits(fields, left_alone), "nulls"),
        named(column("row_hash", "c"), "wanted"),
        named(column("source_hash", "c"), "source_hash"),
        named(column("version", "c"), "version"),
        named(column("cohort", "c"), "cohort"),
        named(column("first_at", "o"), "first_at"),
        *(column(f.column, "r") for f in fields),
    ).from_(table(READ_BACK, alias="r"))
    beside = beside.join(
        table(CHANGES, alias="c"),
        on=exp.EQ(this=column("match_key", "r"), expression=column("match_key", "c")),
        join_type="left",
    ).join(
        table(_BEFORE, alias="o"),
        on=exp.EQ(this=column("match_key", "r"), expression=column("match_key", "o")),
        join_type="left",
    )
    equal = exp.EQ(this=column("row_hash", "b"), expression=column("wanted", "b"))
    fast = session.functions.fast_hash_type
    no_hash = cast(exp.Literal.number(0), fast)
    long_ago = cast(exp.Literal.string(_LONG_AGO), "timestamp")
    cohort = exp.Coalesce(
        this=column("cohort", "b"),
        expressions=[cohort_sql(mapping.functions, column("match_key", "b"))],
    )
    made: dict[str, exp.Expr] = {
        "sync_key": column("sync_key", "b"),
        "source_hash": exp.case().when(equal, column("source_hash", "b")).else_(no_hash),
        "row_hash": column("row_hash", "b"),
        "nulls": column("nulls", "b"),
        "version": exp.case().when(equal.copy(), column("version", "b")).else_(long_ago),
        "cohort": cohort,
        "destination_id": text(column("destination_id", "b")),
        "hash_version": bound("hash_version"),
        "mapping_digest": bound("mapping_digest"),
        "first_at": exp.Coalesce(
            this=column("first_at", "b"), expressions=[cast(bound("now"), "timestamp")]
        ),
        "delivered_at": cast(bound("now"), "timestamp"),
        "plan_digest": bound("plan_digest"),
    }
    kept = kept_fields(session.columns(SCHEMA, state_table(mapping.contract.sync)))
    for f in fields:
        if f.mapping.to.lower() in kept:
            kind = f.mapping.type.kind
            made[payload_column(f.mapping.to)] = written(
                mapping.functions, kind, column(f.column, "b")
            )
    return exp.select(*(named(value, c) for c, value in made.items())).from_(
        beside.subquery(name("b"))
    )


def _counted(session: Session, sync: str) -> Adopted:
    known = exp.In(
        this=column("sync_key", "d"),
        query=exp.select(column("sync_key")).from_(table(CHANGES)).subquery(),
    )
    differs = exp.EQ(
        this=column("version", "d"), expression=cast(exp.Literal.string(_LONG_AGO), "timestamp")
    )
    one = exp.Literal.number(1)
    query = exp.select(
        named(exp.Count(this=exp.Star()), "found"),
        named(exp.Count(this=exp.case().when(exp.not_(known), one)), "sourceless"),
        named(exp.Count(this=exp.case().when(exp.not_(differs), one.copy())), "equal"),
    ).from_(table(state_table(sync), SCHEMA, "d"))
    row = session.fetch(query).to_pylist()[0]
    different = row["found"] - row["equal"] - row["sourceless"]
    return Adopted(row["found"], row["equal"], different, row["sourceless"])
