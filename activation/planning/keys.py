r"""
The sync key, its hash and its cohort, in SQL and in Python alike.

The key is made of the grain columns as text, without spaces at both ends, joined with `|`.
With more than one column, `\` and `|` inside a part are escaped with `\`, so that no two
different grains make the same key.
A row with a null or empty part has no key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from sqlglot import exp

from activation.warehouse.functions import Functions
from activation.warehouse.sql import bound, joined, text

_INTEGERS = (*exp.DataType.INTEGER_TYPES,)


def sync_key(parts: Sequence[tuple[exp.Expr, str]], dialect: str) -> exp.Expr:
    """Return the key as SQL, from each grain column and its type."""
    found = [_part(value, kind, dialect) for value, kind in parts]
    if len(found) == 1:
        return found[0]
    spaced: list[exp.Expr] = [_escaped(found[0])]
    for part in found[1:]:
        spaced += [exp.Literal.string("|"), _escaped(part)]
    return joined(spaced)


def compose_key(parts: Iterable[object]) -> str | None:
    """Return the key of these grain values, as the warehouse makes it."""
    found = ["" if part is None else str(part).strip(" ") for part in parts]
    if not all(found):
        return None
    if len(found) == 1:
        return found[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in found)


def key_hash(sync: str, key: str) -> str:
    """Return the SHA-256, in hex, by which the ledger and reports name a key."""
    return hashlib.sha256(f"{sync}|{key}".encode()).hexdigest()


def key_hash_sql(functions: Functions, key: exp.Expr) -> exp.Expr:
    """Return the same in SQL; `sync` is bound."""
    return functions.sha256(joined([bound("sync"), exp.Literal.string("|"), key]))


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


def _part(value: exp.Expr, kind: str, dialect: str) -> exp.Expr:
    # A whole number is never empty and has no spaces; trimming it would cost a third of the scan.
    if exp.DataType.build(kind, dialect=dialect).is_type(*_INTEGERS):
        return text(value)
    trimmed = exp.Trim(this=text(value))
    return exp.Nullif(this=trimmed, expression=exp.Literal.string(""))


def _escaped(part: exp.Expr) -> exp.Expr:
    for character in ("\\", "|"):
        part = exp.func(
            "REPLACE",
            part,
            exp.Literal.string(character),
            exp.Literal.string(f"\\{character}"),
        )
    return part
