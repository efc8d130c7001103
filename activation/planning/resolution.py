"""
What the destination's answers make of the changes: adopted, kept, waiting, or as they were.

A row that is new to us may have its record there already: by our key, or without one and found
by a field of the contract's identity.  A field that somebody changed there since our last
delivery stays or is overwritten by the contract's conflicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.conflicts import Conflict
from activation.contract.destination import Mode
from activation.contract.model import NullPolicy
from activation.planning.changes import CHANGES
from activation.planning.mapping import PayloadField, SourceMapping
from activation.planning.model import Cause, HeldReason
from activation.planning.payload import EMPTIED, has_bit, was, whole_bits, written
from activation.planning.questions import Answers
from activation.planning.read_backs import READ_BACK, TWICE, load_read_back, theirs
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
    temporary,
)

ADOPTED_HASH = 2
"""The row hash of a record that got our key and nothing else: what it holds is to be compared."""

_MATCHES = "activation_matches"
_ASKED = "activation_asked"
_RESOLVED = "activation_resolved"


def resolve(session: Session, mapping: SourceMapping, answers: Answers) -> None:
    """Rewrite `CHANGES` by what the destination holds."""
    load_read_back(session, mapping, answers.theirs)
    session.load(_MATCHES, answers.matches)
    session.load(_ASKED, pa.table({"sync_key": pa.array(answers.asked, pa.string())}))
    columns = session.columns(None, CHANGES)
    resolved = _Resolved(mapping)
    values = resolved.columns()
    query = (
        exp.select(*(named(values.get(c, column(c, "c")), c) for c in columns))
        .from_(table(CHANGES, alias="c"))
        .join(table(READ_BACK, alias="r"), on=_same("r"), join_type="left")
        .join(table(TWICE, alias="w"), on=_same("w"), join_type="left")
        .join(_keyed(mapping, _MATCHES).subquery(name("m")), on=_same("m"), join_type="left")
        .join(_keyed(mapping, _ASKED).subquery(name("a")), on=_same("a"), join_type="left")
    )
    session.execute(temporary(_RESOLVED, query))
    session.execute(temporary(CHANGES, exp.select(exp.Star()).from_(table(_RESOLVED))))


def hold_settling(session: Session, settled: datetime) -> None:
    """Hold changed rows that were written after that time: a read may not show it yet."""
    late = exp.and_(
        _is("change", "update"),
        is_null(column("cause")),
        exp.GT(this=column("known_at"), expression=cast(bound("settled"), "timestamp")),
    )
    wait = exp.EQ(this=column("wait"), expression=exp.Literal.string(HeldReason.SETTLING))
    session.execute(
        exp.Update(this=table(CHANGES, alias="c"), expressions=[wait], where=exp.Where(this=late)),
        {"settled": settled.astimezone(UTC).replace(tzinfo=None)},
    )


class _Resolved:
    """The columns of a change, beside the record `r`, the match `m` and the question `a`."""

    def __init__(self, mapping: SourceMapping) -> None:
        contract = mapping.contract
        self._mapping = mapping
        self._mode = contract.destination.mode
        self._seeks = bool(contract.identity)
        self._reads = contract.conflicts.reads
        ours = is_null(column("cause", "c"))
        self._is_new = exp.and_(ours, _is("change", "create"))
        self._is_update = exp.and_(ours.copy(), _is("change", "update"))
        self._is_there = not_null(column("match_key", "r"))
        self._is_sure = exp.and_(exp.not_(self._is_there), not_null(column("destination_id", "m")))

    def columns(self) -> Mapping[str, exp.Expr]:
        """Return the columns that are another than before."""
        found: dict[str, exp.Expr] = {"wait": self._wait()}
        if self._seeks:
            adopts = exp.and_(self._is_new, self._is_sure)
            adopted = exp.Literal.string(Cause.ADOPTED)
            found["cause"] = exp.case().when(adopts, adopted).else_(column("cause", "c"))
            found["found"] = exp.and_(self._is_new, self._is_there)
            found["destination_id"] = exp.Coalesce(
                this=column("destination_id", "c"),
                expressions=[column("destination_id", "r"), column("destination_id", "m")],
            )
        if self._reads:
            found |= self._decided()
        return found

    def _decided(self) -> dict[str, exp.Expr]:
        compared = exp.and_(exp.or_(self._is_update, self._is_new), self._is_there)
        writes, keeps = self._bits()
        # A record that is gone is made anew, and then whole.
        gone = exp.and_(
            self._is_update, exp.not_(self._is_there), not_null(column("match_key", "a"))
        )
        changed = (
            exp.case().when(compared, writes).when(gone, whole_bits(self._mapping.fields, "c"))
        )
        found: dict[str, exp.Expr] = {
            "changed": changed.else_(column("changed", "c")),
            "kept": exp.case().when(compared.copy(), keeps),
        }
        if self._mapping.keeps_read:
            # From here on what was there counts, whoever wrote it: a rollback brings that back.
            for field in self._mapping.fields:
                there = exp.case().when(compared.copy(), column(theirs(field), "r"))
                found[was(field.place)] = there.else_(column(was(field.place), "c"))
        if self._seeks:
            # Its values are not known: it gets our key first, and is compared by the next plan.
            bare = exp.and_(self._is_new, self._is_sure)
            zero = exp.Literal.number(0)
            found["changed"] = exp.case().when(bare, zero).else_(found["changed"])
            hashed = exp.case().when(bare.copy(), exp.Literal.number(ADOPTED_HASH))
            found["row_hash"] = hashed.else_(column("row_hash", "c"))
            nothing = exp.case().when(exp.not_(bare.copy()), column("source_hash", "c"))
            found["source_hash"] = nothing
        return found

    def _bits(self) -> tuple[exp.Expr, exp.Expr]:
        """Return the bits of the fields to write, and of those in which theirs stays."""
        writes: exp.Expr = cast(exp.Literal.number(0), "bigint")
        keeps: exp.Expr = cast(exp.Literal.number(0), "bigint")
        for field in self._mapping.fields:
            intended = has_bit(column("changed", "c"), field.place)
            allowed = self._allowed(field)
            theirs_other = differs(self._ours(field), column(theirs(field), "r"))
            if field.mapping.nulls is NullPolicy.KEEP:
                theirs_other = exp.and_(not_null(column(field.column, "c")), theirs_other)
            bit = exp.Literal.number(1 << field.place)
            writes = _plus(writes, exp.and_(intended, allowed), bit)
            keeps = _plus(keeps, exp.and_(theirs_other, exp.not_(allowed.copy())), bit)
        return cast(writes, "bigint"), cast(keeps, "bigint")

    def _ours(self, field: PayloadField) -> exp.Expr:
        kind = field.mapping.type.kind
        return written(self._mapping.functions, kind, column(field.column, "c"))

    def _allowed(self, field: PayloadField) -> exp.Expr:
        """Return whether our value may be written over theirs."""
        policy = self._mapping.contract.conflicts.of(field.mapping.to)
        there = column(theirs(field), "r")
        base = exp.Coalesce(
            this=column(was(field.place), "c"), expressions=[exp.Literal.string(EMPTIED)]
        )
        untouched = exp.EQ(this=there, expression=base)
        empty = exp.EQ(this=there.copy(), expression=exp.Literal.string(EMPTIED))
        newer = exp.Coalesce(
            this=exp.GT(this=column("version", "c"), expression=column("modified", "r")),
            expressions=[exp.false()],
        )
        # Written again, a value that they came to as well is ours from then on.
        agreed = exp.EQ(this=there.copy(), expression=self._ours(field))
        allowed = {
            Conflict.SOURCE_WINS: exp.true(),
            Conflict.DESTINATION_WINS: exp.or_(untouched, empty),
            Conflict.NEWEST_WINS: exp.or_(untouched, newer),
            Conflict.FILL_EMPTY: empty,
            Conflict.THREE_WAY: untouched,
        }[policy]
        return exp.or_(allowed.copy(), agreed)

    def _wait(self) -> exp.Expr:
        """Return why the row waits; null if it does not."""
        case = exp.case().when(not_null(column("wait", "c")), column("wait", "c"))
        asked_of = self._is_update if self._reads else exp.false()
        unanswered = is_null(column("match_key", "a"))
        if self._seeks:
            asked_of = exp.or_(asked_of, self._is_new)
            case = case.when(
                exp.and_(self._is_new, not_null(column("match_key", "w"))),
                exp.Literal.string(HeldReason.AMBIGUOUS),
            )
            unsure = exp.and_(
                exp.not_(self._is_there),
                exp.GT(this=column("records", "m"), expression=exp.Literal.number(1)),
            )
            case = case.when(
                exp.and_(self._is_new, unsure), exp.Literal.string(HeldReason.AMBIGUOUS)
            )
            known = exp.or_(self._is_there, not_null(column("match_key", "m")))
            if self._mode is Mode.CREATE_ONLY:
                case = case.when(
                    exp.and_(self._is_new, known), exp.Literal.string(HeldReason.EXISTS)
                )
            if self._mode is Mode.UPDATE_ONLY:
                nobody = exp.and_(self._is_new, exp.not_(known), exp.not_(unanswered))
                case = case.when(nobody, exp.Literal.string(HeldReason.NO_RECORD))
        case = case.when(exp.and_(asked_of, unanswered), exp.Literal.string(HeldReason.UNREAD))
        if self._reads:
            writes, keeps = self._bits()
            zero = exp.Literal.number(0)
            kept = exp.and_(
                exp.or_(self._is_update, self._is_new),
                self._is_there,
                exp.EQ(this=writes, expression=zero),
                exp.NEQ(this=keeps, expression=zero.copy()),
            )
            case = case.when(kept, exp.Literal.string(HeldReason.KEPT))
        return case


def _keyed(mapping: SourceMapping, of: str) -> exp.Select:
    key = named(mapping.match(column("sync_key", "x")), "match_key")
    more = ("destination_id", "records") if of == _MATCHES else ()
    return exp.select(key, *(column(c, "x") for c in more)).from_(table(of, alias="x"))


def _same(alias: str) -> exp.EQ:
    return exp.EQ(this=column("match_key", "c"), expression=column("match_key", alias))


def _is(of: str, value: str) -> exp.EQ:
    return exp.EQ(this=column(of, "c"), expression=exp.Literal.string(value))


def _plus(total: exp.Expr, condition: exp.Expr, bit: exp.Expr) -> exp.Expr:
    case = exp.case().when(condition, bit.copy()).else_(exp.Literal.number(0))
    return exp.Add(this=total, expression=case)
