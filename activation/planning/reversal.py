"""
What a rollback makes of each key and field, as SQL.

Beside each other stand what a field held before the first of the deliveries that are taken back,
what the last of them left, what was delivered since, and what the destination holds now.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.rollback import Created
from activation.destinations.traits import Removal
from activation.planning.images import after, before
from activation.planning.keys import part_of
from activation.planning.mapping import (
    HASH_VERSION,
    REMOVED_HASH,
    REVOKED_HASH,
    PayloadField,
    SourceMapping,
    null_bits,
    row_hash,
    row_seed,
)
from activation.planning.model import Cause, DestinationFacts, HeldReason
from activation.planning.payload import kept_value, payload_column
from activation.planning.read_backs import READ_BACK, theirs
from activation.planning.removals import insert_changes
from activation.planning.state import delivered
from activation.warehouse.port import Session
from activation.warehouse.sql import (
    bound,
    cast,
    column,
    differs,
    either,
    is_null,
    name,
    named,
    not_null,
    table,
    temporary,
)

BESIDE = "activation_rollback"
"""The temporary table of keys to take back: before, after, delivered since, and found."""
SCOPED = "activation_scoped"
"""The temporary table of the images in question, each key's numbered from both ends."""
ASKED = "activation_asked"
"""The temporary table of the keys that were looked up: `sync_key`."""


