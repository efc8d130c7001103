"""
Delivered rows whose person has said no since, as changes, by what the contract says of them.

Who was suppressed has said no, too.
Of consent, only a `denied` counts: who is not known, or not heard of any more, is not written
to, but has not asked for anything either.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlglot import exp

from activation.contract.consent import Consent, OnRevoke, Revoked
from activation.contract.model import NullPolicy
from activation.contract.people import person_key
from activation.planning.changes import CHANGES, KNOWN
from activation.planning.consent import ConsentView, about, consent_params, person, status_sql
from activation.planning.keys import part_of
from activation.planning.mapping import (
    REMOVED_HASH,
    REVOKED_HASH,
    PayloadField,
    SourceMapping,
)
from activation.planning.model import BlockedReason, Cause, PlanInputs
from activation.planning.people import noted_people, person_sql
from activation.planning.removals import insert_changes
from activation.planning.state import delivered
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    differs,
    name,
    named,
    table,
    temporary,
)

_REVOKED = "activation_revoked"
_SUPPRESSED = "activation_suppressed"
_REMOVES = frozenset({Revoked.LEAVE, Revoked.ARCHIVE, Revoked.DELETE})


def add_revocations(
    session: Session,
    mapping: SourceMapping,
    views: Sequence[ConsentView],
    inputs: PlanInputs,
    share: float,
) -> None:
    """
    Put what follows from a withdrawn consent into `CHANGES`, in place of what else is to be done.

    A consent model that is too old is not asked; its word would stop the plan anyway.
    """
    contract = mapping.contract
    consent = contract.consent
    asked = [view for view in views if not view.stale]
    if not isinstance(consent, Consent) or consent.on_revoke.do is Revoked.STOP:
        return
    params = {**consent_params(contract), "share": share, "mapping_digest": contract.mapping_digest}
    found = [_denied(session, mapping, consent, view) for view in asked]
    if _note_suppressed(session, inputs):
        found.append(_suppressed(session, mapping))
    if not found:
        return
    keys = exp.union(*found) if len(found) > 1 else found[0]
    session.execute(temporary(_REVOKED, keys), params)
    revoked = exp.select(column("match_key")).from_(table(_REVOKED)).subquery()
    session.execute(
        exp.Delete(this=table(CHANGES), where=exp.Where(this=exp.In(
            this=column("match_key"), query=revoked
        )))
    )  # fmt: skip
    insert_changes(session, _changes(session, mapping, consent.on_revoke), params)


def _denied(
    session: Session, mapping: SourceMapping, consent: Consent, view: ConsentView
) -> exp.Select:
    """Return the keys of the delivered rows whose person denies here; `share` is bound."""
    state = delivered(session, mapping.contract.sync).subquery(name("t"))
    joined = view.source.join.values()
    denied = (
        exp.select(*(named(person(c, "k", tidy=view.tidy), f"p{i}") for i, c in enumerate(joined)))
        .distinct()
        .from_(table(view.relation.name, view.relation.schema, "k"))
        .where(about("k"))
        .where(exp.EQ(this=status_sql("k"), expression=exp.Literal.string("denied")))
    )
    on = [
        exp.EQ(this=_subject(mapping, consent.columns[place]), expression=column(f"p{i}", "d"))
        for i, place in enumerate(view.subjects)
    ]
    return (
        exp.select(
            named(mapping.match(column("sync_key", "t")), "match_key"), column("sync_key", "t")
        )
        .from_(state)
        .join(denied.subquery(name("d")), on=exp.and_(*on))
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
        .where(differs(column("row_hash", "t"), exp.Literal.number(REVOKED_HASH)))
    )


def _note_suppressed(session: Session, inputs: PlanInputs) -> bool:
    """Note who is suppressed, as far as the warehouse knows their keys; return if there is any."""
    withheld = inputs.withheld
    if withheld is None:
        return False
    people = [
        key
        for person in noted_people(session)
        if withheld(key := person_key(person)) == BlockedReason.SUPPRESSED
    ]
    session.load(_SUPPRESSED, pa.table({"person": pa.array(people, pa.string())}))
    return bool(people)


def _suppressed(session: Session, mapping: SourceMapping) -> exp.Select:
    """Return the keys of the delivered rows whose person is suppressed; `share` is bound."""
    state = delivered(session, mapping.contract.sync).subquery(name("t"))
    person = person_sql(mapping.contract, column("sync_key", "t"))
    return (
        exp.select(
            named(mapping.match(column("sync_key", "t")), "match_key"), column("sync_key", "t")
        )
        .from_(state)
        .join(
            table(_SUPPRESSED, alias="d"), on=exp.EQ(this=person, expression=column("person", "d"))
        )
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
        .where(differs(column("row_hash", "t"), exp.Literal.number(REVOKED_HASH)))
    )


def _subject(mapping: SourceMapping, source_column: str) -> exp.Expr:
    """Return a person's column of a delivered row: it is a part of its key."""
    grain = mapping.contract.source.grain
    return part_of(column("sync_key", "t"), grain.index(source_column), len(grain))


def _changes(session: Session, mapping: SourceMapping, on_revoke: OnRevoke) -> exp.Select:
    state = delivered(session, mapping.contract.sync).subquery(name("t"))
    removes = on_revoke.do in _REMOVES
    written = {} if removes else revoked_values(mapping, on_revoke)
    values: dict[str, exp.Expr] = {
        "match_key": column("match_key", "v"),
        "sync_key": column("sync_key", "t"),
        "known_key": column("sync_key", "t"),
        "version": column("version", "t"),
        "cohort": column("cohort", "t"),
        **{known: column(c, "t") for c, known in KNOWN.items()},
        "row_hash": exp.Literal.number(REMOVED_HASH if removes else REVOKED_HASH),
        "nulls": exp.Literal.number(0),
        "change": exp.Literal.string("delete" if removes else "update"),
        "cause": exp.Literal.string(Cause.REVOKED),
        "changed": exp.null()
        if removes
        else exp.Literal.number(sum(1 << f.place for f in mapping.fields if f.column in written)),
        "mapping_digest": bound("mapping_digest"),
        **written,
    }
    on = exp.EQ(this=column("sync_key", "t"), expression=column("sync_key", "v"))
    return (
        exp.select(*(named(value, c) for c, value in values.items()))
        .from_(state)
        .join(table(_REVOKED, alias="v"), on=on)
    )


def revoked_values(mapping: SourceMapping, on_revoke: OnRevoke) -> dict[str, exp.Expr]:
    """Return what is written when a consent is withdrawn, by the fields' columns."""
    return {f.column: _constant(f, on_revoke) for f in _written(mapping, on_revoke)}


def _written(mapping: SourceMapping, on_revoke: OnRevoke) -> list[PayloadField]:
    if on_revoke.do is Revoked.OPT_OUT:
        return [f for f in mapping.fields if f.mapping.to in on_revoke.set]
    if on_revoke.fields:
        return [f for f in mapping.fields if f.mapping.to in on_revoke.fields]
    return [f for f in mapping.fields if f.mapping.nulls is not NullPolicy.HOLD]


def _constant(field: PayloadField, on_revoke: OnRevoke) -> exp.Expr:
    value = on_revoke.set.get(field.mapping.to)
    literal: exp.Expr = exp.null()
    if isinstance(value, bool):
        literal = exp.Boolean(this=value)
    elif isinstance(value, int):
        literal = exp.Literal.number(value)
    elif value is not None:
        literal = exp.Literal.string(value)
    return cast(literal, field.sql_type)
