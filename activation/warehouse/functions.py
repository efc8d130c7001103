"""What the dialects spell differently, or compute differently, behind one set of names."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from activation.contract.model import FieldKind
from activation.warehouse.sql import cast, text

WHITE_SPACE = " \t\n\r\f\v"
_BIAS = exp.Literal.number(2**63)


class Functions(Protocol):
    """
    The functions that planning and reconciliation need beyond plain SQL.

    `hash64`, `sha256` and `unit` give the same number for the same text in every dialect.
    `fast_hash` need not: it only ever says "surely the same as before".
    """

    dialect: str
    fast_hash_type: str

    def fast_hash(self, *values: exp.Expr) -> exp.Expr:
        """Return a 64-bit hash of the values, where null is a value and places count."""
        ...

    def hash64(self, value: exp.Expr) -> exp.Expr:
        """Return bytes 0-7 of the text's MD5, little-endian, less 2^63: a signed 64-bit number."""
        ...

    def sha256(self, value: exp.Expr) -> exp.Expr:
        """Return the SHA-256 of a text in lower-case hex."""
        ...

    def unit(self, value: exp.Expr) -> exp.Expr:
        """Return the first 32 bits of the text's MD5 over 2^32: a number in [0, 1)."""
        ...

    def bits_differ(self, value: exp.Expr) -> exp.Expr:
        """Return the exclusive or of a whole column of 64-bit numbers."""
        ...

    def canonical(self, kind: FieldKind, value: exp.Expr) -> exp.Expr:
        """Return the value as the text that is hashed; null stays null."""
        ...

    def parsed(self, kind: FieldKind, sql_type: str, value: exp.Expr) -> exp.Expr:
        """Return the value of a canonical text; null where it does not fit the type."""
        ...

    def trimmed(self, value: exp.Expr) -> exp.Expr:
        """Return the text without white space at both ends."""
        ...

    def digits(self, value: exp.Expr) -> exp.Expr:
        """Return the text's decimal digits, and nothing else of it."""
        ...

    def whole_seconds(self, value: exp.Expr) -> exp.Expr:
        """Return the timestamp without fractions of a second."""
        ...

    def words(self, value: exp.Expr) -> exp.Expr:
        """Return the text's words in lower case, sorted, each once, or null if it has none."""
        ...


class DuckDbFunctions:
    """DuckDB's spelling."""

    dialect = "duckdb"
    fast_hash_type = "ubigint"

    def fast_hash(self, *values: exp.Expr) -> exp.Expr:
        """Return `hash()`, ten times as fast as MD5."""
        return exp.Anonymous(this="HASH", expressions=list(values))

    def hash64(self, value: exp.Expr) -> exp.Expr:
        """Return half of the text's MD5 as a signed number."""
        return _signed(exp.Anonymous(this="MD5_NUMBER_LOWER", expressions=[value]))

    def sha256(self, value: exp.Expr) -> exp.Expr:
        """Return the SHA-256 of a text in lower-case hex."""
        return exp.Anonymous(this="SHA256", expressions=[value])

    def unit(self, value: exp.Expr) -> exp.Expr:
        """Return the first 32 bits of the text's MD5 over 2^32."""
        hexed = exp.Anonymous(
            this="SUBSTR",
            expressions=[exp.MD5(this=value), exp.Literal.number(1), exp.Literal.number(8)],
        )
        number = cast(
            exp.DPipe(this=exp.Literal.string("0x"), expression=hexed, safe=True), "bigint"
        )
        return exp.Div(this=cast(number, "double"), expression=exp.Literal.number("4294967296.0"))

    def bits_differ(self, value: exp.Expr) -> exp.Expr:
        """Return `bit_xor()`."""
        return exp.Anonymous(this="BIT_XOR", expressions=[value])

    def canonical(self, kind: FieldKind, value: exp.Expr) -> exp.Expr:
        """Return times in microseconds since 1970 and all else as DuckDB writes it."""
        if kind is FieldKind.TIMESTAMP:
            return text(exp.Anonymous(this="EPOCH_US", expressions=[value]))
        return value if kind is FieldKind.TEXT else text(value)

    def parsed(self, kind: FieldKind, sql_type: str, value: exp.Expr) -> exp.Expr:
        """Return what `canonical` made the text of."""
        if kind is FieldKind.TEXT:
            return value
        if kind is FieldKind.TIMESTAMP:
            micros = exp.TryCast(this=value, to=exp.DataType.build("bigint"))
            return exp.Anonymous(this="MAKE_TIMESTAMP", expressions=[micros])
        return exp.TryCast(this=value, to=exp.DataType.build(sql_type))

    def trimmed(self, value: exp.Expr) -> exp.Expr:
        """Return `trim()` with every white space, not spaces alone."""
        return exp.Trim(this=value, expression=exp.Literal.string(WHITE_SPACE))

    def digits(self, value: exp.Expr) -> exp.Expr:
        """Return `regexp_replace()` with all that is no digit taken out, wherever it stands."""
        found = [value, *map(exp.Literal.string, ("[^0-9]", "", "g"))]
        return exp.Anonymous(this="REGEXP_REPLACE", expressions=found)

    def whole_seconds(self, value: exp.Expr) -> exp.Expr:
        """Return `date_trunc('second', ...)`."""
        return exp.Anonymous(this="DATE_TRUNC", expressions=[exp.Literal.string("second"), value])

    def words(self, value: exp.Expr) -> exp.Expr:
        """Return what stands between white space and commas, as a set in one text."""
        found = exp.Anonymous(
            this="REGEXP_EXTRACT_ALL",
            expressions=[exp.Lower(this=value), exp.Literal.string(rf"[^{WHITE_SPACE},]+")],
        )
        sorted_set = exp.Anonymous(
            this="LIST_SORT", expressions=[exp.Anonymous(this="LIST_DISTINCT", expressions=[found])]
        )
        joined = exp.Anonymous(
            this="ARRAY_TO_STRING", expressions=[sorted_set, exp.Literal.string(" ")]
        )
        return exp.Nullif(this=joined, expression=exp.Literal.string(""))


def _signed(number: exp.Expr) -> exp.Expr:
    """Bring an unsigned 64-bit number into the signed range, keeping all its bits."""
    return cast(exp.Sub(this=cast(number, "int128"), expression=_BIAS.copy()), "bigint")
