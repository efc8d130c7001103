"""Shares of rows, counted exactly."""

from __future__ import annotations

from decimal import Decimal

_WHOLE = 100


def allowed(limit: float, rows: int) -> int:
    """
    Return how many of these rows a share allows, rounded down.

    Counted in decimals: as floats, 29 % of 100 rows would be 28.
    """
    return int(Decimal(repr(limit)) * rows)


def percent(part: int, whole: int) -> str:
    """Return the share as people read it, such as `42 %`; `whole` is not 0."""
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= _WHOLE else f"{share:.3g} %"


def limit_percent(limit: float) -> str:
    """Return a limit as the contract writes it, such as `0.1 %`."""
    return f"{(Decimal(repr(limit)) * 100).normalize():f} %"
