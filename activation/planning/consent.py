"""
Who may be written about: granted, denied or unknown, least permissive wins.

Each model of the contract is asked by itself, and a row goes out only if all of them say granted.
When several reasons keep a row back, the first of these is told: denied, stale, a status that
is none of the three words, unknown, no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent, ConsentSource
from activation.contract.model import Contract
from activation.errors import ContractError
from activation.planning.keys import untidy
from activation.planning.model import BlockedReason
from activation.warehouse.port import Relation, Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    either,
    is_null,
    name,
    named,
    table,
    text,
)

_NEEDED = ("purpose", "channel", "status", "loaded_at")
_WORDS = ("granted", "denied", "unknown")


@dataclass(frozen=True, slots=True)
class ConsentView:
    """One consent model as it stands in the warehouse."""

    source: ConsentSource
    relation: Relation
    subjects: tuple[int, ...]
    """Which of the contract's person columns its join uses, in the order of the join."""
    newest: datetime | None
    stale: bool
    tidy: bool
    """No person's column is known to be empty or to have spaces at an end."""

    @property
    def alias(self) -> str:
        """Return the alias of its statuses."""
        return f"consent_{self.source.model}"


def consent_views(
    session: Session, contract: Contract, relations: Sequence[Relation], now: datetime
) -> tuple[ConsentView, ...]:
    """
    Return each consent model with its age; an empty model is not stale, every row misses there.

    `relations` stand in the order of the contract's sources.

    Raises:
        ContractError: a consent model is not in the warehouse, or lacks a column.
    """
    consent = contract.consent
    if not isinstance(consent, Consent):
        return ()
    if len(relations) != len(consent.sources):
        models = ", ".join(source.model for source in consent.sources)
        raise ContractError(
            f"Sync {contract.sync} needs the consent models {models}; {len(relations)} were given.",
            hint="Build them with `dbt build`.",
            sync=contract.sync,
        )
    return tuple(
        _view(session, contract.sync, consent, source, relation, now)
        for source, relation in zip(consent.sources, relations, strict=True)
    )


def _view(  # noqa: PLR0913, PLR0917 - each is named
    session: Session,
    sync: str,
    consent: Consent,
    source: ConsentSource,
    relation: Relation,
    now: datetime,
) -> ConsentView:
    columns = session.columns(relation.schema, relation.name)
    found = {c.lower() for c in columns}
    needed = (*_NEEDED, *source.join.values())
    if missing := sorted({c for c in needed if c.lower() not in found}):
        raise ContractError(
            f"Consent model {relation.schema}.{relation.name} lacks {', '.join(missing)}.",
            hint="Add the columns to the model, or correct the join in consent.sources.",
            sync=sync,
        )
    kinds = {c.lower(): kind for c, kind in columns.items()}
    persons = [(column(c), kinds[c.lower()]) for c in source.join.values()]
    spoilt = untidy(persons, session.functions.dialect)
    query = exp.select(
        named(exp.Count(this=exp.Star()), "rows"),
        named(exp.Max(this=cast(column("loaded_at"), "timestamp")), "newest"),
        named(exp.Count(this=exp.case().when(spoilt, exp.Literal.number(1))), "untidy"),
    ).from_(table(relation.name, relation.schema))
    row = session.fetch(query).to_pylist()[0]
    newest = row["newest"].replace(tzinfo=UTC) if row["newest"] else None
    too_old = newest is None or now - newest > source.max_lag
    return ConsentView(
        source=source,
        relation=relation,
        subjects=tuple(consent.columns.index(c) for c in source.join),
        newest=newest,
        stale=bool(row["rows"]) and too_old,
        tidy=not row["untidy"],
    )


