"""
The list of what a rollback leaves alone: one row a key and field, or a key alone.

It is the table `activation.unrestored_<sync>`; no value stands in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.model import Contract
from activation.planning.dispositions import ACTIONS
from activation.planning.model import Cause, Disposition
from activation.planning.state import empty
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, named, table

_COLUMNS = {
    "sync_key": "text",
    "field": "text",
    "reason": "text",
    "noted_at": "timestamp",
    "plan_digest": "text",
}


def unrestored_table(sync: str) -> str:
    """Return the name of a sync's list."""
    return f"unrestored_{sync}"


def note_unrestored(  # noqa: PLR0913 - each is named
    session: Session,
    contract: Contract,
    digest: str,
    now: datetime,
    *,
    reasons: Mapping[str, str],
    beside: str,
) -> None:
    """
    Write down what the actions of a rollback leave alone, row by row and field by field.

    `reasons` names the column of the temporary table `beside` that says what becomes of a field.
    """
    target = table(unrestored_table(contract.sync), SCHEMA)
    session.execute(
        exp.Create(this=target.copy(), kind="TABLE", exists=True, expression=empty(_COLUMNS))
    )
    moment = now.astimezone(UTC).replace(tzinfo=None)
    if contract.rollback is not None:
        old = exp.LT(this=column("noted_at"), expression=cast(bound("oldest"), "timestamp"))
        session.execute(
            exp.Delete(this=target.copy(), where=exp.Where(this=old)),
            {"oldest": moment - contract.rollback.keep},
        )
    params = {"now": moment, "digest": digest}
    sent = exp.EQ(this=column("disposition", "a"), expression=exp.Literal.string(Disposition.SEND))
    rows = _listed(cast(exp.null(), "text"), column("reason", "a")).where(exp.not_(sent))
    session.execute(exp.Insert(this=target.copy(), expression=rows), params)
    on = exp.EQ(this=column("match_key", "a"), expression=column("match_key", "b"))
    for field, reason in reasons.items():
        fields = (
            _listed(exp.Literal.string(field), column(reason, "b"))
            .join(table(beside, alias="b"), on=on)
            .where(sent.copy())
            .where(exp.NEQ(
                this=column(reason, "b"), expression=exp.Literal.string(Cause.RESTORED)
            ))
        )  # fmt: skip
        session.execute(exp.Insert(this=target.copy(), expression=fields), params)


def read_unrestored(
    session: Session, sync: str, digest: str, *, limit: int
) -> list[tuple[str, str | None, str]]:
    """Return key, field and reason of what the rollback of that digest left alone."""
    if not session.columns(SCHEMA, unrestored_table(sync)):
        return []
    query = (
        exp.select(column("sync_key"), column("field"), column("reason"))
        .from_(table(unrestored_table(sync), SCHEMA))
        .where(exp.EQ(this=column("plan_digest"), expression=bound("digest")))
        .order_by("reason", "sync_key", "field")
        .limit(limit)
    )
    rows = session.fetch(query, {"digest": digest}).to_pylist()
    return [(row["sync_key"], row["field"], row["reason"]) for row in rows]


def _listed(field: exp.Expr, reason: exp.Expr) -> exp.Select:
    return exp.select(
        column("sync_key", "a"),
        named(field, "field"),
        named(reason, "reason"),
        named(cast(bound("now"), "timestamp"), "noted_at"),
        named(bound("digest"), "plan_digest"),
    ).from_(table(ACTIONS, alias="a"))
