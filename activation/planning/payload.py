"""
The payload last delivered, kept beside the delivered state where a contract needs it.

It tells which fields of a row changed, so that only those are written, and what a person changed
since.  Each field is one text: `=` and the value as it is hashed, `-` where it was emptied, null
where nothing of it was delivered.  The columns are named after the fields, so that another
mapping finds what the last one left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from activation.contract.model import FieldKind, NullPolicy
from activation.planning.mapping import PayloadField
from activation.warehouse.functions import Functions
from activation.warehouse.sql import cast, column, differs, is_null, joined, not_null

_PREFIX = "payload_"
EMPTIED = "-"


def payload_column(field: str) -> str:
    """Return the column of the delivered state that keeps a field, whose case means nothing."""
    return f"{_PREFIX}{field.lower()}"


def kept_fields(state_columns: Iterable[str]) -> dict[str, str]:
    """Return the columns that keep a payload, by their field in small letters."""
    return {c.removeprefix(_PREFIX): c for c in state_columns if c.startswith(_PREFIX)}


def was(place: int) -> str:
    """Return what the payload of the field of that place was before, as it is called in changes."""
    return f"was_{place}"


def written(functions: Functions, kind: FieldKind, value: exp.Expr) -> exp.Expr:
    """Return a value as it is kept once it is delivered."""
    is_there = not_null(value.copy())
    text = joined([exp.Literal.string("="), functions.canonical(kind, value)])
    return exp.case().when(is_there, text).else_(exp.Literal.string(EMPTIED))


def kept_value(functions: Functions, kind: FieldKind, sql_type: str, kept: exp.Expr) -> exp.Expr:
    """Return the value that was kept; null where it was emptied, unknown, or no longer fits."""
    is_there = exp.EQ(
        this=exp.func("LEFT", kept.copy(), exp.Literal.number(1)),
        expression=exp.Literal.string("="),
    )
    value = functions.parsed(kind, sql_type, exp.func("SUBSTR", kept, exp.Literal.number(2)))
    return exp.case().when(is_there, value)


def changed_bits(functions: Functions, fields: Sequence[PayloadField], of: str) -> exp.Expr:
    """
    Return a number whose bit i says that the i-th field is to be written, as SQL.

    Those are the fields whose value is not what was delivered last; one that is left alone
    while it is empty is not written then.
    `of` has the new values and the kept ones.
    """
    total: exp.Expr = cast(exp.Literal.number(0), "bigint")
    for field in fields:
        value = column(field.column, of)
        kind = field.mapping.type.kind
        changed: exp.Expr = differs(written(functions, kind, value), column(was(field.place), of))
        if field.mapping.nulls is NullPolicy.KEEP:
            changed = exp.and_(not_null(value.copy()), changed)
        bit = exp.Literal.number(1 << field.place)
        case = exp.case().when(changed, bit).else_(exp.Literal.number(0))
        total = exp.Add(this=total, expression=case)
    return cast(total, "bigint")


def whole_bits(fields: Sequence[PayloadField], of: str | None = None) -> exp.Expr:
    """Return the bits of all that a whole row writes: a field that is left alone only if filled."""
    total: exp.Expr = cast(exp.Literal.number(0), "bigint")
    for field in fields:
        bit: exp.Expr = exp.Literal.number(1 << field.place)
        if field.mapping.nulls is NullPolicy.KEEP:
            filled = not_null(column(field.column, of))
            bit = exp.case().when(filled, bit).else_(exp.Literal.number(0))
        total = exp.Add(this=total, expression=bit)
    return cast(total, "bigint")


def has_bit(bits: exp.Expr, place: int) -> exp.Expr:
    """Return whether a number has the bit of that place, as SQL; null bits have all of them."""
    masked = exp.BitwiseAnd(this=bits.copy(), expression=exp.Literal.number(1 << place))
    is_set = exp.NEQ(this=exp.Paren(this=masked), expression=exp.Literal.number(0))
    return exp.or_(is_null(bits), is_set)
