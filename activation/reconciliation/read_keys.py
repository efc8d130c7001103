"""Which keys are read back, where not everything is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.destinations.base import Operation
from activation.planning.model import ActionRange
from activation.planning.state import delivered
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, column, joined, name, table


def known_keys(
    session: Session, contract: Contract, phase: Phase, in_doubt: Sequence[ActionRange] = ()
) -> list[str]:
    """Return the delivered keys of the phase, and those whose removal may yet take effect."""
    keys = (
        exp.select(column("sync_key", "t"))
        .from_(delivered(session, contract.sync).subquery(name("t")))
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
    )
    found: list[str] = session.fetch(keys, {"share": phase.share})["sync_key"].to_pylist()
    removals = exp.EQ(this=column("operation"), expression=exp.Literal.string(Operation.DELETE))
    for doubtful in in_doubt:
        removed = (
            exp.select(column("sync_key"))
            .from_(table(doubtful.table, SCHEMA))
            .where(removals)
            .where(exp.GTE(this=column("action_no"), expression=bound("first")))
            .where(exp.LTE(this=column("action_no"), expression=bound("last")))
        )
        limits = {"first": doubtful.first, "last": doubtful.last}
        found += session.fetch(removed, limits)["sync_key"].to_pylist()
    return list(dict.fromkeys(found))


def sample_keys(
    session: Session, contract: Contract, phase: Phase, *, rows: int, seed: int
) -> list[str]:
    """Return that many delivered keys of the phase, drawn by the seed: the same each time."""
    place = session.functions.unit(joined([bound("seed"), column("sync_key", "t")]))
    drawn = (
        exp.select(column("sync_key", "t"))
        .from_(delivered(session, contract.sync).subquery(name("t")))
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
        .order_by(place, column("sync_key", "t"))
        .limit(rows)
    )
    params = {"share": phase.share, "seed": f"{seed}:"}
    keys: list[str] = session.fetch(drawn, params)["sync_key"].to_pylist()
    return keys
