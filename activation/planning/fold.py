"""The fold: what was acknowledged goes into the delivered state, with one MERGE a plan."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from activation.contract.model import FieldKind
from activation.planning.images import found_in, keep_images
from activation.planning.mapping import HASH_VERSION, field_of
from activation.planning.payload import has_bit, kept_fields, was, written
from activation.planning.state import COLUMNS, ensure_state, note_removed, state_table
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, is_null, name, named, table

RECEIPTS_SCHEMA = pa.schema(
    {
        "action_no": pa.int64(),
        "destination_id": pa.string(),
        "created": pa.bool_(),
        "delivered_at": pa.timestamp("us", tz="UTC"),
    }
)

_RECEIPTS = "activation_receipts"


def fold(  # noqa: PLR0913 - each is named
    session: Session,
    sync: str,
    plan_table: str,
    receipts: pa.Table,
    *,
    plan_digest: str,
    images: bool = False,
) -> int:
    """
    Merge acknowledged actions of one frozen plan into the delivered state; return how many.

    `receipts` has `action_no` int64, `destination_id` text (null if the vendor gave none),
    `created` (whether the vendor said so) and `delivered_at` timestamp; rejected actions are not
    in it.
    With `images`, what is replaced is kept, so that the delivery can be taken back.
    An older version never replaces a newer one, nor an earlier delivery a later one of the
    same version, so folding the same receipts again, at any time, changes nothing.
    A deletion takes the row out.
    """
    if receipts.num_rows == 0:
        return 0
    with session.transaction():
        ensure_state(session, sync)
        session.load(_RECEIPTS, receipts.select(RECEIPTS_SCHEMA.names).cast(RECEIPTS_SCHEMA))
        payload = _payload(session, sync, plan_table)
        _note_removed(session, sync, plan_table)
        params: dict[str, object] = {"plan_digest": plan_digest, "hash": HASH_VERSION}
        acknowledged = _acknowledged(plan_table, payload)
        if images:
            found = acknowledged.copy().select(*_found(session, plan_table))
            keep_images(
                session,
                sync,
                delivered=found,
                is_due=_is_due(),
                payload=tuple(payload),
                params=params,
            )
        session.execute(_merge(sync, acknowledged, tuple(payload)), params)
    return int(receipts.num_rows)


def _note_removed(session: Session, sync: str, plan_table: str) -> None:
    """Keep of each row that is about to be taken out that the destination received it."""
    acknowledged = (
        exp.select(column("sync_key", "p"), named(exp.Max(this=column("delivered_at", "r")), "at"))
        .from_(table(plan_table, SCHEMA, "p"))
        .join(
            table(_RECEIPTS, alias="r"),
            on=exp.EQ(this=column("action_no", "p"), expression=column("action_no", "r")),
        )
        .where(exp.EQ(this=column("operation", "p"), expression=exp.Literal.string("delete")))
        .group_by(column("sync_key", "p"))
    )
    first = exp.Coalesce(this=column("first_at", "t"), expressions=[column("delivered_at", "t")])
    gone: dict[str, exp.Expr] = {
        "sync_key": column("sync_key", "t"),
        "destination_id": column("destination_id", "t"),
        "first_at": first,
        "last_at": column("delivered_at", "t"),
        "gone_at": cast(column("at", "g"), "timestamp"),
    }
    on = exp.EQ(this=column("sync_key", "t"), expression=column("sync_key", "g"))
    leaving = (
        exp.select(*(named(value, c) for c, value in gone.items()))
        .from_(table(state_table(sync), SCHEMA, "t"))
        .join(acknowledged.subquery(name("g")), on=on)
    )
    note_removed(session, sync, leaving)


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


def _payload(session: Session, sync: str, plan_table: str) -> dict[str, exp.Expr]:
    """
    Return what is kept of each field of a plan, by the column that keeps it.

    The plan says by its columns alone what its fields are: the contract may have moved on.
    A field that was not written is null here.
    """
    kept = kept_fields(session.columns(SCHEMA, state_table(sync)))
    found: dict[str, exp.Expr] = {}
    for c, kind in session.columns(SCHEMA, plan_table).items():
        field = field_of(c)
        if field is None or field[1].lower() not in kept:
            continue
        value = written(session.functions, _kind(kind, session), column(c, "p"))
        is_written = has_bit(column("changed", "p"), field[0])
        # Where the plan does not say what it wrote, an empty value may have been left out.
        unsaid = exp.and_(is_null(column("changed", "p")), is_null(column(c, "p")))
        case = exp.case().when(exp.and_(is_written, exp.not_(unsaid)), value)
        found[kept[field[1].lower()]] = case
    return found


def _found(session: Session, plan_table: str) -> list[exp.Expr]:
    """Return what a plan that reads before it writes found in each field."""
    columns = session.columns(SCHEMA, plan_table)
    fields = [field for c in columns if (field := field_of(c))]
    return [
        named(column(was(place), "p"), found_in(field))
        for place, field in fields
        if was(place) in columns
    ]


def _kind(sql_type: str, session: Session) -> FieldKind:
    """Return the kind of field whose values have that type."""
    kind = exp.DataType.build(sql_type, dialect=session.functions.dialect)
    for types, found in (
        (exp.DataType.TEXT_TYPES, FieldKind.TEXT),
        (exp.DataType.INTEGER_TYPES, FieldKind.INTEGER),
        ({exp.DataType.Type.BOOLEAN}, FieldKind.BOOLEAN),
        ({exp.DataType.Type.DATE}, FieldKind.DATE),
        (exp.DataType.TEMPORAL_TYPES, FieldKind.TIMESTAMP),
    ):
        if kind.is_type(*types):
            return found
    return FieldKind.DECIMAL


def _acknowledged(plan_table: str, payload: dict[str, exp.Expr]) -> exp.Select:
    """Return the delivered actions of a plan as rows of the delivered state."""
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
    return (
        exp.select(
            *(column(c, "p") for c in (*planned, "reason", "mapping_digest")),
            column("created", "r"),
            named(
                exp.Coalesce(
                    this=column("destination_id", "r"), expressions=[column("destination_id", "p")]
                ),
                "destination_id",
            ),
            named(cast(column("delivered_at", "r"), "timestamp"), "first_at"),
            named(cast(column("delivered_at", "r"), "timestamp"), "delivered_at"),
            named(bound("hash"), "hash_version"),
            named(bound("plan_digest"), "plan_digest"),
            *(named(value, c) for c, value in payload.items()),
        )
        .from_(table(plan_table, SCHEMA, "p"))
        .join(
            receipts, on=exp.EQ(this=column("action_no", "p"), expression=column("action_no", "r"))
        )
        .where(exp.EQ(this=column("place", "r"), expression=exp.Literal.number(1)))
    )


def _is_due() -> exp.Expr:
    """Return whether a delivered action `s` comes after what is delivered, `t`."""
    newer = exp.GT(this=column("version", "s"), expression=column("version", "t"))
    as_new = exp.and_(
        exp.EQ(this=column("version", "s"), expression=column("version", "t")),
        exp.GTE(this=column("delivered_at", "s"), expression=column("delivered_at", "t")),
    )
    return exp.Paren(this=exp.or_(newer, as_new))


def _merge(sync: str, acknowledged: exp.Select, payload: Sequence[str]) -> exp.Merge:
    updates: dict[str, exp.Expr] = {c: column(c, "s") for c in COLUMNS if c != "sync_key"}
    for c in ("destination_id", *payload):
        updates[c] = exp.Coalesce(this=column(c, "s"), expressions=[column(c, "t")])
    # Of rows that an older version of ours delivered, only the last time is known.
    updates["first_at"] = exp.Coalesce(
        this=column("first_at", "t"), expressions=[column("delivered_at", "t")]
    )
    columns = (*COLUMNS, *payload)
    insert = exp.Insert(
        this=exp.Tuple(expressions=[column(c) for c in columns]),
        expression=exp.Tuple(expressions=[column(c, "s") for c in columns]),
    )
    is_deletion = exp.EQ(this=column("operation", "s"), expression=exp.Literal.string("delete"))
    is_due = _is_due()
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