class Reversal:
    """What is to become of each key, as SQL over `BESIDE`."""

    def __init__(
        self, session: Session, mapping: SourceMapping, facts: DestinationFacts, now: datetime
    ) -> None:
        self._session = session
        self._mapping = mapping
        self._facts = facts
        self._settled = now - facts.traits.read_lag
        rollback = mapping.contract.rollback
        self._created = Created.KEEP if rollback is None else rollback.created
        self._unlinks = facts.traits.removal is Removal.UNLINKED

    def note_changes(self) -> None:
        """Put the rollback into `CHANGES`, the rows that are left alone among it."""
        session, mapping = self._session, self._mapping
        session.execute(temporary(BESIDE, self._beside()))
        params = {
            "row_seed": row_seed(mapping.fields),
            "mapping_digest": mapping.contract.mapping_digest,
            "settled": self._settled.astimezone(UTC).replace(tzinfo=None),
        }
        insert_changes(session, self._changes(), params)

    def _beside(self) -> exp.Select:
        """Return each key once: before, after, as delivered now, and as found."""
        session, mapping = self._session, self._mapping
        images = session.columns(None, SCOPED)
        state = delivered(session, mapping.contract.sync, mapping.kept).subquery(name("t"))
        asked = exp.select(named(mapping.match(column("sync_key")), "match_key")).from_(
            table(ASKED)
        )
        columns: dict[str, exp.Expr] = {
            "match_key": column("match_key", "l"),
            "sync_key": _first(column("sync_key", "t"), column("sync_key", "l")),
            "known": column("known", "f"),
            "created": _first(column("created", "f"), exp.false()),
            "operation": column("operation", "l"),
            "cohort": _first(column("cohort", "t"), column("cohort", "l")),
            "version": _first(column("version", "t"), column("version", "l")),
            "destination_id": _first(
                column("destination_id", "r"),
                column("destination_id", "t"),
                column("destination_id", "l"),
            ),
            "held": not_null(column("sync_key", "t")),
            "there": not_null(column("match_key", "r")),
            "asked": not_null(column("match_key", "a")),
            "known_hash": column("row_hash", "t"),
            "known_nulls": column("nulls", "t"),
            "known_version": column("version", "t"),
            "known_mapping": column("mapping_digest", "t"),
            "known_at": column("delivered_at", "t"),
        }
        for f in mapping.fields:
            for made, of, side in ((before, "f", "before"), (after, "l", "after")):
                kept = made(f.mapping.to)
                there = column(kept, of) if kept in images else cast(exp.null(), "text")
                columns[_side(side, f)] = there
            columns[_side("now", f)] = column(payload_column(f.mapping.to), "t")
            columns[_side("theirs", f)] = column(theirs(f), "r")
        beside = (
            exp.select(*(named(value, c) for c, value in columns.items()))
            .from_(_of_key("last_no").subquery(name("l")))
            .join(_of_key("first_no").subquery(name("f")), on=_same("f"))
            .join(
                state,
                on=exp.EQ(
                    this=mapping.match(column("sync_key", "t")),
                    expression=column("match_key", "l"),
                ),
                join_type="left",
            )
            .join(table(READ_BACK, alias="r"), on=_same("r"), join_type="left")
            .join(asked.subquery(name("a")), on=_same("a"), join_type="left")
        )
        why = exp.select(
            exp.Column(this=exp.Star(), table=name("b")),
            *(named(self._why(f), why_of(f)) for f in mapping.fields),
        ).from_(beside.subquery(name("b")))
        return exp.select(exp.Star()).from_(why.subquery(name("w"))).where(self._touched())

    def _why(self, f: PayloadField) -> exp.Expr:
        """Return `restored`, why a field is left alone, or null if it is as it was."""
        was, left = column(_side("before", f), "b"), column(_side("after", f), "b")
        there, since = column(_side("theirs", f), "b"), column(_side("now", f), "b")
        no_image = exp.Literal.string(HeldReason.NO_IMAGE)
        unfit = exp.and_(_is_value(was), is_null(self._value(f, was.copy())))
        return (
            exp.case()
            .when(exp.or_(is_null(left), _equal(was, left)), cast(exp.null(), "text"))
            .when(exp.not_(column("known", "b")), cast(exp.null(), "text"))
            .when(_equal(there, was), cast(exp.null(), "text"))
            .when(
                exp.and_(_equal(there, left), _equal(since, left)),
                exp.case()
                .when(exp.or_(is_null(was.copy()), unfit), no_image)
                .else_(exp.Literal.string(Cause.RESTORED)),
            )
            .when(_equal(there, since), exp.Literal.string(HeldReason.OVERTAKEN))
            .else_(exp.Literal.string(HeldReason.EDITED))
        )

    def _touched(self) -> exp.Expr:
        """Return whether anything is to be done about a key, or to be said of it."""
        deleted = _is("operation", "delete")
        moved = either(
            differs(column(_side("before", f)), column(_side("after", f)))
            for f in self._mapping.fields
        )
        done = either(not_null(column(why_of(f))) for f in self._mapping.fields)
        updated = exp.and_(moved, exp.or_(exp.not_(column("there")), done))
        back_already = exp.and_(deleted, column("there")) if self._unlinks else exp.false()
        return (
            exp.case()
            .when(
                exp.not_(column("known")),
                exp.and_(exp.not_(deleted.copy()), exp.or_(column("held"), column("there"))),
            )
            .when(deleted, exp.not_(back_already))
            .else_(updated)
        )

    def _wait(self) -> exp.Expr:
        """Return why a key is left alone; null if it is not."""
        why = [column(why_of(f)) for f in self._mapping.fields]
        left = [column(_side("after", f)) for f in self._mapping.fields]
        found = [column(_side("theirs", f)) for f in self._mapping.fields]
        ours = exp.and_(
            exp.true(),
            *(exp.or_(is_null(a), _equal(a, b)) for a, b in zip(left, found, strict=True)),
        )
        late = exp.GT(this=column("known_at"), expression=cast(bound("settled"), "timestamp"))
        new = exp.not_(column("known"))
        deleted = _is("operation", "delete")
        case = exp.case()
        for applies, reason in (
            (_is_number("known_hash", REVOKED_HASH), HeldReason.WITHDRAWN),
            (exp.not_(column("asked")), HeldReason.UNREAD),
            (late, HeldReason.SETTLING),
            (exp.and_(deleted, column("held")), HeldReason.OVERTAKEN),
            (deleted.copy(), None if self._unlinks else HeldReason.REMOVED),
            (exp.not_(column("held")), HeldReason.OVERTAKEN),
            (exp.and_(new, exp.not_(column("created"))), HeldReason.NO_IMAGE),
            (exp.not_(column("there")), HeldReason.GONE),
            (new.copy(), HeldReason.STAYS if self._created is Created.KEEP else None),
        ):
            if reason is None:
                edited = exp.Literal.string(HeldReason.EDITED)
                is_new = exp.and_(applies, new.copy(), exp.not_(ours.copy()))
                case = case.when(is_new, edited).when(applies.copy(), cast(exp.null(), "text"))
            else:
                case = case.when(applies, exp.Literal.string(reason))
        case = case.when(_any_is(why, Cause.RESTORED), cast(exp.null(), "text"))
        for reason in (HeldReason.EDITED, HeldReason.OVERTAKEN, HeldReason.NO_IMAGE):
            case = case.when(_any_is(why, reason), exp.Literal.string(reason))
        return case

    def _changes(self) -> exp.Select:
        mapping, functions = self._mapping, self._mapping.functions
        new, deleted = exp.not_(column("known")), _is("operation", "delete")
        results = {f: self._result(f) for f in mapping.fields}
        resulting = exp.select(
            exp.Star(),
            named(self._wait(), "wait"),
            *(named(value, _side("result", f)) for f, value in results.items()),
        ).from_(table(BESIDE))
        values = [column(_side("result", f), "x") for f in mapping.fields]
        hashed = row_hash(functions, mapping.fields, values)
        removed = exp.Literal.number(REMOVED_HASH)
        changed = self._bits([Cause.RESTORED])
        rejoins = exp.and_(deleted, column("known", "x"))
        made: dict[str, exp.Expr] = {
            **{c: column(c, "x") for c in ("match_key", "sync_key", "cohort", "version", "wait")},
            "known_key": exp.case().when(column("held", "x"), column("sync_key", "x")),
            "change": exp.case()
            .when(new, exp.Literal.string("delete"))
            .when(rejoins, exp.Literal.string("create" if self._unlinks else "delete"))
            .else_(exp.Literal.string("update")),
            "cause": exp.case()
            .when(new.copy(), exp.Literal.string(Cause.TAKEN_BACK))
            .else_(exp.Literal.string(Cause.RESTORED)),
            "row_hash": exp.case().when(new.copy(), removed).else_(hashed),
            "nulls": null_bits(mapping.fields, values),
            # No row of the model has it, so that the next plan looks at the row.
            "source_hash": cast(exp.Literal.number(0), functions.fast_hash_type),
            "kept": self._bits([HeldReason.EDITED, HeldReason.OVERTAKEN, HeldReason.NO_IMAGE]),
            "changed": exp.case()
            .when(exp.or_(new.copy(), rejoins.copy()), cast(exp.null(), "bigint"))
            .else_(changed),
            "mapping_digest": bound("mapping_digest"),
            "known_method": exp.Literal.string(HASH_VERSION),
            **{
                c: column(c, "x")
                for c in (
                    "known_hash",
                    "known_nulls",
                    "known_version",
                    "known_mapping",
                    "known_at",
                    "destination_id",
                )
            },
        }
        for f in mapping.fields:
            is_written = exp.or_(
                exp.and_(rejoins.copy(), column("known", "x")),
                exp.EQ(this=column(why_of(f), "x"), expression=exp.Literal.string(Cause.RESTORED)),
            )
            made[f.column] = exp.case().when(is_written, column(_side("result", f), "x"))
        for i, subject in enumerate(self._subjects()):
            made[f"subject_{i}"] = subject
        return exp.select(*(named(value, c) for c, value in made.items())).from_(
            resulting.subquery(name("x"))
        )

    def _result(self, f: PayloadField) -> exp.Expr:
        """Return what a field holds of ours once all is carried out."""
        back = exp.or_(
            exp.EQ(this=column(why_of(f)), expression=exp.Literal.string(Cause.RESTORED)),
            _is("operation", "delete"),
        )
        held = exp.case().when(back, column(_side("before", f))).else_(column(_side("now", f)))
        return self._value(f, held)

    def _value(self, f: PayloadField, kept: exp.Expr) -> exp.Expr:
        return kept_value(self._mapping.functions, f.mapping.type.kind, f.sql_type, kept)

    def _bits(self, reasons: Sequence[str]) -> exp.Expr:
        total: exp.Expr = cast(exp.Literal.number(0), "bigint")
        for f in self._mapping.fields:
            fits = exp.In(
                this=column(why_of(f), "x"),
                expressions=[exp.Literal.string(reason) for reason in reasons],
            )
            bit = exp.case().when(fits, exp.Literal.number(1 << f.place))
            total = exp.Add(this=total, expression=bit.else_(exp.Literal.number(0)))
        return cast(total, "bigint")

    def _subjects(self) -> list[exp.Expr]:
        """Return the person's columns, which are parts of the key."""
        consent, grain = self._mapping.contract.consent, self._mapping.contract.source.grain
        if not isinstance(consent, Consent):
            return []
        key = column("sync_key", "x")
        return [part_of(key.copy(), grain.index(c), len(grain)) for c in consent.columns]


