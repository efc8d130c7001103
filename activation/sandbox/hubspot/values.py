"""Values of properties: what HubSpot takes, and what it makes of it. Everything is kept as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from activation.sandbox.hubspot.errors import Invalid

Normalise: TypeAlias = Callable[[Any], "str | Invalid"]
"""A value as it is kept; empty text clears the property."""

LONGEST_TEXT = 65_536
_EMAIL = re.compile(
    r"[^\s@<>(),;:\\\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}"
)
_DAY = 86_400_000
_MILLIS_DIGITS = 3


def stamp(moment: datetime) -> str:
    """Return a moment as HubSpot writes it, in milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_text(value: object) -> str:
    """Return a JSON value as the text that it is kept as."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def normaliser(document: dict[str, Any]) -> Normalise:
    """Return what checks the values of a property and brings them into form."""
    name, kind = document["name"], document["type"]
    if name == "email":
        return _email
    if kind == "enumeration" and document["options"]:
        return _options(document)
    return _OF_KIND.get(kind, _text)(name)


def _text(name: str) -> Normalise:
    def normalise(value: object) -> str | Invalid:
        text = value if type(value) is str else as_text(value)
        if len(text) > LONGEST_TEXT:
            # The limit is from general knowledge, and so is the text.
            message = f"Value is too long. The maximum length is {LONGEST_TEXT} characters"
            return Invalid("INVALID_LENGTH", name, message)
        return text

    return normalise


def _email(value: object) -> str | Invalid:
    text = as_text(value).strip().lower()
    if text and _EMAIL.fullmatch(text) is None:
        return Invalid("INVALID_EMAIL", "email", f"Email address {text} is invalid")
    return text


def _options(document: dict[str, Any]) -> Normalise:
    name = document["name"]
    allowed = [entry["value"] for entry in document["options"]]
    known = frozenset(allowed)
    several = document["fieldType"] == "checkbox"

    def normalise(value: object) -> str | Invalid:
        text = as_text(value)
        wanted = [part for part in text.split(";") if part] if several else [text]
        for one in wanted:
            if one and one not in known:
                listed = ", ".join(allowed)
                message = f"{one} was not one of the allowed options: [{listed}]"
                return Invalid("INVALID_OPTION", name, message)
        return ";".join(wanted)

    return normalise


def _bool(name: str) -> Normalise:
    def normalise(value: object) -> str | Invalid:
        text = as_text(value).lower()
        if text in ("true", "false", ""):
            return text
        message = f"{as_text(value)} was not one of the allowed options: [true, false]"
        return Invalid("INVALID_OPTION", name, message)

    return normalise


def _number(name: str) -> Normalise:
    def normalise(value: object) -> str | Invalid:
        if type(value) is int:
            return str(value)
        text = as_text(value).strip()
        if not text:
            return ""
        try:
            number = Decimal(text)
        except InvalidOperation:
            return Invalid("INVALID_LONG", name, f"{text} was not a valid long.")
        if not number.is_finite():
            return Invalid("INVALID_LONG", name, f"{text} was not a valid long.")
        return text if "E" not in text.upper() else format(number, "f")

    return normalise


def _date(name: str) -> Normalise:
    def normalise(value: object) -> str | Invalid:
        text = as_text(value).strip()
        if not text:
            return ""
        moment = _moment(text)
        if moment is None:
            return Invalid("INVALID_DATE", name, f"{text} was not a valid date.")
        if int(moment.timestamp() * 1000) % _DAY:
            at = moment.strftime("%H:%M:%S.%f")[:-_MILLIS_DIGITS]
            return Invalid("INVALID_DATE", name, f"{text} is at {at} UTC, not midnight!")
        return moment.date().isoformat()

    return normalise


def _datetime(name: str) -> Normalise:
    def normalise(value: object) -> str | Invalid:
        text = as_text(value).strip()
        if not text:
            return ""
        moment = _moment(text)
        if moment is None:
            return Invalid("INVALID_LONG", name, f"{text} was not a valid long.")
        return stamp(moment)

    return normalise


_OF_KIND: dict[str, Callable[[str], Normalise]] = {
    "bool": _bool,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
}


def _moment(text: str) -> datetime | None:
    """Read milliseconds since the epoch, a calendar date, or a moment with its offset."""
    try:
        if text.lstrip("-").isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if "T" not in text:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
