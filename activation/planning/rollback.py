"""
A rollback as a plan: what deliveries replaced comes back, where their values still stand there.

Each field is judged by itself: what it held before the first of these deliveries, what the last of
them left, what was delivered since, and what the destination holds now.
Only a field that holds what they left is written; all else is left alone and listed in the table
`activation.unrestored_<sync>`, in which no value stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.planning.changes import Found
from activation.planning.consent import consent_views
from activation.planning.dispositions import judge
from activation.planning.images import images_table
from activation.planning.keys import matching
from activation.planning.mapping import (
    read_mapping,
)
from activation.planning.model import (
    Cause,
    DestinationFacts,
    Models,
    Plan,
    PlanInputs,
)
from activation.planning.nothing import empty_changes
from activation.planning.planner import freeze_plan
from activation.planning.read_backs import load_read_back
from activation.planning.reversal import ASKED, BESIDE, SCOPED, Reversal, why_of
from activation.planning.state import count_delivered
from activation.planning.summary import kept
from activation.planning.unrestored import note_unrestored
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    name,
    named,
    table,
    temporary,
)

_PLANS = "activation_undone"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deliveries are taken back."""

    told: str
    """In words, as `run 4711`."""
    plans: tuple[str, ...] = ()
    since: datetime | None = None
    """Everything that was delivered since then, of whatever plan."""


def scoped_keys(
    session: Session, contract: Contract, facts: DestinationFacts, scope: Scope
) -> list[str]:
    """Return the keys that these deliveries have reached, as far as their images are kept."""
    if not session.columns(SCHEMA, images_table(contract.sync)):
        return []
    scoped = _scoped(session, contract, facts, scope)
    session.execute(temporary(SCOPED, scoped), _moment(scope))
    query = exp.select(column("sync_key")).distinct().from_(table(SCOPED)).order_by("sync_key")
    keys: list[str] = session.fetch(query)["sync_key"].to_pylist()
    return keys


def make_rollback(  # noqa: PLR0913 - see make_plan
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    scope: Scope,
    asked: Sequence[str],
    theirs: pa.Table | Iterable[pa.Table],
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    freeze: bool,
) -> Plan:
    """
    Return the plan that takes deliveries back.

    `asked` are the keys that were looked up, and `theirs` the records that were found.
    Consent is asked for anew: who does not agree gets nothing back.

    Raises what `make_plan` raises.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    with session.transaction():
        views = consent_views(session, contract, models.consents, now)
        load_read_back(session, mapping, theirs, as_kept=True)
        session.load(ASKED, pa.table({"sync_key": pa.array(asked, pa.string())}))
        empty_changes(session, mapping)
        found = scoped_keys(session, contract, facts, scope)
        if found:
            Reversal(session, mapping, facts, now).note_changes()
        judge(session, mapping, inputs, views)
        plan = freeze_plan(
            session,
            mapping,
            _found(session, contract.sync),
            views,
            facts,
            phase=phase,
            inputs=inputs,
            now=now,
            freeze=freeze,
        )
        if freeze and found:
            reasons = {f.mapping.to: why_of(f) for f in mapping.fields}
            note_unrestored(session, contract, plan.digest, now, reasons=reasons, beside=BESIDE)
        stays = kept(session, mapping, was_read=True)
        return replace(plan, undoes=(scope.told,), kept=stays)


def _scoped(
    session: Session, contract: Contract, facts: DestinationFacts, scope: Scope
) -> exp.Select:
    """Return the images in question, each key's numbered from both ends."""
    plans = pa.table({"plan_digest": pa.array(scope.plans, pa.string())})
    session.load(_PLANS, plans)
    named_plans = exp.select(column("plan_digest")).from_(table(_PLANS)).subquery()
    inside: exp.Expr = exp.In(this=column("plan_digest"), query=named_plans)
    if scope.since is not None:
        moment = cast(bound("since"), "timestamp")
        inside = exp.or_(inside, exp.GTE(this=column("delivered_at"), expression=moment))
    # What a withdrawal took away is not brought back by anybody but the person.
    asked_for = exp.NullSafeEQ(this=column("reason"), expression=exp.Literal.string(Cause.REVOKED))
    places = [
        named(
            exp.Window(
                this=exp.RowNumber(),
                partition_by=[column("match_key")],
                order=exp.Order(expressions=[exp.Ordered(this=column("no"), desc=desc)]),
            ),
            place,
        )
        for place, desc in (("first_no", False), ("last_no", True))
    ]
    key = matching(column("sync_key"), case_sensitive=facts.traits.key_is_case_sensitive)
    images = (
        exp.select(exp.Star(), named(key, "match_key"))
        .from_(table(images_table(contract.sync), SCHEMA))
        .where(inside)
        .where(exp.not_(asked_for))
    )
    return exp.select(exp.Star(), *places).from_(images.subquery(name("i")))


def _moment(scope: Scope) -> dict[str, object]:
    if scope.since is None:
        return {}
    return {"since": scope.since.astimezone(UTC).replace(tzinfo=None)}


def _found(session: Session, sync: str) -> Found:
    """Return what a plan tells that looks at no model."""
    known = count_delivered(session, sync)
    return Found(
        rows=0,
        null_keys=0,
        repeated_rows=0,
        keys=0,
        newest_version=None,
        delivered_before=known,
        known=known,
        lost=0,
    )
