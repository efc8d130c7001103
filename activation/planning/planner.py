"""From a contract and a warehouse to a plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract, FieldKind, NullPolicy
from activation.contract.rollout import Phase
from activation.destinations.traits import Verb
from activation.planning.actions import checksum, frozen_query, plan_digest, plan_table
from activation.planning.changes import CHANGES, Found, find_changes
from activation.planning.consent import consent_views
from activation.planning.dispositions import ACTIONS, judge
from activation.planning.fold import touch
from activation.planning.mapping import HASH_VERSION, SourceMapping, policy_bits, read_mapping
from activation.planning.model import (
    ActionCount,
    BlastRadius,
    Cause,
    DestinationFacts,
    Disposition,
    Models,
    Plan,
    PlanInputs,
    SourceProfile,
)
from activation.planning.nothing import find_nothing
from activation.planning.payload import has_bit
from activation.planning.removals import add_removals
from activation.planning.revocations import add_revocations
from activation.planning.state import ensure_state
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import (
    bound,
    column,
    is_null,
    named,
    not_null,
    table,
    temporary,
)

_MOST_VALUES = 10_001
"""No vendor's picklist is as long, so that one value in that many is surely not in it."""


def make_plan(  # noqa: PLR0913 - a plan depends on all of these, and each is named
    session: Session,
    contract: Contract,
    models: Models,
    facts: DestinationFacts,
    *,
    phase: Phase,
    inputs: PlanInputs,
    now: datetime,
    freeze: bool,
) -> Plan:
    """
    Compare the model with what was delivered, and return what is to be done about it.

    With `freeze`, the actions are written to `Plan.table`, and rows that are newer but
    otherwise as delivered are noted; without, only temporary tables are made.
    A model that lacks a mapped column makes a plan without actions that names the column.

    Raises:
        ConfigurationError: the model is not in the warehouse.
        ContractError: the contract does not fit the model or the consent model.
        Refused: a plan with an attempt in doubt is no longer there.
    """
    mapping = read_mapping(session, contract, models.source, facts)
    with session.transaction():
        views = consent_views(session, contract, models.consents, now)
        if mapping.missing:
            found = find_nothing(session, mapping)
        else:
            found = find_changes(session, mapping, phase.share)
            if contract.destination.mode.removes:
                add_removals(session, mapping, phase.share)
            add_revocations(session, mapping, views, phase.share)
        judge(session, mapping, inputs, views)
        digest = _freeze(session, mapping, phase, now, freeze=freeze)
        if freeze:
            _touch(session, contract.sync)
        return Plan(
            digest=digest,
            sync=contract.sync,
            phase=phase.name,
            created_at=now.astimezone(UTC),
            contract_digest=contract.digest,
            mapping_digest=contract.mapping_digest,
            table=plan_table(contract.sync, digest),
            source=SourceProfile(
                rows=found.rows,
                keys=found.keys,
                null_keys=found.null_keys,
                repeated_keys=found.repeated_rows,
                newest_version=found.newest_version,
                consents={view.source.model: view.newest for view in views},
                missing_columns=mapping.missing,
            ),
            blast=_blast(session, mapping, inputs, found),
            counts=_counts(session),
            verbs=_verbs(session),
            written=_written(session, mapping),
            frozen=freeze,
            mapping_changed=_known_differ(session, "known_mapping", contract.mapping_digest),
            hash_changed=_known_differ(session, "known_method", HASH_VERSION),
            values=_values(session, mapping, facts.picklists),
            longest=_longest(session, mapping),
        )


def _freeze(
    session: Session, mapping: SourceMapping, phase: Phase, now: datetime, *, freeze: bool
) -> str:
    """Write the actions down and return the digest that names them."""
    contract = mapping.contract
    subjects = len(contract.consent.columns) if isinstance(contract.consent, Consent) else 0
    query = frozen_query(ACTIONS, subjects, [f.column for f in mapping.fields])
    columns = [projection.alias_or_name for projection in query.selects]
    content = checksum(session, query.subquery(), columns)
    digest = plan_digest(contract.digest, phase.name, now, content)
    target = plan_table(contract.sync, digest)
    if freeze:
        ensure_state(session, contract.sync, mapping.kept)
        session.execute(
            exp.Create(
                this=table(target, SCHEMA),
                kind="TABLE",
                replace=True,
                expression=query.order_by(column("action_no")),
            )
        )
    else:
        session.execute(temporary(target, query))
    return digest


def _touch(session: Session, sync: str) -> None:
    is_same = exp.EQ(this=column("change"), expression=exp.Literal.string("same"))
    columns = ("version", "source_hash", "mapping_digest")
    same = (
        exp.select(named(column("known_key"), "sync_key"), *(column(c) for c in columns))
        .from_(table(CHANGES))
        .where(is_same)
    )
    touch(session, sync, same)


