"""Delivered rows that the model no longer has, as changes, where the contract removes them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from activation.planning.candidates import CANDIDATES
from activation.planning.changes import CHANGES, KNOWN
from activation.planning.mapping import REMOVED_HASH, SourceMapping
from activation.planning.model import Cause
from activation.planning.state import delivered
from activation.warehouse.port import Session
from activation.warehouse.sql import bound, column, is_null, name, named, table


def add_removals(session: Session, mapping: SourceMapping, share: float) -> None:
    """
    Add a change `delete` to `CHANGES` for each lost row of the phase.

    Only rows of the delivered state can get here: what we did not write is never removed.
    """
    contract = mapping.contract
    state = delivered(session, contract.sync).subquery(name("t"))
    gone = (
        exp.select(column("state_kh")).from_(table(CANDIDATES)).where(is_null(column("source_kh")))
    )
    match_key = mapping.match(column("sync_key", "t"))
    values: dict[str, exp.Expr] = {
        "match_key": match_key,
        "sync_key": column("sync_key", "t"),
        "known_key": column("sync_key", "t"),
        "version": column("version", "t"),
        "cohort": column("cohort", "t"),
        **{known: column(c, "t") for c, known in KNOWN.items()},
        "row_hash": exp.Literal.number(REMOVED_HASH),
        "change": exp.Literal.string("delete"),
        "cause": exp.Literal.string(Cause.LOST),
        "mapping_digest": bound("mapping_digest"),
    }
    lost = (
        exp.select(*(named(value, c) for c, value in values.items()))
        .from_(state)
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
        .where(exp.In(this=mapping.functions.fast_hash(match_key.copy()), query=gone.subquery()))
    )
    params = {"mapping_digest": contract.mapping_digest, "share": share}
    insert_changes(session, lost, params)


def insert_changes(session: Session, rows: exp.Select, params: Mapping[str, object]) -> None:
    """Add rows to `CHANGES`; columns that they do not name are null."""
    columns = [name(projection.alias_or_name) for projection in rows.selects]
    into = exp.Schema(this=table(CHANGES), expressions=columns)
    session.execute(exp.Insert(this=into, expression=rows), params)
