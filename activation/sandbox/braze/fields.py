"""The documented fields of a profile, and what becomes of a value that is sent for one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from activation.sandbox.braze.countries import COUNTRIES
from activation.sandbox.braze.profiles import told

KEPT = object()
"""The field stays as it is: the value is not one that Braze takes."""
LONGEST_TEXT = 255
STATES = ("opted_in", "subscribed", "unsubscribed")
_GENDERS = ("M", "F", "O", "N", "P")


def instant(value: Any) -> str | None:
    """Return an instant as it is kept; a date is midnight UTC."""
    try:
        moment = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return told(aware.timestamp())


def _text(value: Any) -> Any:
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else KEPT


def _email(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else KEPT


def _date(value: Any) -> Any:
    """Return a date as an export tells it, at midnight UTC."""
    try:
        return f"{date.fromisoformat(str(value)[:10]).isoformat()}T00:00:00.000Z"
    except ValueError:
        return KEPT


def _instant(value: Any) -> Any:
    return instant(value) or KEPT


def _country(value: Any) -> Any:
    """Return the code, or None: one that is none is stored as null."""
    return value if str(value).upper() in COUNTRIES else None


def _language(value: Any) -> Any:
    return value if isinstance(value, str) and re.fullmatch(r"[A-Za-z]{2}", value) else None


def _gender(value: Any) -> Any:
    return value if value in _GENDERS else None


def _zone(value: Any) -> Any:
    try:
        ZoneInfo(value)
    except (ValueError, TypeError, OSError, LookupError):
        return KEPT
    return value


def _state(value: Any) -> Any:
    return value if value in STATES else KEPT


FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "country": _country,
    "date_of_first_session": _instant,
    "date_of_last_session": _instant,
    "dob": _date,
    "email": _email,
    "email_subscribe": _state,
    "first_name": _text,
    "gender": _gender,
    "home_city": _text,
    "image_url": _text,
    "language": _language,
    "last_name": _text,
    "marked_email_as_spam_at": _instant,
    "phone": _text,
    "push_subscribe": _state,
    "time_zone": _zone,
}
"""By name: what is kept of a value that is not null; null empties the field."""
