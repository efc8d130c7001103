"""What a plan tells of its actions: counts, blast radius, values, lengths."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from activation.contract.model import FieldKind, NullPolicy
from activation.destinations.traits import Verb
from activation.planning.changes import CHANGES, Found
from activation.planning.dispositions import ACTIONS
from activation.planning.mapping import SourceMapping, policy_bits
from activation.planning.model import (
    ActionCount,
    BlastRadius,
    Cause,
    Disposition,
    PlanInputs,
)
from activation.planning.payload import has_bit
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    bound,
    column,
    is_null,
    named,
    not_null,
    table,
)

_MOST_VALUES = 10_001
"""No vendor's picklist is as long, so that one value in that many is surely not in it."""


def blast(
    session: Session, mapping: SourceMapping, inputs: PlanInputs, found: Found
) -> BlastRadius:
    """Return how much of what was delivered the actions to send would touch."""
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


def counts(session: Session) -> tuple[ActionCount, ...]:
    """Return the actions by operation, disposition and reason."""
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


def verbs(session: Session) -> Mapping[Verb, int]:
    """Return the actions to send by what is asked for."""
    query = (
        exp.select(column("verb"), named(exp.Count(this=exp.Star()), "rows"))
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
        .group_by(column("verb"))
    )
    found = {r["verb"]: r["rows"] for r in session.fetch(query).to_pylist()}
    return {verb: found[verb] for verb in Verb if verb in found}


def kept(
    session: Session, mapping: SourceMapping, *, was_read: bool | None = None
) -> Mapping[str, int]:
    """Return the rows in which each field keeps the destination's value."""
    reads = mapping.contract.conflicts.reads if was_read is None else was_read
    if not reads or not mapping.fields:
        return {}
    query = exp.select(
        *(
            _count(exp.and_(not_null(column("kept")), has_bit(column("kept"), f.place)), f.column)
            for f in mapping.fields
        )
    ).from_(table(ACTIONS))
    row = session.fetch(query).to_pylist()[0]
    return {f.mapping.to: row[f.column] for f in mapping.fields if row[f.column]}


def delivered_after(session: Session, found: Found) -> int:
    """Return how many rows the destination holds of ours once all is sent."""
    sent = _is("disposition", Disposition.SEND)
    query = exp.select(
        _count(exp.and_(sent, _is("change", "create")), "added"),
        _count(exp.and_(sent.copy(), _is("change", "delete")), "removed"),
    ).from_(table(ACTIONS))
    row = session.fetch(query).to_pylist()[0]
    return int(found.known + row["added"] - row["removed"])


def written(session: Session, mapping: SourceMapping) -> Mapping[str, int]:
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


def known_differ(session: Session, known: str, current: str) -> bool:
    """Return whether a delivered row stands under another mapping or method than now."""
    query = (
        exp.select(named(exp.Count(this=exp.Star()), "n"))
        .from_(table(CHANGES))
        .where(exp.NEQ(this=column(known), expression=bound("current")))
    )
    return bool(session.fetch(query, {"current": current}).to_pylist()[0]["n"])


def values(
    session: Session, mapping: SourceMapping, picklists: frozenset[str]
) -> Mapping[str, tuple[str, ...]]:
    """Return the distinct values to send of the fields with a picklist."""
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


def longest(session: Session, mapping: SourceMapping) -> Mapping[str, int]:
    """Return the longest text to send of each text field, and of the key."""
    texts = {
        f.mapping.to: f.column for f in mapping.fields if f.mapping.type.kind is FieldKind.TEXT
    }
    texts[mapping.contract.destination.key] = "sync_key"
    query = (
        exp.select(*(named(exp.Max(this=exp.Length(this=column(c))), c) for c in texts.values()))
        .from_(table(ACTIONS))
        .where(_is("disposition", Disposition.SEND))
    )
    row = session.fetch(query).to_pylist()[0]
    return {field: row[c] or 0 for field, c in texts.items()}


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of), expression=exp.Literal.string(value))


def _count(condition: exp.Expr, alias: str) -> exp.Alias:
    return named(exp.Count(this=exp.case().when(condition.copy(), exp.Literal.number(1))), alias)