def why_of(f: PayloadField) -> str:
    """Return the column of `BESIDE` that says what becomes of a field."""
    return f"why_{f.place}"


def _of_key(place: str) -> exp.Select:
    first = exp.EQ(this=column(place), expression=exp.Literal.number(1))
    return exp.select(exp.Star()).from_(table(SCOPED)).where(first)


def _same(alias: str) -> exp.EQ:
    return exp.EQ(this=column("match_key", "l"), expression=column("match_key", alias))


def _side(side: str, f: PayloadField) -> str:
    return f"{side}_{f.place}"


def _first(*values: exp.Expr) -> exp.Expr:
    return exp.func("COALESCE", *values)


def _equal(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.NullSafeEQ(this=left.copy(), expression=right.copy())


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of), expression=exp.Literal.string(value))


def _is_number(of: str, value: int) -> exp.Expr:
    return exp.NullSafeEQ(this=column(of), expression=exp.Literal.number(value))


def _is_value(kept: exp.Expr) -> exp.Expr:
    return exp.Like(this=kept.copy(), expression=exp.Literal.string("=%"))


def _any_is(columns: Sequence[exp.Expr], reason: str) -> exp.Expr:
    return either(exp.EQ(this=c.copy(), expression=exp.Literal.string(reason)) for c in columns)
