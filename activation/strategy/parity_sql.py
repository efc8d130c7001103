"""The comparison that a person can run by hand: the model against what was delivered."""

from __future__ import annotations

from sqlglot import exp

from activation.contract.model import Contract
from activation.planning.keys import sync_key
from activation.planning.state import state_table
from activation.warehouse.port import SCHEMA, Relation
from activation.warehouse.sql import column, is_null, name, named, not_null, table


def parity_sql(contract: Contract, relation: Relation, dialect: str) -> str:
    """
    Return the query that counts keys by how model and delivered state stand to each other.

    Whether the destination agrees with the delivered state only a read-back shows:
    `activation reconcile`.
    """
    grain = [(column(c, "m"), "text") for c in contract.source.grain]
    model = exp.select(
        named(sync_key(grain, dialect, tidy=False), "sync_key"),
        named(column(contract.source.version, "m"), "version"),
    ).from_(table(relation.name, relation.schema, alias="m"))
    kind = (
        exp.case()
        .when(is_null(column("sync_key", "d")), exp.Literal.string("not delivered"))
        .when(is_null(column("sync_key", "m")), exp.Literal.string("no longer in the model"))
        .when(
            exp.GT(this=column("version", "m"), expression=column("version", "d")),
            exp.Literal.string("newer in the model"),
        )
        .when(
            exp.LT(this=column("version", "m"), expression=column("version", "d")),
            exp.Literal.string("older in the model"),
        )
        .else_(exp.Literal.string("same version"))
    )
    beside = (
        exp.select(named(kind, "state"))
        .from_(model.where(not_null(column(contract.source.grain[0], "m"))).subquery(name("m")))
        .join(
            table(state_table(contract.sync), SCHEMA, alias="d"),
            on=exp.EQ(this=column("sync_key", "m"), expression=column("sync_key", "d")),
            join_type="full outer",
        )
    )
    query = (
        exp.select(column("state"), named(exp.Count(this=exp.Star()), "keys"))
        .from_(beside.subquery(name("b")))
        .group_by(column("state"))
        .order_by(column("state"))
    )
    return query.sql(dialect=dialect, pretty=True)
