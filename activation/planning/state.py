"""
The delivered state: what we know the destination holds of ours, one row a key.

It is the table `activation.delivered_<sync>`.
It is written by `fold`, and by a plan that finds rows which are newer but otherwise the same.
"""

from __future__ import annotations

import pyarrow as pa
from sqlglot import exp

from activation.planning.mapping import HASH_VERSION
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, name, named, table, type_of

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
    "delivered_at": "timestamp",
    "plan_digest": "text",
}
RECEIPTS_SCHEMA = pa.schema(
    {
        "action_no": pa.int64(),
        "destination_id": pa.string(),
        "delivered_at": pa.timestamp("us", tz="UTC"),
    }
)

_RECEIPTS = "activation_receipts"


def state_table(sync: str) -> str:
    """Return the name of a sync's delivered state."""
    return f"delivered_{sync}"


def delivered(session: Session, sync: str) -> exp.Query:
    """Return the query of a sync's delivered state; no rows if nothing was delivered yet."""
    if session.columns(SCHEMA, state_table(sync)):
        return exp.select(*(column(c) for c in COLUMNS)).from_(table(state_table(sync), SCHEMA))
    return empty(column_types(session))


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


def ensure_state(session: Session, sync: str) -> None:
    """Make the delivered state of a sync, if there is none."""
    session.execute(exp.Create(this=exp.Table(db=name(SCHEMA)), kind="SCHEMA", exists=True))
    session.execute(
        exp.Create(
            this=exp.Schema(
                this=table(state_table(sync), SCHEMA),
                expressions=[
                    exp.ColumnDef(this=name(c), kind=type_of(kind))
                    for c, kind in column_types(session).items()
                ],
            ),
            kind="TABLE",
            exists=True,
        )
    )


def fold(
    session: Session, sync: str, plan_table: str, receipts: pa.Table, *, plan_digest: str
) -> int:
    """
    Merge acknowledged actions of one frozen plan into the delivered state; return how many.

    `receipts` has `action_no` int64, `destination_id` text (null if the vendor gave none) and
    `delivered_at` timestamp; rejected actions are not in it.
    An older version never replaces a newer one, nor an earlier delivery a later one of the
    same version, so folding the same receipts again, at any time, changes nothing.
    A deletion takes the row out.
    """
    if receipts.num_rows == 0:
        return 0
    with session.transaction():
        ensure_state(session, sync)
        session.load(_RECEIPTS, receipts.select(RECEIPTS_SCHEMA.names).cast(RECEIPTS_SCHEMA))
        session.execute(
            _merge(sync, plan_table), {"plan_digest": plan_digest, "hash": HASH_VERSION}
        )
    return int(receipts.num_rows)


def touch(session: Session, sync: str, touched: exp.Query) -> None:
    """
    Note newer versions and source hashes of rows whose payload is as delivered.

    `touched` has `sync_key`, `version`, `source_hash` and `mapping_digest`.
    """
    updates: dict[str, exp.Expr] = {
        "version": exp.Greatest(this=column("version", "t"), expressions=[column("version", "s")]),
        "source_hash": column("source_hash", "s"),
        "mapping_digest": column("mapping_digest", "s"),
    }
    session.execute(
        exp.merge(
            exp.When(matched=True, then=_update(updates)),
            into=table(state_table(sync), SCHEMA, "t"),
            using=touched.subquery(name("s")),
            on=exp.EQ(this=column("sync_key", "t"), expression=column("sync_key", "s")),
        )
    )


def _merge(sync: str, plan_table: str) -> exp.Merge:
    latest = exp.Window(
        this=exp.RowNumber(),
        partition_by=[column("action_no")],
        order=exp.Order(expressions=[exp.Ordered(this=column("delivered_at"), desc=True)]),
    )
    receipts = (
        exp.select(*(column(c) for c in RECEIPTS_SCHEMA.names), named(latest, "place"))
        .from_(table(_RECEIPTS))
        .subquery(name("r"))
    )
    planned = ("sync_key", "source_hash", "row_hash", "nulls", "version", "cohort", "operation")
    acknowledged = (
        exp.select(
            *(column(c, "p") for c in planned),
            column("mapping_digest", "p"),
            named(
                exp.Coalesce(
                    this=column("destination_id", "r"), expressions=[column("destination_id", "p")]
                ),
                "destination_id",
            ),
            named(cast(column("delivered_at", "r"), "timestamp"), "delivered_at"),
            named(bound("hash"), "hash_version"),
            named(bound("plan_digest"), "plan_digest"),
        )
        .from_(table(plan_table, SCHEMA, "p"))
        .join(
            receipts, on=exp.EQ(this=column("action_no", "p"), expression=column("action_no", "r"))
        )
        .where(exp.EQ(this=column("place", "r"), expression=exp.Literal.number(1)))
    )
    newer = exp.GT(this=column("version", "s"), expression=column("version", "t"))
    as_new = exp.and_(
        exp.EQ(this=column("version", "s"), expression=column("version", "t")),
        exp.GTE(this=column("delivered_at", "s"), expression=column("delivered_at", "t")),
    )
    updates: dict[str, exp.Expr] = {c: column(c, "s") for c in COLUMNS if c != "sync_key"}
    updates["destination_id"] = exp.Coalesce(
        this=column("destination_id", "s"), expressions=[column("destination_id", "t")]
    )
    insert = exp.Insert(
        this=exp.Tuple(expressions=[column(c) for c in COLUMNS]),
        expression=exp.Tuple(expressions=[column(c, "s") for c in COLUMNS]),
    )
    is_deletion = exp.EQ(this=column("operation", "s"), expression=exp.Literal.string("delete"))
    is_due = exp.Paren(this=exp.or_(newer, as_new))
    return exp.merge(
        exp.When(
            matched=True,
            condition=exp.and_(is_due, is_deletion),
            then=exp.Var(this="DELETE"),
        ),
        exp.When(matched=True, condition=is_due.copy(), then=_update(updates)),
        exp.When(matched=False, condition=exp.not_(is_deletion.copy()), then=insert),
        into=table(state_table(sync), SCHEMA, "t"),
        using=acknowledged.subquery(name("s")),
        on=exp.EQ(this=column("sync_key", "t"), expression=column("sync_key", "s")),
    )


def _update(values: dict[str, exp.Expr]) -> exp.Update:
    return exp.Update(expressions=[exp.EQ(this=column(c), expression=v) for c, v in values.items()])
