"""
Drafts: changes that wait in the warehouse while the destination is asked about them.

The warehouse is never held open while a vendor is waited for, so that a plan that asks is made
in two sessions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
from sqlglot import exp

from activation.planning.changes import CHANGES, Found
from activation.planning.dispositions import ACTIONS
from activation.planning.mapping import SourceMapping
from activation.planning.model import Disposition
from activation.planning.questions import Questions
from activation.planning.state import ensure_schema
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import column, is_null, named, table, temporary

_LIFE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a plan is made of once the questions are answered."""

    mapping: SourceMapping
    found: Found
    table: str
    questions: Questions


def draft_table(sync: str, now: datetime, suffix: str) -> str:
    """Return the name of a draft's table; it says how old it is."""
    return f"draft_{sync}_{int(now.timestamp()):x}_{suffix}"


def save_changes(session: Session, name: str) -> None:
    """Write the changes down."""
    ensure_schema(session)
    query = exp.select(exp.Star()).from_(table(CHANGES))
    session.execute(
        exp.Create(this=table(name, SCHEMA), kind="TABLE", replace=True, expression=query)
    )


def load_changes(session: Session, name: str) -> None:
    """Take the changes up again."""
    query = exp.select(exp.Star()).from_(table(name, SCHEMA))
    session.execute(temporary(CHANGES, query))


def drop_draft(session: Session, name: str) -> None:
    """Drop a draft; it holds payloads, and nobody needs it any more."""
    session.execute(exp.Drop(tables=[table(name, SCHEMA)], kind="TABLE", exists=True))


def drop_old_drafts(session: Session, sync: str, now: datetime) -> None:
    """Drop what processes that died have left."""
    pattern = re.compile(rf"draft_{re.escape(sync)}_([0-9a-f]+)_[0-9a-z]+")
    for found in session.tables(SCHEMA):
        match = pattern.fullmatch(found)
        if match and now - datetime.fromtimestamp(int(match[1], 16), UTC) > _LIFE:
            drop_draft(session, found)


def questions(session: Session, mapping: SourceMapping, *, most: int) -> Questions:
    """
    Return what is to be asked about the actions that would be sent, at most `most` rows of them.

    Who would not be sent is not asked about: a look-up tells the vendor about people too.
    """
    contract = mapping.contract
    to_read: exp.Expr = exp.false()
    if contract.conflicts.reads:
        to_read = _is("change", "update")
    if contract.identity:
        to_read = exp.or_(to_read, _is("change", "create"))
    by_name = {f.mapping.to: f for f in mapping.fields}
    sought = [by_name[name] for name in contract.identity]
    query = (
        exp.select(
            column("sync_key"),
            column("change"),
            *(named(column(f.column), f.mapping.to) for f in sought),
        )
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
        .where(is_null(column("cause")))
        .where(to_read)
        .order_by(column("action_no"))
    )
    rows = session.fetch(query)
    unasked = max(0, rows.num_rows - most)
    rows = rows.slice(0, most)
    new = rows.filter(pc.equal(rows["change"], "create"))
    return Questions(
        keys=tuple(rows["sync_key"].to_pylist()),
        new=new.drop_columns(["change"]) if contract.identity else None,
        unasked=unasked,
    )


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of), expression=exp.Literal.string(value))
