"""Columns into JSON or CSV and back, by the kind of their field; the same for every vendor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from activation.contract.model import FieldKind, FieldMapping

_DIGITS = Context(prec=76, rounding=ROUND_HALF_EVEN)


def json_values(mapping: FieldMapping, column: pa.ChunkedArray) -> list[Any]:
    """
    Return a column's values as JSON takes them; null is None.

    Decimals keep their very digits, dates are 2026-09-01 and instants 2026-09-01T10:00:00.000Z.
    """
    return _JSON[mapping.type.kind](mapping, column)


def arrow_values(mapping: FieldMapping, values: Sequence[Any]) -> pa.Array:
    """
    Return what came as JSON as a column of the field's kind.

    Numbers keep their digits: decimals have the contract's decimals and as many digits as Arrow
    has room for, because a person may have written a larger number than the contract allows.
    Raises ValueError, TypeError or ArithmeticError if a value is of another kind.
    """
    match mapping.type.kind:
        case FieldKind.TEXT:
            return text_values(values)
        case FieldKind.BOOLEAN:
            return pa.array(values, pa.bool_())
        case FieldKind.DATE:
            return pa.array(values, pa.string()).cast(pa.date32())
        case FieldKind.TIMESTAMP:
            return pa.array(values, pa.string()).cast(pa.timestamp("us", "UTC"))
        case FieldKind.INTEGER:
            # A vendor may keep whole numbers as doubles: 7 comes as 7.0.
            whole = _rounded(values, 0)
            return pa.array([None if v is None else int(v) for v in whole], pa.int64())
        case FieldKind.DECIMAL:
            scale = mapping.type.scale or 0
            return pa.array(_rounded(values, scale), pa.decimal128(38, scale))


def named_in(rows: pa.Table, field: str) -> pa.Array | None:
    """
    Return, for each row, whether `changed` names the field: null where it names no fields at all.

    None if no row of the table says which fields to write.
    """
    if "changed" not in rows.column_names:
        return None
    lists = rows.column("changed")
    if lists.null_count == rows.num_rows:
        return None
    told = [None if names is None else field in names for names in lists.to_pylist()]
    return pa.array(told, pa.bool_())


def text_values(values: Sequence[Any]) -> pa.Array:
    """Return text; what came as something else is told in JSON."""
    return pa.array(
        [v if v is None or isinstance(v, str) else json.dumps(v, default=str) for v in values],
        pa.string(),
    )


def _rounded(values: Sequence[Any], scale: int) -> list[Decimal | None]:
    step = Decimal(1).scaleb(-scale)
    return [None if v is None else Decimal(v).quantize(step, context=_DIGITS) for v in values]


def text_cells(mapping: FieldMapping, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column's values as they read in JSON or CSV, without quotes; null is null."""
    match mapping.type.kind:
        case FieldKind.TEXT:
            return column.cast(pa.string())
        case FieldKind.INTEGER:
            return column.cast(pa.int64()).cast(pa.string())
        case FieldKind.BOOLEAN:
            return column.cast(pa.bool_()).cast(pa.string())
        case FieldKind.DECIMAL:
            return _decimals(mapping, column)
        case FieldKind.DATE:
            return column.cast(pa.date32()).cast(pa.string())
        case FieldKind.TIMESTAMP:
            return _timestamps(column)


def _decimals(mapping: FieldMapping, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the very digits of decimals; a float could change them."""
    if not pa.types.is_decimal(column.type):
        column = column.cast(pa.decimal128(38, mapping.type.scale or 0))
    text = column.cast(pa.string())
    if not pc.any(pc.match_substring(text, "E")).as_py():
        return text
    # 0.0000001 for Arrow's 1E-7
    plain = [None if t is None else format(Decimal(t), "f") for t in text.to_pylist()]
    return pa.chunked_array([pa.array(plain, pa.string())])


def _timestamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return 2026-09-01T10:00:00.000Z; a column without a time zone is in UTC."""
    instants = pc.floor_temporal(column.cast(pa.timestamp("us")), unit="millisecond")
    # Arrow's own text, 2026-09-01 10:00:00.000, comes seven times as fast as strftime's.
    text = instants.cast(pa.timestamp("ms")).cast(pa.string())
    iso = pc.binary_replace_slice(text, start=10, stop=11, replacement="T")
    return pc.binary_join_element_wise(iso, "Z", "")


def _texts(mapping: FieldMapping, column: pa.ChunkedArray) -> list[Any]:
    return _python(text_cells(mapping, column))


def _integers(_mapping: FieldMapping, column: pa.ChunkedArray) -> list[Any]:
    return _python(column.cast(pa.int64()))


def _booleans(_mapping: FieldMapping, column: pa.ChunkedArray) -> list[Any]:
    return _python(column.cast(pa.bool_()))


def _numbers(mapping: FieldMapping, column: pa.ChunkedArray) -> list[Any]:
    """Return JSON numbers with the very digits of the decimals."""
    digits = _texts(mapping, column)
    return [None if text is None else orjson.Fragment(text) for text in digits]


def _python(column: pa.ChunkedArray) -> list[Any]:
    values: list[Any] = column.to_pylist()
    return values


_JSON = {
    FieldKind.TEXT: _texts,
    FieldKind.INTEGER: _integers,
    FieldKind.DECIMAL: _numbers,
    FieldKind.BOOLEAN: _booleans,
    FieldKind.DATE: _texts,
    FieldKind.TIMESTAMP: _texts,
}