def _blast(
    session: Session, mapping: SourceMapping, inputs: PlanInputs, found: Found
) -> BlastRadius:
    contract = mapping.contract
    # By change and not by operation: a mode that never creates reaches new rows all the same.
    created = _is("change", "create")
    revoked = _is("cause", Cause.REVOKED)
    updated = exp.and_(_is("change", "update"), is_null(column("cause")))
    loaded = exp.and_(created, exp.LT(this=column("cohort"), expression=bound("loaded")))
    lost_values = exp.BitwiseAnd(
        this=exp.BitwiseAnd(
            this=exp.Paren(this=exp.BitwiseNot(this=column("known_nulls"))),
            expression=column("nulls"),
        ),
        expression=bound("clearing"),
    )
    cleared = exp.and_(
        updated,
        exp.EQ(this=column("known_mapping"), expression=bound("mapping_digest")),
        exp.NEQ(this=exp.Paren(this=lost_values), expression=exp.Literal.number(0)),
    )
    query = (
        exp.select(
            _count(created, "created"),
            _count(loaded, "loaded"),
            _count(updated, "updated"),
            _count(cleared, "cleared"),
            _count(_is("cause", Cause.LOST), "deleted"),
            _count(revoked, "revoked"),
        )
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
    )
    shares = [p.share for p in contract.rollout.phases if p.name in inputs.loaded_phases]
    params: dict[str, object] = {
        "loaded": max(shares, default=0.0),
        "clearing": policy_bits(mapping.fields, NullPolicy.CLEAR),
        "mapping_digest": contract.mapping_digest,
    }
    row = session.fetch(query, params).to_pylist()[0]
    late = exp.select(_count(_is("change", "late"), "late")).from_(table(CHANGES))
    return BlastRadius(
        delivered_before=found.delivered_before,
        created=row["created"],
        created_in_loaded_phases=row["loaded"],
        changed=row["updated"],
        cleared=row["cleared"],
        deleted=row["deleted"],
        lost=found.lost,
        revoked=row["revoked"],
        late=session.fetch(late).to_pylist()[0]["late"],
    )


def _counts(session: Session) -> tuple[ActionCount, ...]:
    groups = ("operation", "disposition", "reason")
    query = (
        exp.select(*(column(c) for c in groups), named(exp.Count(this=exp.Star()), "rows"))
        .from_(table(ACTIONS))
        .group_by(*(column(c) for c in groups))
        .order_by(*(column(c) for c in groups))
    )
    return tuple(
        ActionCount(r["operation"], Disposition(r["disposition"]), r["reason"], r["rows"])
        for r in session.fetch(query).to_pylist()
    )


def _verbs(session: Session) -> Mapping[Verb, int]:
    query = (
        exp.select(column("verb"), named(exp.Count(this=exp.Star()), "rows"))
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
        .group_by(column("verb"))
    )
    found = {r["verb"]: r["rows"] for r in session.fetch(query).to_pylist()}
    return {verb: found[verb] for verb in Verb if verb in found}


def _written(session: Session, mapping: SourceMapping) -> Mapping[str, int]:
    """Return the rows in which each field is written."""
    counts = []
    for field in mapping.fields:
        left_out: exp.Expr = exp.false()
        if field.mapping.nulls is NullPolicy.KEEP:
            left_out = exp.and_(is_null(column("changed")), is_null(column(field.column)))
        goes = exp.and_(has_bit(column("changed"), field.place), exp.not_(left_out))
        counts.append(_count(goes, field.column))
    if not counts:
        return {}
    query = (
        exp.select(*counts)
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
        .where(exp.not_(_is("operation", "delete")))
    )
    row = session.fetch(query).to_pylist()[0]
    return {f.mapping.to: row[f.column] for f in mapping.fields}


def _known_differ(session: Session, known: str, current: str) -> bool:
    """Return whether a delivered row stands under another mapping or method than now."""
    query = (
        exp.select(named(exp.Count(this=exp.Star()), "n"))
        .from_(table(CHANGES))
        .where(exp.NEQ(this=column(known), expression=bound("current")))
    )
    return bool(session.fetch(query, {"current": current}).to_pylist()[0]["n"])


def _values(
    session: Session, mapping: SourceMapping, picklists: frozenset[str]
) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for payload_field in mapping.fields:
        if payload_field.mapping.to not in picklists:
            continue
        written = mapping.functions.canonical(
            payload_field.mapping.type.kind, column(payload_field.column)
        )
        query = (
            exp.select(named(written, "value"))
            .distinct()
            .from_(table(ACTIONS))
            .where(_is("disposition", Disposition.SEND))
            .where(not_null(column(payload_field.column)))
            .order_by(column("value"))
            .limit(_MOST_VALUES)
        )
        found[payload_field.mapping.to] = tuple(session.fetch(query)["value"].to_pylist())
    return found


def _longest(session: Session, mapping: SourceMapping) -> Mapping[str, int]:
    texts = [f for f in mapping.fields if f.mapping.type.kind is FieldKind.TEXT]
    if not texts:
        return {}
    query = (
        exp.select(
            *(named(exp.Max(this=exp.Length(this=column(f.column))), f.column) for f in texts)
        )
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
    )
    row = session.fetch(query).to_pylist()[0]
    return {f.mapping.to: row[f.column] or 0 for f in texts}


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of), expression=exp.Literal.string(value))


def _count(condition: exp.Expr, alias: str) -> exp.Alias:
    return named(exp.Count(this=exp.case().when(condition.copy(), exp.Literal.number(1))), alias)
