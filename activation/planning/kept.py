"""
The list of values that were changed by somebody else and stay: one row a key and field.

It is the table `activation.kept_<sync>`; no value stands in it.  Each plan writes anew what it
has read, so that a value which is no longer in the way leaves the list.
"""

from __future__ import annotations

from datetime import datetime

from sqlglot import exp

from activation.planning.dispositions import ACTIONS
from activation.planning.mapping import SourceMapping
from activation.planning.payload import has_bit
from activation.planning.state import empty
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, named, not_null, table

_COLUMNS = {
    "sync_key": "text",
    "field": "text",
    "policy": "text",
    "kept_at": "timestamp",
    "plan_digest": "text",
}


def kept_table(sync: str) -> str:
    """Return the name of a sync's list."""
    return f"kept_{sync}"


def note_kept(session: Session, mapping: SourceMapping, digest: str, now: datetime) -> None:
    """Write down what the plan keeps of the records that it has read."""
    conflicts = mapping.contract.conflicts
    if not conflicts.reads:
        return
    target = table(kept_table(mapping.contract.sync), SCHEMA)
    session.execute(
        exp.Create(this=target.copy(), kind="TABLE", exists=True, expression=empty(_COLUMNS))
    )
    read = exp.select(column("sync_key")).from_(table(ACTIONS)).where(not_null(column("kept")))
    session.execute(
        exp.Delete(
            this=target.copy(),
            where=exp.Where(this=exp.In(this=column("sync_key"), query=read.subquery())),
        )
    )
    for field in mapping.fields:
        rows = (
            exp.select(
                column("sync_key"),
                named(exp.Literal.string(field.mapping.to), "field"),
                named(exp.Literal.string(conflicts.of(field.mapping.to)), "policy"),
                named(cast(bound("now"), "timestamp"), "kept_at"),
                named(bound("digest"), "plan_digest"),
            )
            .from_(table(ACTIONS))
            .where(not_null(column("kept")))
            .where(has_bit(column("kept"), field.place))
        )
        params = {"now": now.replace(tzinfo=None), "digest": digest}
        session.execute(exp.Insert(this=target.copy(), expression=rows), params)
