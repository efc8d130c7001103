"""The result of a row that an answer does not vouch for: it may have been written, or not."""

from __future__ import annotations

from activation.destinations.base import Fate, RowError, RowResult
from activation.destinations.transport_errors import GARBLED
from activation.errors import Applied


def unvouched(text: str, *, code: str = GARBLED) -> RowResult:
    """Return what is to be said of a row whose fate the vendor does not tell."""
    return RowResult(error=RowError(code, text, Fate.RETRYABLE, applied=Applied.UNKNOWN))
