r"""
The sync key and its cohort in SQL; `contract.keys` has the same in Python.

The key is made of the grain columns as text, without spaces at both ends, joined with `|`.
With more than one column, `\` and `|` inside a part are escaped with `\`, so that no two
different grains make the same key.
A row with a null or empty part has no key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlglot import exp

from activation.warehouse.functions import Functions
from activation.warehouse.sql import bound, either, joined, text

_BACKSLASH, _BAR = "\x01", "\x02"
"""Stand for what was escaped while a key is taken apart; no key that a person made has them."""
_VISIBLE = "!"
"""The first character that is neither white space nor a control character."""
_INTEGERS = (*exp.DataType.INTEGER_TYPES,)


def sync_key(parts: Sequence[tuple[exp.Expr, str]], dialect: str, *, tidy: bool) -> exp.Expr:
    """
    Return the key as SQL, from each grain column and its type.

    With `tidy`, no part is known to be empty or to have spaces at an end.
    """
    found = [
        text(value) if tidy or _is_whole(kind, dialect) else _trimmed(value)
        for value, kind in parts
    ]
    if len(found) == 1:
        return found[0]
    spaced: list[exp.Expr] = [_escaped(found[0])]
    for part in found[1:]:
        spaced += [exp.Literal.string("|"), _escaped(part)]
    return joined(spaced)


def part_of(key: exp.Expr, place: int, parts: int) -> exp.Expr:
    """Return one part of a key of so many parts, as SQL: what `sync_key` made the key of."""
    if parts == 1:
        return key
    for escaped, stand_in in (("\\\\", _BACKSLASH), ("\\|", _BAR)):
        key = exp.func("REPLACE", key, exp.Literal.string(escaped), exp.Literal.string(stand_in))
    part: exp.Expr = exp.SplitPart(
        this=key, delimiter=exp.Literal.string("|"), part_index=exp.Literal.number(place + 1)
    )
    for stand_in, meant in ((_BACKSLASH, "\\"), (_BAR, "|")):
        part = exp.func("REPLACE", part, exp.Literal.string(stand_in), exp.Literal.string(meant))
    return part


def cohort_of(salt: str, match_key: str) -> float:
    """Return where in [0, 1) a key stands; it belongs to every phase with a larger share."""
    digest = hashlib.md5(f"{salt}:{match_key}".encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def cohort_sql(functions: Functions, match_key: exp.Expr) -> exp.Expr:
    """Return the same in SQL; `salt` is bound."""
    return functions.unit(joined([bound("salt"), exp.Literal.string(":"), match_key]))


def matching(key: exp.Expr, *, case_sensitive: bool) -> exp.Expr:
    """Return the key as the destination tells keys apart."""
    return key if case_sensitive else exp.Lower(this=key)


def untidy(parts: Sequence[tuple[exp.Expr, str]], dialect: str) -> exp.Expr:
    """
    Return whether a part is empty or has white space at an end, as SQL.

    Every white space sorts before the first character that is seen.  Asking costs a third of
    trimming, which would be done for every row twice.
    """
    return either(
        test
        for value, kind in parts
        if not _is_whole(kind, dialect)
        for test in (
            exp.LT(this=text(value), expression=exp.Literal.string(_VISIBLE)),
            exp.LT(
                this=exp.Right(this=text(value.copy()), expression=exp.Literal.number(1)),
                expression=exp.Literal.string(_VISIBLE),
            ),
        )
    )


def _is_whole(kind: str, dialect: str) -> bool:
    """Return whether the type is a whole number, which is never empty and has no spaces."""
    return exp.DataType.build(kind, dialect=dialect).is_type(*_INTEGERS)


def _trimmed(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=exp.Trim(this=text(value)), expression=exp.Literal.string(""))


def _escaped(part: exp.Expr) -> exp.Expr:
    for character in ("\\", "|"):
        part = exp.func(
            "REPLACE",
            part,
            exp.Literal.string(character),
            exp.Literal.string(f"\\{character}"),
        )
    return part