def with_statuses(
    query: exp.Select, views: Sequence[ConsentView], subjects: exp.Query, key: str, of: str
) -> exp.Select:
    """
    Join to `query` what each view says of its rows; a stale view is not asked.

    `subjects` has the column `key` and `subject_0`, ... in the order of the contract's columns,
    and `query` has the key under the alias `of`; purpose and channel are bound.
    """
    for view in views:
        if not view.stale:
            query = query.join(
                _statuses(view, subjects.copy(), key).subquery(name(view.alias)),
                on=exp.EQ(this=column(key, of), expression=column(key, view.alias)),
                join_type="left",
            )
    return query


def blocked_reason(views: Sequence[ConsentView]) -> exp.Expr:
    """Return why the joined statuses keep a row back, as SQL; null if all of them are granted."""
    answers = [column("status", view.alias) for view in views if not view.stale]
    stale = exp.true() if len(answers) < len(views) else exp.false()
    case = exp.case()
    for reason, applies in (
        (BlockedReason.DENIED, _any_is("denied", answers)),
        (BlockedReason.STALE, stale),
        (BlockedReason.UNMAPPED, _any_is("unmapped", answers)),
        (BlockedReason.UNKNOWN, _any_is("unknown", answers)),
        (BlockedReason.MISSING, either(is_null(answer.copy()) for answer in answers)),
    ):
        case = case.when(applies, exp.Literal.string(reason))
    return case


def consent_params(contract: Contract) -> dict[str, object]:
    """Return the values that `with_statuses` binds."""
    consent = contract.consent
    if not isinstance(consent, Consent):
        return {}
    return {"purpose": consent.purpose, "channel": consent.channel}


def status_sql(of: str) -> exp.Expr:
    """Return the status of a consent row as it is compared."""
    return exp.Lower(this=exp.Trim(this=text(column("status", of))))


def about(of: str) -> exp.Expr:
    """Return whether a consent row is about the contract's purpose and channel; both are bound."""
    return exp.and_(
        exp.EQ(this=text(column("purpose", of)), expression=bound("purpose")),
        exp.EQ(this=text(column("channel", of)), expression=bound("channel")),
    )


def person(joined: str, of: str, *, tidy: bool) -> exp.Expr:
    """Return a person's column of a consent row as the source's is compared."""
    found = text(column(joined, of))
    return found if tidy else exp.Trim(this=found)


def _statuses(view: ConsentView, subjects: exp.Query, key: str) -> exp.Select:
    """Return `key` and the least permissive `status` of its person, for those that have any."""
    zero = exp.Literal.number(0)
    rows = exp.Count(this=exp.Star())
    mapped = exp.In(this=status_sql("k"), expressions=[exp.Literal.string(word) for word in _WORDS])
    least = (
        exp.case()
        .when(exp.GT(this=_count("denied"), expression=zero), exp.Literal.string("denied"))
        .when(exp.EQ(this=_count("granted"), expression=rows), exp.Literal.string("granted"))
        .when(exp.LT(this=_sum(mapped), expression=rows.copy()), exp.Literal.string("unmapped"))
        .else_(exp.Literal.string("unknown"))
    )
    on = exp.and_(
        *(
            exp.EQ(
                this=column(f"subject_{place}", "c"),
                expression=person(joined, "k", tidy=view.tidy),
            )
            for place, joined in zip(view.subjects, view.source.join.values(), strict=True)
        )
    )
    return (
        exp.select(column(key, "c"), named(least, "status"))
        .from_(subjects.subquery(name("c")))
        .join(table(view.relation.name, view.relation.schema, "k"), on=on)
        .where(about("k"))
        .group_by(column(key, "c"))
    )


def _any_is(word: str, answers: Sequence[exp.Expr]) -> exp.Expr:
    return either(
        exp.EQ(this=answer.copy(), expression=exp.Literal.string(word)) for answer in answers
    )


def _count(word: str) -> exp.Sum:
    return _sum(exp.EQ(this=status_sql("k"), expression=exp.Literal.string(word)))


def _sum(condition: exp.Expr) -> exp.Sum:
    case = exp.case().when(condition, exp.Literal.number(1)).else_(exp.Literal.number(0))
    return exp.Sum(this=case)
