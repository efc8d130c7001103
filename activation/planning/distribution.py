"""
What the values of the whole model look like: counts, means and deviations, in one pass.

The numbers are told beside those of `candidates.profile`, so that the model is read no second
time.  A text counts by its length, a personal number is only counted, and a value is never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from typing import Any

from sqlglot import exp

from activation.contract.accepted import Accepted
from activation.contract.model import DataClass, FieldKind
from activation.planning.mapping import PayloadField, SourceMapping
from activation.planning.model import FieldProfile
from activation.warehouse.sql import cast, either, named, text

_DAY = 86_400_000_000
KEY = "key"
"""Stands for the sync key among the fields."""


def statistics(mapping: SourceMapping) -> list[exp.Alias]:
    """Return what is to be selected of the model, whose alias is `s`."""
    found: list[exp.Alias] = []
    for field in mapping.fields:
        value = _measure(mapping, field)
        # Of one row, the mean of a number is the number.
        if field.mapping.data_class is not DataClass.NONE and not _is_text(field):
            value = cast(exp.null(), "double")
            told_of = exp.Count(this=mapping.raw(field.mapping.column, "s"))
        else:
            told_of = exp.Count(this=value.copy())
        squared = exp.Mul(this=exp.Paren(this=value), expression=exp.Paren(this=value.copy()))
        found += [
            named(told_of, f"filled_{field.place}"),
            named(exp.Avg(this=value.copy()), f"mean_{field.place}"),
            named(exp.Avg(this=squared), f"square_{field.place}"),
        ]
        if field.mapping.accepted is not None:
            raw = mapping.raw(field.mapping.column, "s")
            of = field.value(mapping.functions, raw, is_text=mapping.is_text(field.mapping.column))
            outside = _outside(field.mapping.accepted, of)
            found.append(named(_count(outside), f"outside_{field.place}"))
    keys = mapping.contract.source.accepted
    if keys is not None:
        found.append(named(_count(_outside(keys, mapping.key("s"))), "outside_key"))
    return found


def told(mapping: SourceMapping, row: Mapping[str, Any]) -> dict[str, FieldProfile]:
    """Return the profile of each field, of what `statistics` selected."""
    found: dict[str, FieldProfile] = {}
    for field in mapping.fields:
        mean, square = row[f"mean_{field.place}"], row[f"square_{field.place}"]
        found[field.mapping.to] = FieldProfile(
            filled=row[f"filled_{field.place}"],
            mean=mean,
            deviation=None if mean is None else sqrt(max(0.0, square - mean * mean)),
            outside=row.get(f"outside_{field.place}", 0),
        )
    if "outside_key" in row:
        found[KEY] = FieldProfile(row["keyed"], None, None, row["outside_key"])
    return found


def _measure(mapping: SourceMapping, field: PayloadField) -> exp.Expr:
    """Return the number that a value counts by."""
    raw, kind = mapping.raw(field.mapping.column, "s"), field.mapping.type.kind
    if kind is FieldKind.TEXT:
        empty = exp.Nullif(this=exp.Length(this=text(raw)), expression=exp.Literal.number(0))
        return cast(empty, "double")
    as_double = exp.DataType.build("double")
    if kind in {FieldKind.INTEGER, FieldKind.DECIMAL}:
        return exp.TryCast(this=raw, to=as_double)
    typed = exp.TryCast(this=raw, to=exp.DataType.build(field.sql_type))
    if kind is FieldKind.BOOLEAN:
        one, zero = exp.Literal.number("1.0"), exp.Literal.number("0.0")
        return exp.case().when(typed, one).when(exp.not_(typed.copy()), zero)
    moment = exp.TryCast(this=typed, to=exp.DataType.build("timestamp"))
    microseconds = mapping.functions.canonical(FieldKind.TIMESTAMP, moment)
    return exp.Div(this=cast(microseconds, "double"), expression=exp.Literal.number(f"{_DAY}.0"))


def _is_text(field: PayloadField) -> bool:
    return field.mapping.type.kind is FieldKind.TEXT


def _outside(accepted: Accepted, value: exp.Expr) -> exp.Expr:
    return either(_broken(accepted, value))


def _broken(accepted: Accepted, value: exp.Expr) -> Iterator[exp.Expr]:
    if accepted.least is not None:
        yield exp.LT(this=value.copy(), expression=exp.Literal.number(repr(accepted.least)))
    if accepted.most is not None:
        yield exp.GT(this=value.copy(), expression=exp.Literal.number(repr(accepted.most)))
    # Spelled so that it means the same where a search must fit the whole text and where not.
    if accepted.pattern is not None:
        fits = exp.Literal.string(f"^(?:{accepted.pattern})$")
        yield exp.not_(exp.RegexpLike(this=value.copy(), expression=fits))
    if accepted.never is not None:
        holds = exp.Literal.string(f"^.*(?:{accepted.never}).*$")
        yield exp.RegexpLike(this=exp.Lower(this=value.copy()), expression=holds)


def _count(condition: exp.Expr) -> exp.Count:
    return exp.Count(this=exp.case().when(condition, exp.Literal.number(1)))
