"""Hashing and masking of values in the warehouse, before a row is read from it."""

from __future__ import annotations

from sqlglot import exp

from activation.contract.protection import Keeping, Protecting, Protection, Tidying
from activation.warehouse.functions import Functions
from activation.warehouse.sql import joined

_STARS = "***"
_TOLD = 4
_LONG_ENOUGH = 8
"""Characters from which on the last four are told: of fewer they would be most of the value."""


def protected(functions: Functions, protection: Protection, value: exp.Expr) -> exp.Expr:
    """Return what leaves of a text, as SQL; an empty one stays empty."""
    if protection.do is Protecting.HASH:
        # In one order, however the contract lists them: equal people have equal hashes.
        for tidying in Tidying:
            if tidying in protection.tidy:
                value = _tidied(functions, tidying, value)
        return functions.sha256(_none_if_empty(value))
    bare = _none_if_empty(functions.trimmed(value))
    return _masked(protection.keep or Keeping.NOTHING, bare)


def _tidied(functions: Functions, tidying: Tidying, value: exp.Expr) -> exp.Expr:
    match tidying:
        case Tidying.TRIM:
            return functions.trimmed(value)
        case Tidying.LOWER:
            return exp.Lower(this=value)
        case Tidying.DIGITS:
            return functions.digits(value)


def _masked(keep: Keeping, value: exp.Expr) -> exp.Expr:
    stars: exp.Expr = exp.Literal.string(_STARS)
    first = exp.Left(this=value.copy(), expression=exp.Literal.number(1))
    at = exp.StrPosition(this=value.copy(), substr=exp.Literal.string("@"))
    # A mask shows that there is a value, but not how long it is.
    case = exp.case().when(exp.Is(this=value.copy(), expression=exp.Null()), exp.null())
    if keep is Keeping.FIRST_LETTER:
        return case.else_(joined([first, stars]))
    if keep is Keeping.LAST_4:
        last = exp.Right(this=value.copy(), expression=exp.Literal.number(_TOLD))
        long_enough = exp.GTE(
            this=exp.Length(this=value.copy()), expression=exp.Literal.number(_LONG_ENOUGH)
        )
        return case.when(long_enough, joined([stars, last])).else_(stars.copy())
    if keep is Keeping.DOMAIN:
        domain = exp.Substring(this=value.copy(), start=at.copy())
        is_address = exp.GT(this=at, expression=exp.Literal.number(1))
        return case.when(is_address, joined([first, stars, domain])).else_(stars.copy())
    return case.else_(stars)


def _none_if_empty(value: exp.Expr) -> exp.Expr:
    return exp.Nullif(this=value, expression=exp.Literal.string(""))
