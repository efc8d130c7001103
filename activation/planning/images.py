"""
What each key held of ours before and after a delivery, so that the delivery can be taken back.

It is the table `activation.images_<sync>`, one row a plan and key, and there only where the
contract has `rollback`.  The fold writes it in the transaction that changes the delivered state.
Each field is held twice, as a payload is kept: `before_<field>`, null where nothing was known of
it, and `after_<field>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.model import Contract
from activation.planning.model import Cause
from activation.planning.payload import kept_fields
from activation.planning.state import state_table
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    differs,
    name,
    named,
    not_null,
    table,
    type_of,
)

COLUMNS = {
    "no": "bigint",
    "plan_digest": "text",
    "sync_key": "text",
    "operation": "text",
    "reason": "text",
    "created": "boolean",
    "known": "boolean",
    "cohort": "double",
    "version": "timestamp",
    "destination_id": "text",
    "delivered_at": "timestamp",
}
"""`no` is the order of the deliveries; `known` says that the key was delivered before."""


def images_table(sync: str) -> str:
    """Return the name of a sync's images."""
    return f"images_{sync}"


def before(field: str) -> str:
    """Return the column of what a field held before, whose case means nothing."""
    return f"before_{field.lower()}"


def after(field: str) -> str:
    """Return the column of what a field held afterwards."""
    return f"after_{field.lower()}"


def found_in(field: str) -> str:
    """Return the column of a delivered action with what a read found in a field before."""
    return f"found_{field.lower()}"


def keep_images(  # noqa: PLR0913 - each is named
    session: Session,
    sync: str,
    *,
    delivered: exp.Select,
    is_due: exp.Expr,
    payload: Sequence[str],
    params: dict[str, object],
) -> None:
    """
    Write down what `delivered` is about to replace in the delivered state, where `is_due`.

    `delivered` is called `s` in `is_due`, the delivered state `t`; `payload` are the columns of
    both that keep a field.  What a plan read of the destination wins over what we delivered.
    What is known already is left as it is.
    """
    fields = {c: field for field, c in kept_fields(payload).items()}
    ensure_images(session, sync, tuple(fields.values()))
    images = table(images_table(sync), SCHEMA)
    newest = exp.select(exp.Max(this=column("no"))).from_(images.copy()).subquery()
    number = exp.Add(
        this=exp.Coalesce(this=newest, expressions=[exp.Literal.number(0)]),
        expression=exp.Literal.number(1),
    )
    values: dict[str, exp.Expr] = {
        "no": number,
        **{c: column(c, "s") for c in COLUMNS if c not in {"no", "known"}},
        # What is updated was there, whether or not it was ours.
        "known": exp.or_(not_null(column("sync_key", "t")), _is_operation("update")),
    }
    read = {projection.alias_or_name for projection in delivered.selects}
    for c, field in fields.items():
        found = [column(x, "s") for x in (found_in(field),) if x in read]
        values[before(field)] = exp.func("COALESCE", *found, column(c, "t"))
        values[after(field)] = exp.Coalesce(this=column(c, "s"), expressions=[column(c, "t")])
    seen = exp.select(column("sync_key")).from_(images.copy()).where(
        exp.EQ(this=column("plan_digest"), expression=bound("plan_digest"))
    )  # fmt: skip
    nothing_there = exp.Is(this=column("sync_key", "t"), expression=exp.null())
    folded = exp.EQ(this=column("plan_digest", "t"), expression=column("plan_digest", "s"))
    replaced = exp.or_(
        exp.and_(nothing_there, exp.not_(_is_operation("delete"))),
        exp.and_(not_null(column("sync_key", "t")), exp.not_(folded), is_due.copy()),
    )
    rows = (
        exp.select(*(named(value, c) for c, value in values.items()))
        .from_(delivered.subquery(name("s")))
        .join(
            table(state_table(sync), SCHEMA, "t"),
            on=exp.EQ(this=column("sync_key", "t"), expression=column("sync_key", "s")),
            join_type="left",
        )
        .where(replaced)
        .where(exp.not_(exp.In(this=column("sync_key", "s"), query=seen.subquery())))
        # Of somebody who is erased nothing is kept that could bring the record back.
        .where(differs(column("reason", "s"), exp.Literal.string(Cause.ERASED)))
    )
    into = exp.Schema(this=images, expressions=[name(c) for c in values])
    session.execute(exp.Insert(this=into, expression=rows), params)


def ensure_images(session: Session, sync: str, fields: Sequence[str]) -> None:
    """Make the table, if there is none, with the columns of these fields."""
    columns = COLUMNS | {c: "text" for field in fields for c in (before(field), after(field))}
    found = session.columns(SCHEMA, images_table(sync))
    images = table(images_table(sync), SCHEMA)
    if not found:
        made = [exp.ColumnDef(this=name(c), kind=type_of(kind)) for c, kind in columns.items()]
        session.execute(exp.Create(this=exp.Schema(this=images, expressions=made), kind="TABLE"))
        return
    for c, kind in columns.items():
        if c not in found:
            added = exp.ColumnDef(this=name(c), kind=type_of(kind))
            session.execute(exp.Alter(this=images.copy(), kind="TABLE", actions=[added]))


def _is_operation(operation: str) -> exp.EQ:
    return exp.EQ(this=column("operation", "s"), expression=exp.Literal.string(operation))


def retain_images(session: Session, contract: Contract, now: datetime) -> None:
    """Forget what is older than the contract keeps it; all of it if the contract keeps none."""
    images = table(images_table(contract.sync), SCHEMA)
    if contract.rollback is None:
        session.execute(exp.Drop(tables=[images], kind="TABLE", exists=True))
        return
    if not session.columns(SCHEMA, images_table(contract.sync)):
        return
    oldest = (now - contract.rollback.keep).astimezone(UTC).replace(tzinfo=None)
    old = exp.LT(this=column("delivered_at"), expression=cast(bound("oldest"), "timestamp"))
    session.execute(exp.Delete(this=images, where=exp.Where(this=old)), {"oldest": oldest})
