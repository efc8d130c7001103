"""
Delivered rows that vanished from the model and came back under another key.

They are known by their key without case and punctuation, and by their payload: its hash does not
hold the key.  Payloads tell rows apart only if most of the new ones are different from each
other; where they do not, keys alone are compared.
"""

from __future__ import annotations

from sqlglot import exp

from activation.planning.candidates import CANDIDATES
from activation.planning.changes import CHANGES
from activation.planning.mapping import SourceMapping
from activation.planning.state import delivered
from activation.warehouse.port import Session
from activation.warehouse.sql import bound, column, is_null, name, named, not_null, table

_PUNCTUATION = ("-", "_", ".", ":", "/", "|", " ")
_MOST_EQUAL = 2
"""Payloads of new rows tell them apart if at least one in so many is of one row alone."""


def respelled(session: Session) -> int:
    """Return the rows whose key is another spelling of the one that was delivered."""
    query = (
        exp.select(named(exp.Count(this=exp.Star()), "n"))
        .from_(table(CHANGES))
        .where(exp.NEQ(this=column("source_key"), expression=column("known_key")))
    )
    return int(session.fetch(query).to_pylist()[0]["n"])


def reminted(session: Session, mapping: SourceMapping, share: float) -> int:
    """Return the delivered rows of the phase that are gone and there under another key."""
    sizes = exp.select(
        named(exp.Count(this=exp.Star()), "fresh"),
        named(exp.Count(this=exp.Distinct(expressions=[column("row_hash")])), "different"),
    )
    row = session.fetch(sizes.from_(_fresh().subquery(name("f")))).to_pylist()[0]
    if not row["fresh"]:
        return 0
    known = _folded(column("sync_key", "t"))
    keys = exp.select(_folded(column("source_key"))).from_(_fresh().subquery(name("f")))
    same: exp.Expr = exp.In(this=known, query=keys.subquery())
    if row["different"] * _MOST_EQUAL >= row["fresh"]:
        hashes = (
            exp.select(column("row_hash"))
            .from_(_fresh().subquery(name("f")))
            .where(not_null(column("row_hash")))
        )
        same = exp.or_(same, exp.In(this=column("row_hash", "t"), query=hashes.subquery()))
    gone = (
        exp.select(column("state_kh")).from_(table(CANDIDATES)).where(is_null(column("source_kh")))
    )
    kh = mapping.functions.fast_hash(mapping.match(column("sync_key", "t")))
    query = (
        exp.select(named(exp.Count(this=exp.Star()), "n"))
        .from_(delivered(session, mapping.contract.sync).subquery(name("t")))
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
        .where(exp.In(this=kh, query=gone.subquery()))
        .where(same)
    )
    return int(session.fetch(query, {"share": share}).to_pylist()[0]["n"])


def _fresh() -> exp.Select:
    is_new = exp.EQ(this=column("change"), expression=exp.Literal.string("create"))
    return exp.select(column("source_key"), column("row_hash")).from_(table(CHANGES)).where(is_new)


def _folded(key: exp.Expr) -> exp.Expr:
    for character in _PUNCTUATION:
        key = exp.func("REPLACE", key, exp.Literal.string(character), exp.Literal.string(""))
    return exp.Lower(this=key)
