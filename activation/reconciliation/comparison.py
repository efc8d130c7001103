"""Comparing source, delivered state and destination in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.destinations.traits import Reading
from activation.errors import ContractError
from activation.hash_keys import HashKey
from activation.planning.changes import find_changes
from activation.planning.consent import consent_views
from activation.planning.dispositions import judge
from activation.planning.mapping import SourceMapping, read_mapping, row_seed
from activation.planning.model import DestinationFacts, Models, PlanInputs
from activation.planning.read_backs import load_read_back
from activation.reconciliation.bound import upper_bound
from activation.reconciliation.classes import CLASSES, classified
from activation.reconciliation.differences import (
    DIFFERENCES,
    differences,
    differs_in,
    explain_kept,
)
from activation.reconciliation.parity import UNEXPLAINED, Discrepancy, Parity, Sample
from activation.warehouse.port import Session
from activation.warehouse.sql import column, named, table, temporary

_SCOPE = "activation_scope"
_SAMPLES = 5  # a class: enough to start looking


def compare(  # noqa: PLR0913 - parity depends on all of these, and each is named
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    read_back: pa.Table | Iterable[pa.Table],
    keys: Sequence[str] | None,
    now: datetime,
    plan_digest: str | None = None,
) -> Parity:
    """
    Put each key of the phase into exactly one class.

    `read_back` has `sync_key`, `destination_id` and one column a mapped field.
    `keys` are the sampled keys that were read; None if all were read that can be.
    `now` is when the read began: what was delivered shortly before need not be seen yet.
    `plan_digest` names the last plan, whose withdrawals must show.

    Raises:
        ConfigurationError: the model is not in the warehouse.
        ContractError: the model lacks a column, or the contract does not fit it.
        Refused: a plan with an attempt in doubt is no longer there.
    """
    relation = models.source
    mapping = read_mapping(session, contract, relation, facts)
    if mapping.missing:
        raise ContractError(
            f"Model {relation.schema}.{relation.name} lacks {', '.join(mapping.missing)}, "
            f"so sync {contract.sync} cannot be compared.",
            hint="Correct the model or the contract.",
            sync=contract.sync,
        )
    params: dict[str, object] = {
        "share": phase.share,
        "salt": contract.rollout.salt,
        "row_seed": row_seed(mapping.fields),
        "plan": plan_digest,
        "unsettled_since": _naive(now - facts.traits.read_lag),
    }
    with session.transaction():
        views = consent_views(session, contract, models.consents, now)
        find_changes(session, mapping, phase.share)
        judge(session, mapping, inputs, views)
        load_read_back(session, mapping, read_back)
        scope = None if keys is None else _load_scope(session, mapping, keys)
        session.execute(temporary(CLASSES, classified(session, mapping, scope)), params)
        session.execute(temporary(DIFFERENCES, differences(mapping)), params)
        explain_kept(session, mapping)
        return replace(
            _told(
                classes=_count(session),
                fields=_count_fields(session, mapping),
                samples=_samples(session, mapping, inputs.names.current),
                full=keys is None,
                only_known=facts.traits.reading is not Reading.ALL,
            ),
            waiting=_keys(session, _is_class(Discrepancy.UNSETTLED)),
            unseen=_keys(session, _unseen()),
        )


def _load_scope(session: Session, mapping: SourceMapping, keys: Sequence[str]) -> exp.Select:
    session.load(_SCOPE, pa.table({"sync_key": pa.array(keys, pa.string())}))
    return exp.select(named(mapping.match(column("sync_key")), "match_key")).from_(table(_SCOPE))


def _told(
    *,
    classes: dict[Discrepancy, int],
    fields: dict[str, int],
    samples: tuple[Sample, ...],
    full: bool,
    only_known: bool,
) -> Parity:
    total = sum(classes.values())
    unexplained = sum(classes[c] for c in UNEXPLAINED)
    if full:
        limit = unexplained / total if total else 0.0
        which = "keys that we know" if only_known else "keys"
        statement = (
            f"All {total:,} {which} were compared: {unexplained:,} ({limit:.2%}) differ without a "
            "reason we know."
        )
    else:
        limit = upper_bound(unexplained, total)
        statement = (
            f"{total:,} delivered keys were sampled: at most {limit:.2%} of all differ without a "
            "reason we know, at 95 %."
        )
    return Parity(
        keys=total,
        classes=classes,
        bound=limit,
        full=full,
        statement=statement,
        fields=fields,
        samples=samples,
    )


def _naive(moment: datetime) -> datetime:
    """Return a moment as the delivered state holds it: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None)


def _keys(session: Session, which: exp.Expr) -> tuple[str, ...]:
    query = exp.select(column("sync_key")).from_(table(CLASSES)).where(which).order_by("sync_key")
    return tuple(session.fetch(query)["sync_key"].to_pylist())


def _unseen() -> exp.Expr:
    differs = exp.not_(_is_class(Discrepancy.MATCHED))
    return exp.or_(exp.and_(column("recent"), differs), _is_class(Discrepancy.UNSETTLED))


def _is_class(discrepancy: Discrepancy) -> exp.EQ:
    return exp.EQ(this=column("class"), expression=exp.Literal.string(discrepancy))


def _count(session: Session) -> dict[Discrepancy, int]:
    query = (
        exp.select(column("class"), named(exp.Count(this=exp.Star()), "keys"))
        .from_(table(CLASSES))
        .group_by(column("class"))
    )
    found = {r["class"]: r["keys"] for r in session.fetch(query).to_pylist()}
    return {c: found.get(c.value, 0) for c in Discrepancy}


def _count_fields(session: Session, mapping: SourceMapping) -> dict[str, int]:
    if not mapping.fields:
        return {}
    counts = [
        named(
            exp.Count(this=exp.case().when(column(differs_in(f)), exp.Literal.number(1))), f.column
        )
        for f in mapping.fields
    ]
    query = (
        exp.select(*counts)
        .from_(table(DIFFERENCES))
        .where(exp.EQ(this=column("class"), expression=exp.Literal.string(Discrepancy.DRIFTED)))
    )
    row = session.fetch(query).to_pylist()[0]
    return {f.mapping.to: row[f.column] for f in mapping.fields if row[f.column]}


def _samples(session: Session, mapping: SourceMapping, names: HashKey) -> tuple[Sample, ...]:
    found: list[Sample] = []
    for discrepancy in Discrepancy:
        if discrepancy is Discrepancy.MATCHED:
            continue
        on = exp.EQ(this=column("match_key", "c"), expression=column("match_key", "d"))
        query = (
            exp.select(
                column("sync_key", "c"), *(column(differs_in(f), "d") for f in mapping.fields)
            )
            .from_(table(CLASSES, alias="c"))
            .join(table(DIFFERENCES, alias="d"), on=on, join_type="left")
            .where(exp.EQ(this=column("class", "c"), expression=exp.Literal.string(discrepancy)))
            .order_by(column("sync_key", "c"))
            .limit(_SAMPLES)
        )
        found += [
            Sample(
                names.row(mapping.contract.sync, row["sync_key"]),
                discrepancy,
                tuple(f.mapping.to for f in mapping.fields if row[differs_in(f)]),
            )
            for row in session.fetch(query).to_pylist()
        ]
    return tuple(found)
