"""The second look at consent: which actions of a frozen plan may no longer be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.planning.consent import (
    blocked_reason,
    consent_params,
    consent_views,
    with_statuses,
)
from activation.planning.model import TAKES_AWAY, Disposition
from activation.warehouse.port import SCHEMA, Relation, Session
from activation.warehouse.sql import column, is_null, name, not_null, table


def withdrawn(
    session: Session,
    contract: Contract,
    consent_relations: Sequence[Relation],
    plan_table: str,
    now: datetime,
) -> frozenset[int]:
    """
    Return the numbers of the actions to send whose consent is no longer granted.

    All of them, if the data of one consent model has become too old.
    What takes data away needs no consent, and is never among them.
    """
    consent = contract.consent
    if not isinstance(consent, Consent):
        return frozenset()
    views = consent_views(session, contract, consent_relations, now)
    subjects = [column(f"subject_{i}", "a") for i in range(len(consent.columns))]
    takes_away = exp.In(
        this=column("reason", "a"), expressions=[exp.Literal.string(cause) for cause in TAKES_AWAY]
    )
    actions = (
        exp.select(column("action_no", "a"), *subjects)
        .from_(table(plan_table, SCHEMA, "a"))
        .where(_is("disposition", Disposition.SEND))
        .where(exp.or_(is_null(column("reason", "a")), exp.not_(takes_away)))
    )
    query = exp.select(column("action_no", "p")).from_(actions.subquery(name("p")))
    query = with_statuses(query, views, actions, "action_no", "p")
    query = query.where(not_null(blocked_reason(views)))
    return frozenset(session.fetch(query, consent_params(contract))["action_no"].to_pylist())


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of, "a"), expression=exp.Literal.string(value))
