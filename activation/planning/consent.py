"""Who may be written about: granted, denied or unknown, least permissive wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.errors import ContractError
from activation.planning.keys import untidy
from activation.planning.model import BlockedReason, Disposition
from activation.warehouse.port import SCHEMA, Relation, Session
from activation.warehouse.sql import bound, cast, column, is_null, name, named, table, text

_NEEDED = ("purpose", "channel", "status", "loaded_at")


@dataclass(frozen=True, slots=True)
class ConsentAge:
    """How new the consent data is, and whether that is too old."""

    newest: datetime | None
    stale: bool
    tidy: bool = True
    """No person's column is known to be empty or to have spaces at an end."""


def consent_age(
    session: Session, contract: Contract, relation: Relation | None, now: datetime
) -> ConsentAge:
    """
    Return the age of the consent data; an empty model is not stale, every row misses there.

    Raises:
        ContractError: the consent model is not in the warehouse, or lacks a column.
    """
    consent = contract.consent
    if not isinstance(consent, Consent):
        return ConsentAge(newest=None, stale=False)
    if relation is None:
        raise ContractError(
            f"Sync {contract.sync} needs the consent model {consent.model}, and none was given.",
            hint="Build it with `dbt build`.",
            sync=contract.sync,
        )
    columns = session.columns(relation.schema, relation.name)
    found = {c.lower() for c in columns}
    needed = (*_NEEDED, *consent.join.values())
    if missing := sorted({c for c in needed if c.lower() not in found}):
        raise ContractError(
            f"Consent model {relation.schema}.{relation.name} lacks {', '.join(missing)}.",
            hint="Add the columns to the model, or correct consent.join of the contract.",
            sync=contract.sync,
        )
    kinds = {c.lower(): kind for c, kind in columns.items()}
    persons = [(column(c), kinds[c.lower()]) for c in consent.join.values()]
    spoilt = untidy(persons, session.functions.dialect)
    query = exp.select(
        named(exp.Count(this=exp.Star()), "rows"),
        named(exp.Max(this=cast(column("loaded_at"), "timestamp")), "newest"),
        named(exp.Count(this=exp.case().when(spoilt, exp.Literal.number(1))), "untidy"),
    ).from_(table(relation.name, relation.schema))
    row = session.fetch(query).to_pylist()[0]
    newest = row["newest"].replace(tzinfo=UTC) if row["newest"] else None
    too_old = newest is None or now - newest > consent.max_lag
    return ConsentAge(newest=newest, stale=bool(row["rows"]) and too_old, tidy=not row["untidy"])


def statuses(
    consent: Consent, relation: Relation, subjects: exp.Query, key: str, *, tidy: bool
) -> exp.Select:
    """
    Return `key` and the least permissive `status` of its person, for those that have any.

    `subjects` has the column `key` and `subject_0`, ... in the order of the contract's join;
    purpose and channel are bound.
    """
    status = exp.Lower(this=exp.Trim(this=text(column("status", "k"))))
    is_granted = exp.EQ(this=status, expression=exp.Literal.string("granted"))
    is_denied = exp.EQ(this=status.copy(), expression=exp.Literal.string("denied"))
    zero = exp.Literal.number(0)
    least = (
        exp.case()
        .when(exp.GT(this=_count(is_denied), expression=zero), exp.Literal.string("denied"))
        .when(
            exp.EQ(this=_count(is_granted), expression=exp.Count(this=exp.Star())),
            exp.Literal.string("granted"),
        )
        .else_(exp.Literal.string("unknown"))
    )
    on = exp.and_(
        *(
            exp.EQ(
                this=column(f"subject_{i}", "c"),
                expression=_person(joined, tidy=tidy),
            )
            for i, joined in enumerate(consent.join.values())
        )
    )
    return (
        exp.select(column(key, "c"), named(least, "status"))
        .from_(subjects.subquery(name("c")))
        .join(table(relation.name, relation.schema, "k"), on=on)
        .where(exp.EQ(this=text(column("purpose", "k")), expression=bound("purpose")))
        .where(exp.EQ(this=text(column("channel", "k")), expression=bound("channel")))
        .group_by(column(key, "c"))
    )


def blocked_reason(status: exp.Expr) -> exp.Case:
    """Return why a status keeps a row back, as SQL; null if it is granted."""
    return (
        exp.case()
        .when(is_null(status), exp.Literal.string(BlockedReason.MISSING))
        .when(
            exp.EQ(this=status.copy(), expression=exp.Literal.string("denied")),
            exp.Literal.string(BlockedReason.DENIED),
        )
        .when(
            exp.NEQ(this=status.copy(), expression=exp.Literal.string("granted")),
            exp.Literal.string(BlockedReason.UNKNOWN),
        )
    )


def revoked(
    session: Session,
    contract: Contract,
    consent_relation: Relation | None,
    plan_table: str,
    now: datetime,
) -> frozenset[int]:
    """
    Return the numbers of the actions to send whose consent is no longer granted.

    All of them, if the consent data has become too old.
    """
    consent = contract.consent
    if not isinstance(consent, Consent):
        return frozenset()
    age = consent_age(session, contract, consent_relation, now)
    to_send = exp.EQ(
        this=column("disposition", "a"), expression=exp.Literal.string(Disposition.SEND)
    )
    actions = (
        exp.select(
            column("action_no", "a"),
            *(column(f"subject_{i}", "a") for i in range(len(consent.join))),
        )
        .from_(table(plan_table, SCHEMA, "a"))
        .where(to_send)
    )
    query = exp.select(column("action_no", "p")).from_(actions.subquery(name("p")))
    if not age.stale and consent_relation is not None:
        known = statuses(consent, consent_relation, actions.copy(), "action_no", tidy=age.tidy)
        query = query.join(
            known.subquery(name("s")),
            on=exp.EQ(this=column("action_no", "p"), expression=column("action_no", "s")),
            join_type="left",
        ).where(
            exp.NullSafeNEQ(this=column("status", "s"), expression=exp.Literal.string("granted"))
        )
    params = {"purpose": consent.purpose, "channel": consent.channel}
    return frozenset(session.fetch(query, params)["action_no"].to_pylist())


def _person(joined: str, *, tidy: bool) -> exp.Expr:
    person = text(column(joined, "k"))
    return person if tidy else exp.Trim(this=person)


def _count(condition: exp.Expr) -> exp.Sum:
    case = exp.case().when(condition, exp.Literal.number(1)).else_(exp.Literal.number(0))
    return exp.Sum(this=case)
