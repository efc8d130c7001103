"""
The delivered state: what we know the destination holds of ours, one row a key.

It is the table `activation.delivered_<sync>`.
It is written by the fold, and by a plan that finds rows which are newer but otherwise the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from activation.planning.payload import kept_fields, payload_column
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import cast, column, name, named, table, type_of

_FAST_HASH = "fast hash"  # the engine's own type; it never leaves the warehouse
COLUMNS = {
    "sync_key": "text",
    "source_hash": _FAST_HASH,
    "row_hash": "bigint",
    "nulls": "bigint",
    "version": "timestamp",
    "cohort": "double",
    "destination_id": "text",
    "hash_version": "text",
    "mapping_digest": "text",
    "first_at": "timestamp",
    "delivered_at": "timestamp",
    "plan_digest": "text",
}
REMOVED = {
    "sync_key": "text",
    "destination_id": "text",
    "first_at": "timestamp",
    "last_at": "timestamp",
    "gone_at": "timestamp",
}
"""Columns of what the destination held of ours and no longer does, `activation.removed_<sync>`."""


def state_table(sync: str) -> str:
    """Return the name of a sync's delivered state."""
    return f"delivered_{sync}"


def removed_table(sync: str) -> str:
    """Return the name of the table of rows that were removed again."""
    return f"removed_{sync}"


def removed(session: Session, sync: str) -> exp.Query:
    """Return the query of what the destination held of ours and no longer does."""
    if not session.columns(SCHEMA, removed_table(sync)):
        return empty(REMOVED)
    return exp.select(*(column(c) for c in REMOVED)).from_(table(removed_table(sync), SCHEMA))


def delivered(session: Session, sync: str, kept: Sequence[str] = ()) -> exp.Query:
    """
    Return the query of a sync's delivered state; no rows if nothing was delivered yet.

    It has the payload of the `kept` fields too, null where it was not kept.
    """
    types = column_types(session) | {payload_column(field): "text" for field in kept}
    found = session.columns(SCHEMA, state_table(sync))
    if not found:
        return empty(types)
    return exp.select(
        *(column(c) if c in found else named(cast(exp.null(), t), c) for c, t in types.items())
    ).from_(table(state_table(sync), SCHEMA))


def count_delivered(session: Session, sync: str) -> int:
    """Return how many rows the destination holds of ours, as far as we know."""
    rows = exp.select(named(exp.Count(this=exp.Star()), "rows")).from_(
        delivered(session, sync).subquery(name("d"))
    )
    return int(session.fetch(rows).to_pylist()[0]["rows"])


def column_types(session: Session) -> dict[str, str]:
    """Return the columns of the delivered state and their types in this warehouse."""
    fast = session.functions.fast_hash_type
    return {c: fast if kind == _FAST_HASH else kind for c, kind in COLUMNS.items()}


def empty(columns: dict[str, str]) -> exp.Select:
    """Return a query with these columns and no rows."""
    typed = [named(cast(exp.null(), kind), c) for c, kind in columns.items()]
    return exp.select(*typed).where(exp.false())


def ensure_schema(session: Session) -> None:
    """Make the schema that all of ours stands in, if there is none."""
    session.execute(exp.Create(this=exp.Table(db=name(SCHEMA)), kind="SCHEMA", exists=True))


def ensure_state(session: Session, sync: str, kept: Sequence[str] | None = None) -> None:
    """
    Make the delivered state of a sync, if there is none.

    It gets a column for the payload of each of the `kept` fields, and loses those of others;
    None leaves them as they are.
    """
    ensure_schema(session)
    types = column_types(session)
    make_table(session, state_table(sync), types)
    found = session.columns(SCHEMA, state_table(sync))
    # One of an older version of ours lacks columns.
    added = [_definition(c, kind) for c, kind in types.items() if c not in found]
    dropped: list[exp.Drop] = []
    if kept is not None:
        there = set(kept_fields(found).values())
        wanted = [payload_column(field) for field in kept]
        added += [_definition(c, "text") for c in wanted if c not in there]
        dropped = [exp.Drop(tables=[name(c)], kind="COLUMN") for c in sorted(there - set(wanted))]
    for action in (*added, *dropped):
        state = table(state_table(sync), SCHEMA)
        session.execute(exp.Alter(this=state, kind="TABLE", actions=[action]))


def note_removed(session: Session, sync: str, leaving: exp.Query) -> None:
    """Keep rows, with the columns of `REMOVED`, that the destination no longer holds of ours."""
    make_table(session, removed_table(sync), REMOVED)
    into = exp.Schema(
        this=table(removed_table(sync), SCHEMA), expressions=[name(c) for c in REMOVED]
    )
    session.execute(exp.Insert(this=into, expression=leaving))


def make_table(session: Session, table_name: str, columns: Mapping[str, str]) -> None:
    """Make a table of ours, if there is none of that name."""
    made = exp.Schema(
        this=table(table_name, SCHEMA), expressions=[_definition(c, k) for c, k in columns.items()]
    )
    session.execute(exp.Create(this=made, kind="TABLE", exists=True))


def _definition(of: str, kind: str) -> exp.ColumnDef:
    return exp.ColumnDef(this=name(of), kind=type_of(kind))
