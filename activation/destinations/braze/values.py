"""Values out of profiles, whose attributes can hold anything, as their field's kind or none."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from activation.contract.model import FieldKind


def fitting(kind: FieldKind, value: Any) -> Any:
    """Return a JSON value that a column of the kind takes; None for one that it does not."""
    match kind:
        case FieldKind.TEXT:
            return value
        case FieldKind.BOOLEAN:
            return value if isinstance(value, bool) else None
        case FieldKind.INTEGER | FieldKind.DECIMAL:
            is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
            return value if is_number else None
        case FieldKind.DATE:
            return _date(value)
        case FieldKind.TIMESTAMP:
            return _instant(value)


def _date(value: Any) -> str | None:
    """Return the date of 1980-12-21, which an export tells as 1980-12-21T00:00:00.000Z."""
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except (ValueError, TypeError):
        return None


def _instant(value: Any) -> str | None:
    """Return an instant in UTC; one without a zone is in UTC there."""
    try:
        moment = datetime.fromisoformat(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, TypeError, OverflowError):
        return None
