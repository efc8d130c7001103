"""Which class a key has; the order of the tests is told in `parity`."""

from __future__ import annotations

from sqlglot import exp

from activation.contract.consent import Consent, Revoked
from activation.contract.destination import Mode
from activation.contract.model import NullPolicy
from activation.planning.candidates import CANDIDATES, among
from activation.planning.dispositions import ACTIONS, IN_DOUBT
from activation.planning.keys import cohort_sql
from activation.planning.mapping import REVOKED_HASH, SourceMapping, row_hash
from activation.planning.model import Disposition, HeldReason
from activation.planning.read_backs import READ_BACK, TWICE
from activation.planning.revocations import revoked_values
from activation.planning.state import delivered
from activation.reconciliation.parity import Discrepancy
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    differs,
    is_null,
    name,
    named,
    not_null,
    table,
)

CLASSES = "activation_classes"
"""The temporary table of keys: `match_key`, `class`, `both` (source and destination have it),
`recent` (delivered after `unsettled_since`) and, but for matched keys, `sync_key`."""


_REWRITES = frozenset({Revoked.CLEAR, Revoked.OPT_OUT})


def classified(session: Session, mapping: SourceMapping, scope: exp.Select | None) -> exp.Select:
    """
    Return the query of `CLASSES`.

    Bound are `share`, `salt`, `row_seed`, `unsettled_since` and `plan`.
    """
    beside = _beside(session, mapping, scope).subquery(name("b"))
    here = not_null(column("delivered", "b"))
    there = not_null(column("found", "b"))
    same = exp.and_(
        exp.EQ(this=_found_hash(mapping), expression=column("wanted_hash", "b")),
        exp.Not(this=among(column("match_key", "b"), TWICE, "match_key")),
    )
    planned = _planned()
    stays = mapping.contract.destination.mode is Mode.CREATE_ONLY
    doubtful = _is(column("reason", "b"), HeldReason.IN_DOUBT)
    removed = among(column("match_key", "b"), IN_DOUBT, "match_key")
    unsettled = _told(Discrepancy.UNSETTLED)
    ignored = _withdrawal_ignored(mapping)
    kind = (
        exp.case()
        .when(exp.and_(here, column("lost", "b")), _told(Discrepancy.LOST))
        .when(exp.and_(here, exp.not_(there), column("recent", "b")), unsettled)
        .when(exp.and_(here, exp.not_(there)), _told(Discrepancy.MISSING))
        .when(exp.and_(here, ignored, column("recent", "b")), unsettled.copy())
        .when(exp.and_(here, ignored), _told(Discrepancy.DRIFTED))
        .when(exp.and_(here, same), _told(Discrepancy.MATCHED))
        .when(exp.and_(exp.not_(here), there, doubtful), _told(Discrepancy.HELD))
        .when(exp.and_(exp.not_(here), there, removed), unsettled.copy())
        .when(exp.and_(exp.not_(here), there), _told(Discrepancy.UNEXPECTED))
        .when(not_null(column("disposition", "b")), planned)
        .when(column("recent", "b"), unsettled.copy())
        .else_(_told(Discrepancy.KEPT if stays else Discrepancy.DRIFTED))
    )
    inside = exp.case().when(
        exp.and_(exp.not_(here), is_null(column("disposition", "b"))),
        exp.LT(
            this=cohort_sql(mapping.functions, column("match_key", "b")),
            expression=bound("share"),
        ),
    )
    judged = (
        exp.select(
            column("match_key", "b"),
            column("sync_key", "b"),
            named(exp.and_(there, exp.not_(column("lost", "b"))), "both"),
            named(kind, "class"),
            # A withdrawal that shows has been seen, though its key matches nothing.
            named(exp.and_(column("recent", "b"), exp.not_(column("revoked", "b"))), "recent"),
        )
        .from_(beside)
        .where(inside.else_(exp.true()))
    )
    told = exp.NEQ(this=column("class", "j"), expression=_told(Discrepancy.MATCHED))
    return exp.select(
        column("match_key", "j"),
        column("class", "j"),
        column("both", "j"),
        column("recent", "j"),
        named(exp.case().when(told, column("sync_key", "j")), "sync_key"),
    ).from_(judged.subquery(name("j")))


