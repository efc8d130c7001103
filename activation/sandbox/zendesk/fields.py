"""Custom fields: what each takes, and which tags it gives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

import orjson

from activation.clock import Clock
from activation.errors import UsageError
from activation.sandbox.faults import FaultName, Faults
from activation.sandbox.state import State
from activation.sandbox.zendesk.errors import RowRefused

USER_FIELDS, ORGANIZATION_FIELDS = "user_fields", "organization_fields"
_FIRST_ID = 360_001_266_052
_DAY = re.compile(r"(\d{4}-\d\d-\d\d)(T.*)?")
_DATE_PATTERN = r"\A([0-9]{4})-(1[0-2]|0[1-9])-(3[01]|[12][0-9]|0[1-9])\z"
_TYPES = (
    "checkbox", "currency", "date", "decimal", "dropdown", "integer", "lookup", "multiselect",
    "regexp", "text", "textarea",
)  # fmt: skip

Document = dict[str, Any]


def _field(key: str, kind: str, title: str = "", **more: Any) -> Document:
    return {"key": key, "type": kind, "title": title or key.replace("_", " ").title(), **more}


def _plan() -> list[Document]:
    return [
        _field("plan", "dropdown", options=["starter", "team", "business"]),
        _field("health", "dropdown", options=["good", "fair", "poor"]),
        _field("health_score", "decimal"),
    ]


# The first eight are those of the account whose traffic was recorded.
_DEFAULTS: Mapping[str, list[Document]] = {
    USER_FIELDS: [
        _field("text_field", "text"),
        _field("multiline_field", "textarea"),
        _field("numeric_field", "integer"),
        _field("decimal_field", "decimal"),
        _field("checkbox_field", "checkbox", tag="checkedbox"),
        _field("date_field", "date"),
        _field("regex_field", "regexp", "Regex Field", regexp_for_validation="[a-z]"),
        _field("dropdown_field", "dropdown", options=["apple", "pear", "banana"]),
        *_plan(),
    ],
    ORGANIZATION_FIELDS: [
        *_plan(),
        _field("seats", "integer"),
        _field("monthly_value", "decimal"),
        _field("customers", "integer"),
        _field("renewal_date", "date"),
        _field("at_risk", "checkbox", tag="at_risk"),
    ],
}


class Fields:
    """The account's custom fields, kept on disk."""

    def __init__(self, state: State, clock: Clock, faults: Faults, address: str) -> None:
        self._state = state
        self._clock = clock
        self._faults = faults
        self._address = address
        self._prepare()

    def _prepare(self) -> None:
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS zendesk_fields"
            " (kind TEXT, key TEXT, document TEXT, PRIMARY KEY (kind, key))"
        )
        self._kinds: dict[str, dict[str, Document]] = {USER_FIELDS: {}, ORGANIZATION_FIELDS: {}}
        for kind, document in self._state.rows("SELECT kind, document FROM zendesk_fields"):
            made = orjson.loads(document)
            self._kinds[kind][made["key"]] = made
        if not any(self._kinds.values()):
            for kind, fields in _DEFAULTS.items():
                for field in fields:
                    self.add(kind, field)

    def of(self, kind: str) -> dict[str, Document]:
        """Return the fields of users or organizations by key, without those that are dropped."""
        dropped = {
            str(fault.options["field"]).rpartition(".")[2]
            for fault in self._faults.standing(FaultName.DROP_FIELD)
            if fault.options["object"] == kind.replace("_fields", "s")
        }
        if not dropped:
            return self._kinds[kind]
        return {key: field for key, field in self._kinds[kind].items() if key not in dropped}

    def add(self, kind: str, given: Mapping[str, Any]) -> Document:
        """
        Add a field, or replace the one of that key.

        Raises:
            UsageError: the key or the type is none.
        """
        key, type_ = given.get("key"), given.get("type")
        if not isinstance(key, str) or not re.fullmatch(r"\w+", key) or type_ not in _TYPES:
            hint = f"Give a key and one of the types {', '.join(_TYPES)}."
            raise UsageError(f"A field {key!r} of type {type_!r} cannot be.", hint=hint)
        before = self._kinds[kind].get(key)
        place = len(self._kinds[kind]) if before is None else before["position"]
        number = _FIRST_ID + 20 * place + (10_000 if kind == ORGANIZATION_FIELDS else 0)
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        title = str(given.get("title") or key)
        pattern = _DATE_PATTERN if type_ == "date" else given.get("regexp_for_validation")
        made: Document = {
            "url": f"{self._address}/api/v2/{kind}/{number}.json",
            "id": number,
            "type": type_,
            "key": key,
            "title": title,
            "description": "",
            "raw_title": title,
            "raw_description": "",
            "position": place,
            "active": given.get("active", True) is True,
            "system": False,
            "regexp_for_validation": pattern,
            "created_at": now,
            "updated_at": now,
        }
        if type_ == "checkbox":
            made["tag"] = given.get("tag")
        if type_ in ("dropdown", "multiselect"):
            made["custom_field_options"] = [
                {"id": number * 10 + i, "name": name, "raw_name": name, "value": name}
                for i, name in enumerate(map(str, given.get("options") or ()))
            ]
        self._kinds[kind][key] = made
        self._state.connection.execute(
            "INSERT OR REPLACE INTO zendesk_fields VALUES (?, ?, ?)",
            (kind, key, orjson.dumps(made).decode()),
        )
        return made

    def read(self, kind: str, given: object, stored: dict[str, Any]) -> None:
        """
        Take over the values of a record's custom fields; keys that are no field are passed over.

        Raises:
            RowRefused: a value is not one that the field takes.
        """
        if not isinstance(given, dict):
            return
        fields = self.of(kind)
        for key, value in given.items():
            field = fields.get(key)
            if field is None or not field["active"]:
                # General knowledge: unknown keys are no error, and nothing is kept of them.
                continue
            kept = _value(field, value)
            if kept is None:
                stored.pop(key, None)
            else:
                stored[key] = kept

    def shown(self, kind: str, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return the custom fields as a record shows them: all of them, in the order of keys."""
        return {
            key: stored.get(key, False if field["type"] == "checkbox" else None)
            for key, field in sorted(self.of(kind).items())
        }

    def tags(self, kind: str, stored: Mapping[str, Any]) -> list[str]:
        """Return the tags that a record has from its fields."""
        found: list[str] = []
        for key, value in stored.items():
            field = self._kinds[kind].get(key)
            if field is None:
                continue
            if field["type"] == "checkbox" and value is True and field.get("tag"):
                found.append(field["tag"])
            elif field["type"] == "dropdown":
                found.append(value)
            elif field["type"] == "multiselect":
                found += value
        return found

    def reset(self) -> None:
        """Return to the fields that the account began with."""
        self._prepare()


def _value(field: Document, value: Any) -> Any:
    """Return what is kept of a value; None where it is empty."""
    if value is None or value == "":
        return None
    read: Callable[[Document, Any], Any] = _VALUES.get(field["type"], _text)
    return read(field, value)


def _text(field: Document, value: Any) -> str:
    if isinstance(value, dict | list):
        raise _invalid(field)
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _matching(field: Document, value: Any) -> str:
    text = _text(field, value)
    if re.search(str(field["regexp_for_validation"]), text) is None:
        raise _invalid(field)
    return text


def _ticked(_field: Document, value: Any) -> bool | None:
    return True if value in (True, "true", 1, "1", "yes") else None


def _decimal(field: Document, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _invalid(field)
    try:
        return float(value)
    except ValueError:
        raise _invalid(field) from None


def _integer(field: Document, value: Any) -> int:
    number = _decimal(field, value)
    if not number.is_integer():
        raise _invalid(field)
    return int(value) if isinstance(value, int | str) and str(value).isdecimal() else int(number)


def _day(field: Document, value: Any) -> str:
    """Return midnight of the day, as recorded: the time of day is dropped."""
    match = _DAY.fullmatch(value) if isinstance(value, str) else None
    try:
        day = date.fromisoformat(match[1]) if match else None
    except ValueError:
        day = None
    if day is None:
        raise _invalid(field)
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()


def _option(field: Document, value: Any) -> str:
    """Return the option; it is written by its value, not by its name."""
    if value not in [option["value"] for option in field["custom_field_options"]]:
        raise _invalid(field)
    return str(value)


def _invalid(field: Document) -> RowRefused:
    # General knowledge.
    return RowRefused(field["key"], f"{field['title']}: is not valid")


def _options(field: Document, value: Any) -> list[str]:
    return [_option(field, one) for one in (value if isinstance(value, list) else [value])]


_VALUES: Mapping[str, Callable[[Document, Any], Any]] = {
    "checkbox": _ticked,
    "currency": _decimal,
    "date": _day,
    "decimal": _decimal,
    "dropdown": _option,
    "integer": _integer,
    "multiselect": _options,
    "regexp": _matching,
}
