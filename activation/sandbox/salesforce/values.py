"""
Values as Salesforce stores them: checked against the field and brought into its form.

A value of the wrong JSON type refuses the whole call; any other fault refuses its row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TypeAlias

from activation.sandbox.salesforce.errors import RowRefused, undeserializable
from activation.sandbox.salesforce.fields import NUMBERS, Document
from activation.sandbox.salesforce.ids import parse_id

Stored: TypeAlias = str | int | float | None
Normalise: TypeAlias = Callable[[object], Stored]

# Java's String.trim: everything up to the space character.
_WHITE = "".join(map(chr, range(0x21)))
_EMAIL = re.compile(
    r"[^\s@<>(),;:\\\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}"
)
_DATETIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INT_LIMIT = 2**31
_SECONDS_END = len("2026-09-01T10:00:00")


def stamp(moment: datetime) -> str:
    """Return a moment as Salesforce writes it; fractions of a second are dropped."""
    return moment.astimezone(UTC).isoformat()[:_SECONDS_END] + ".000+0000"


def parse_datetime(text: str) -> str | None:
    """Return a date and time with its offset in Salesforce's form, or None if it is none."""
    if _DATETIME.fullmatch(text) is None:
        return None
    try:
        return stamp(datetime.fromisoformat(text))
    except ValueError:
        return None


def parse_date(text: str) -> str | None:
    """Return a calendar date, or None if the text is none."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def _text(document: Document) -> Normalise:
    name, label, length = document["name"], document["label"], document["length"]

    def normalise(value: object) -> Stored:
        if type(value) is not str:
            if value is None:
                return None
            if isinstance(value, dict | list):
                raise undeserializable("string", "START_OBJECT")
            value = str(value).lower() if isinstance(value, bool) else str(value)
        trimmed = value.strip(_WHITE)
        if len(trimmed) > length:
            raise RowRefused(
                "STRING_TOO_LONG",
                f"{label}: data value too large: {trimmed} (max length={length})",
                [name],
            )
        return trimmed or None

    return normalise


def _email(document: Document) -> Normalise:
    plain = _text(document)
    name, label = document["name"], document["label"]

    def normalise(value: object) -> Stored:
        text = plain(value)
        if text is None:
            return None
        text = str(text)
        if _EMAIL.fullmatch(text) is None:
            raise RowRefused(
                "INVALID_EMAIL_ADDRESS", f"{label}: invalid email address: {text}", [name]
            )
        return text.lower()

    return normalise


def _restricted(document: Document) -> Normalise:
    plain = _text(document)
    name, label = document["name"], document["label"]
    allowed = {entry["value"] for entry in document["picklistValues"] if entry["active"]}

    def normalise(value: object) -> Stored:
        text = plain(value)
        if text is not None and text not in allowed:
            raise RowRefused(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{label}: bad value for restricted picklist field: {text}",
                [name],
            )
        return text

    return normalise


def _number(document: Document) -> Normalise:
    name, label, scale = document["name"], document["label"], document["scale"]
    limit = 10.0 ** (document["precision"] - scale)
    unit = Decimal(1).scaleb(-scale)

    def normalise(value: object) -> Stored:
        if value is None or value == "":
            return None
        # Most values already have no more decimals than the field.
        if type(value) is float and -limit < value < limit and round(value, scale) == value:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise undeserializable("double", value)
        try:
            exact = Decimal(str(value).strip(_WHITE))
        except InvalidOperation:
            raise undeserializable("double", value) from None
        if not exact.is_finite():
            raise undeserializable("double", value)
        if abs(exact) < limit:
            rounded = float(exact.quantize(unit, rounding=ROUND_HALF_UP))
            if abs(rounded) < limit:
                return rounded
        raise RowRefused(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{label}: value outside of valid range on numeric field: {value}",
            [name],
        )

    return normalise


def _integer(document: Document) -> Normalise:
    name, label = document["name"], document["label"]

    def normalise(value: object) -> Stored:
        if value is None or value == "":
            return None
        try:
            exact = Decimal(str(value).strip(_WHITE))
        except InvalidOperation:
            raise undeserializable("int", value) from None
        if isinstance(value, bool) or not exact.is_finite() or exact != exact.to_integral_value():
            raise undeserializable("int", value)
        if abs(exact) >= _INT_LIMIT:
            raise RowRefused(
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"{label}: value outside of valid range on numeric field: {value}",
                [name],
            )
        return int(exact)

    return normalise


def _boolean(value: object) -> Stored:
    if isinstance(value, bool):
        return int(value)
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    raise undeserializable("boolean", value)


def _moment(parse: Callable[[str], str | None], kind: str) -> Normalise:
    def normalise(value: object) -> Stored:
        if value is None or value == "":
            return None
        parsed = parse(value) if isinstance(value, str) else None
        if parsed is None:
            raise undeserializable(kind, value)
        return parsed

    return normalise


def _reference(document: Document) -> Normalise:
    name, label = document["name"], document["label"]

    def normalise(value: object) -> Stored:
        if value is None or value == "":
            return None
        known = parse_id(value)
        if known is None:
            raise RowRefused(
                "MALFORMED_ID", f"{label}: id value of incorrect type: {value}", [name]
            )
        return known

    return normalise


_OF_TYPE: dict[str, Callable[[Document], Normalise]] = {
    **dict.fromkeys(NUMBERS, _number),
    "int": _integer,
    "boolean": lambda _: _boolean,
    "datetime": lambda _: _moment(parse_datetime, "datetime"),
    "date": lambda _: _moment(parse_date, "date"),
    "reference": _reference,
    "email": _email,
    # Nobody writes one, whatever the value; its parts are written.
    "address": lambda _: lambda _value: None,
}


def normaliser(document: Document) -> Normalise:
    """Return what checks the values of a field and brings them into form."""
    if document["type"] == "picklist" and document["restrictedPicklist"]:
        return _restricted(document)
    return _OF_TYPE.get(document["type"], _text)(document)
