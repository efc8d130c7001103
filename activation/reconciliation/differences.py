"""In which fields source and destination differ, for the keys that differ."""

from __future__ import annotations

from sqlglot import exp

from activation.contract.conflicts import Conflict
from activation.contract.model import NullPolicy
from activation.planning.candidates import among, source
from activation.planning.mapping import PayloadField, SourceMapping
from activation.planning.read_backs import READ_BACK
from activation.reconciliation.classes import CLASSES
from activation.reconciliation.parity import Discrepancy
from activation.warehouse.port import Session
from activation.warehouse.sql import column, differs, either, name, named, not_null, table

DIFFERENCES = "activation_differences"
"""The temporary table of keys that differ: `match_key`, `class`, and a `differs_` a field."""


def differs_in(field: PayloadField) -> str:
    """Return the column that says whether the field differs."""
    return f"differs_{field.place}"


def differences(mapping: SourceMapping) -> exp.Select:
    """Return the query of `DIFFERENCES`: keys that both sides have, but for matched ones."""
    keys = (
        exp.select(column("match_key"), column("class"))
        .from_(table(CLASSES))
        .where(column("both"))
        .where(exp.NEQ(this=column("class"), expression=exp.Literal.string(Discrepancy.MATCHED)))
    )
    match_key = mapping.match(mapping.key("s"))
    wanted = (
        exp.select(
            named(match_key, "match_key"),
            *(
                named(
                    f.value(
                        mapping.functions,
                        mapping.raw(f.mapping.column, "s"),
                        is_text=mapping.is_text(f.mapping.column),
                    ),
                    f.column,
                )
                for f in mapping.fields
            ),
        )
        .from_(source(mapping))
        .where(among(match_key.copy(), CLASSES, "match_key"))
    )
    return (
        exp.select(
            column("match_key", "k"),
            column("class", "k"),
            *(named(_differs(f), differs_in(f)) for f in mapping.fields),
        )
        .from_(keys.subquery(name("k")))
        .join(
            wanted.subquery(name("w")),
            on=exp.EQ(this=column("match_key", "k"), expression=column("match_key", "w")),
        )
        .join(
            table(READ_BACK, alias="r"),
            on=exp.EQ(this=column("match_key", "k"), expression=column("match_key", "r")),
        )
    )


def explain_kept(session: Session, mapping: SourceMapping) -> None:
    """
    Put drifted keys into the class `kept` if the contract says that what differs stays.

    That is, if every field that differs has a policy under which the destination may win.
    """
    conflicts = mapping.contract.conflicts
    if not conflicts.reads:
        return
    lenient = [f for f in mapping.fields if conflicts.of(f.mapping.to) is not Conflict.SOURCE_WINS]
    strict = [f for f in mapping.fields if f not in lenient]
    drifted = exp.EQ(this=column("class"), expression=exp.Literal.string(Discrepancy.DRIFTED))
    kept = (
        exp.select(column("match_key"))
        .from_(table(DIFFERENCES))
        .where(drifted)
        .where(either(column(differs_in(f)) for f in lenient))
        .where(exp.not_(either(column(differs_in(f)) for f in strict)))
    )
    is_kept = exp.In(this=column("match_key"), query=kept.subquery())
    now = exp.EQ(this=column("class"), expression=exp.Literal.string(Discrepancy.KEPT))
    for of in (CLASSES, DIFFERENCES):
        where = exp.Where(this=exp.and_(drifted.copy(), is_kept.copy()))
        session.execute(exp.Update(this=table(of), expressions=[now.copy()], where=where))


def _differs(field: PayloadField) -> exp.Expr:
    wanted = column(field.column, "w")
    found = differs(wanted, column(field.column, "r"))
    if field.mapping.nulls is NullPolicy.KEEP:
        return exp.and_(not_null(wanted.copy()), found)
    return found
