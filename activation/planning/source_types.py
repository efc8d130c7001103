"""Types of source columns: which can be sent as what, and which hold less than others."""

from __future__ import annotations

from enum import StrEnum

from sqlglot import exp

from activation.contract.model import FieldKind


class Family(StrEnum):
    """What kind of values a column holds, in whatever size."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    TIMESTAMP = "timestamp"
    OTHER = "other"


_NUMBERS = frozenset({Family.INTEGER, Family.DECIMAL, Family.FLOAT})
_MOMENTS = frozenset({Family.DATE, Family.TIMESTAMP})
_SENT_AS = {
    FieldKind.TEXT: frozenset(Family),
    FieldKind.INTEGER: _NUMBERS | {Family.TEXT, Family.BOOLEAN},
    FieldKind.DECIMAL: _NUMBERS | {Family.TEXT, Family.BOOLEAN},
    FieldKind.BOOLEAN: _NUMBERS | {Family.TEXT, Family.BOOLEAN},
    FieldKind.DATE: _MOMENTS | {Family.TEXT},
    FieldKind.TIMESTAMP: _MOMENTS | {Family.TEXT},
}
"""What can be cast at all; a value that does not fit is held by itself."""
_WIDER = {
    Family.INTEGER: frozenset({Family.DECIMAL}),
    Family.DATE: frozenset({Family.TIMESTAMP}),
}
"""Families that hold all that another does."""
_FAMILIES = (
    (exp.DataType.TEXT_TYPES, Family.TEXT),
    (exp.DataType.INTEGER_TYPES, Family.INTEGER),
    (exp.DataType.FLOAT_TYPES, Family.FLOAT),
    ({exp.DataType.Type.DECIMAL, exp.DataType.Type.BIGDECIMAL}, Family.DECIMAL),
    ({exp.DataType.Type.BOOLEAN}, Family.BOOLEAN),
    ({exp.DataType.Type.DATE, exp.DataType.Type.DATE32}, Family.DATE),
    (exp.DataType.TEMPORAL_TYPES, Family.TIMESTAMP),
)


def can_be_sent(column_type: str, kind: FieldKind) -> bool:
    """Tell whether values of a column, of a type of any dialect, can be sent as that kind."""
    return family(exp.DataType.build(column_type)) in _SENT_AS[kind]


def narrows(before: str, after: str, *, exactly: bool = False) -> bool:
    """
    Tell whether a column of the second type can lose what one of the first type held.

    With `exactly`, another family counts at once: a key that is written otherwise is another key.
    """
    old, new = exp.DataType.build(before), exp.DataType.build(after)
    was, is_now = family(old), family(new)
    if was is not is_now:
        return exactly or is_now not in _WIDER.get(was, frozenset())
    if was is Family.OTHER:
        return before != after
    if was is Family.DECIMAL:
        return _digits(new) < _digits(old) or _scale(new) < _scale(old)
    return was is Family.TEXT and 0 < _size(new) < (_size(old) or _size(new) + 1)


def family(kind: exp.DataType) -> Family:
    """Return what kind of values a type holds."""
    return next((found for types, found in _FAMILIES if kind.is_type(*types)), Family.OTHER)


def _sizes(kind: exp.DataType) -> list[int]:
    return [int(size.name) for size in kind.expressions if size.name.isdigit()]


def _size(kind: exp.DataType) -> int:
    """Return the length of a text, 0 if it has none."""
    return (_sizes(kind) or [0])[0]


def _scale(kind: exp.DataType) -> int:
    return ([*_sizes(kind), 0, 0])[1]


def _digits(kind: exp.DataType) -> int:
    """Return the digits before the point."""
    return _size(kind) - _scale(kind)