def _beside(session: Session, mapping: SourceMapping, scope: exp.Select | None) -> exp.Select:
    """Return each key once: as delivered, as planned and as found."""
    known = _known(session, mapping)
    planned = exp.select(
        *(
            column(c)
            for c in ("match_key", "sync_key", "row_hash", "nulls", "disposition", "reason")
        )
    ).from_(table(ACTIONS))
    found = exp.select(exp.Star()).from_(table(READ_BACK))
    if scope is not None:
        known, planned, found = (
            query.where(exp.In(this=column("match_key"), query=scope.copy().subquery()))
            for query in (exp.select(exp.Star()).from_(known.subquery(name("x"))), planned, found)
        )
    of_both = exp.Coalesce(this=column("match_key", "k"), expressions=[column("match_key", "r")])
    any_key = exp.Coalesce(this=of_both.copy(), expressions=[column("match_key", "a")])
    is_planned = not_null(column("match_key", "a"))
    return (
        exp.select(
            named(any_key, "match_key"),
            named(
                exp.Coalesce(
                    this=column("sync_key", "k"),
                    expressions=[column("sync_key", "a"), column("sync_key", "r")],
                ),
                "sync_key",
            ),
            named(column("match_key", "k"), "delivered"),
            named(column("match_key", "r"), "found"),
            *(
                named(exp.Coalesce(this=column(c, "k"), expressions=[exp.false()]), c)
                for c in ("lost", "recent", "revoked")
            ),
            named(_either(is_planned, "row_hash"), "wanted_hash"),
            named(_either(is_planned, "nulls"), "wanted_nulls"),
            column("disposition", "a"),
            column("reason", "a"),
            *(column(f.column, "r") for f in mapping.fields),
        )
        .from_(known.subquery(name("k")))
        .join(
            found.subquery(name("r")),
            on=exp.EQ(this=column("match_key", "k"), expression=column("match_key", "r")),
            join_type="full outer",
        )
        .join(
            planned.subquery(name("a")),
            on=exp.EQ(this=of_both, expression=column("match_key", "a")),
            join_type="full outer",
        )
    )


def _known(session: Session, mapping: SourceMapping) -> exp.Select:
    match_key = mapping.match(column("sync_key", "t"))
    gone = (
        exp.select(column("state_kh")).from_(table(CANDIDATES)).where(is_null(column("source_kh")))
    )
    recent = exp.GT(
        this=column("delivered_at", "t"), expression=cast(bound("unsettled_since"), "timestamp")
    )
    revoked = exp.and_(
        exp.EQ(this=column("row_hash", "t"), expression=exp.Literal.number(REVOKED_HASH)),
        exp.NullSafeEQ(this=column("plan_digest", "t"), expression=cast(bound("plan"), "text")),
    )
    lost = exp.In(this=mapping.functions.fast_hash(match_key.copy()), query=gone.subquery())
    return (
        exp.select(
            named(match_key, "match_key"),
            *(column(c, "t") for c in ("sync_key", "row_hash", "nulls")),
            named(lost, "lost"),
            named(recent, "recent"),
            named(revoked, "revoked"),
        )
        .from_(delivered(session, mapping.contract.sync).subquery(name("t")))
        .where(exp.LT(this=column("cohort", "t"), expression=bound("share")))
    )


def _found_hash(mapping: SourceMapping) -> exp.Expr:
    """Return the row hash of the record; a field that we leave alone counts as we left it."""
    values: list[exp.Expr] = []
    for f in mapping.fields:
        value: exp.Expr = column(f.column, "b")
        if f.mapping.nulls is NullPolicy.KEEP:
            bit = exp.Literal.number(1 << f.place)
            masked = exp.BitwiseAnd(this=column("wanted_nulls", "b"), expression=bit)
            is_set = exp.NEQ(this=exp.Paren(this=masked), expression=exp.Literal.number(0))
            value = exp.case().when(is_set, exp.null()).else_(value)
        values.append(value)
    return row_hash(mapping.functions, mapping.fields, values)


def _withdrawal_ignored(mapping: SourceMapping) -> exp.Expr:
    """
    Return whether the last plan emptied or opted out the record, and it shows none of that.

    Of an earlier withdrawal nothing is asked: the person may have changed the record since.
    """
    consent = mapping.contract.consent
    if not isinstance(consent, Consent) or consent.on_revoke.do not in _REWRITES:
        return exp.false()
    values = revoked_values(mapping, consent.on_revoke)
    shown = [differs(column(c, "b"), value) for c, value in values.items()]
    return exp.and_(column("revoked", "b"), exp.or_(*shown))


def _planned() -> exp.Case:
    disposition = column("disposition", "b")
    rejected = _is(column("reason", "b"), HeldReason.REJECTED_BEFORE)
    return (
        exp.case()
        .when(_is(disposition, Disposition.BLOCKED), _told(Discrepancy.BLOCKED))
        .when(rejected, _told(Discrepancy.REJECTED))
        .when(_is(disposition, Disposition.HELD), _told(Discrepancy.HELD))
        .else_(_told(Discrepancy.PENDING))
    )


def _either(is_planned: exp.Expr, of: str) -> exp.Case:
    return exp.case().when(is_planned.copy(), column(of, "a")).else_(column(of, "k"))


def _is(value: exp.Expr, text: str) -> exp.EQ:
    return exp.EQ(this=value.copy(), expression=exp.Literal.string(text))


def _told(discrepancy: Discrepancy) -> exp.Literal:
    return exp.Literal.string(discrepancy)
