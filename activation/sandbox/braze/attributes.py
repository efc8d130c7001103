"""The workspace's custom attributes: made by hand, or by the first value that comes."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from activation.errors import UsageError
from activation.sandbox.faults import FaultName, Faults
from activation.sandbox.state import State

ACTIVE, BLOCKED = "Active", "Blocklisted"
TYPES = ("String", "Number", "Boolean", "Time", "Array", "Object", "Object Array")
PAGE = 50
ARRAY_LENGTH, LONGEST_ARRAY = 25, 100
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}([.:]\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)

WORKSPACE = (
    ("churn_band", "String"),
    ("churn_score", "Number"),
    ("days_since_active", "Number"),
    ("last_active_on", "Time"),
    ("monthly_value", "Number"),
    ("reengagement_reason", "String"),
    ("reengagement_stage", "String"),
    ("audiences", "Array"),
)
"""What somebody has made by hand in a new workspace: what the demo's contract writes."""


@dataclass(frozen=True, slots=True)
class CustomAttribute:
    """One custom attribute."""

    name: str
    data_type: str
    status: str = ACTIVE
    array_length: int | None = None
    description: str | None = None
    tag_names: list[str] = field(default_factory=list)

    @property
    def longest(self) -> int:
        """Return how many elements its array holds."""
        return self.array_length or ARRAY_LENGTH

    def document(self) -> dict[str, Any]:
        """Return the attribute as Braze lists it."""
        return {
            "array_length": self.array_length,
            "data_type": self.data_type,
            "description": self.description,
            "name": self.name,
            "status": self.status,
            "tag_names": self.tag_names,
        }


class Attributes:
    """All custom attributes, kept on disk and held in memory."""

    def __init__(self, state: State, faults: Faults) -> None:
        self._state = state
        self._faults = faults
        self._known: dict[str, CustomAttribute] = {}

    def prepare(self) -> None:
        """Make the table, and in a new workspace what is made by hand; read what is there."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS braze_attributes (name TEXT PRIMARY KEY, document TEXT)"
        )
        rows = self._state.rows("SELECT document FROM braze_attributes")
        self._known = {}
        for (document,) in rows:
            found = CustomAttribute(**orjson.loads(document))
            self._known[found.name] = found
        if not rows:
            for name, data_type in WORKSPACE:
                self.declare(name, data_type=data_type)

    def get(self, name: str) -> CustomAttribute | None:
        """Return an attribute, or None if it was never heard of."""
        return self._known.get(name)

    def learn(self, name: str, value: Any) -> CustomAttribute:
        """Make an attribute of the type that its first value has."""
        return self.declare(name, data_type=type_of(value))

    def declare(self, name: str, **changes: Any) -> CustomAttribute:
        """
        Make an attribute, or change one.

        Raises:
            UsageError: the type, the status or the array's length is none.
        """
        known = self._known.get(name) or CustomAttribute(name, "String")
        try:
            made = replace(known, **changes)
        except TypeError:
            raise UsageError(f"A custom attribute has none of {sorted(changes)}.") from None
        if made.data_type not in TYPES:
            raise UsageError(
                f"There is no type {made.data_type!r}.", hint=f"Types: {', '.join(TYPES)}."
            )
        if made.status not in (ACTIVE, BLOCKED):
            raise UsageError(
                f"There is no status {made.status!r}.", hint=f"Known: {ACTIVE}, {BLOCKED}."
            )
        length = made.array_length
        if made.data_type == "Array" and length is None:
            made = replace(made, array_length=ARRAY_LENGTH)
        elif length is not None and not 1 <= length <= LONGEST_ARRAY:
            raise UsageError(f"An array holds 1 to {LONGEST_ARRAY} elements, not {length}.")
        self._known[name] = made
        self._state.connection.execute(
            "INSERT OR REPLACE INTO braze_attributes VALUES (?, ?)",
            (name, orjson.dumps(made.document()).decode()),
        )
        return made

    def page(self, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """Return 50 attributes by name from the cursor on, and the next cursor if there is one."""
        start = _skipped(cursor)
        dropped = self.dropped()
        names = sorted(name for name in self._known if name not in dropped)
        page = [self._known[name].document() for name in names[start : start + PAGE]]
        more = start + PAGE < len(names)
        return page, _cursor(start + PAGE) if more else None

    def dropped(self) -> frozenset[str]:
        """Return the attributes that a fault takes away."""
        standing = self._faults.standing(FaultName.DROP_FIELD)
        return frozenset(str(fault.options["field"]) for fault in standing)


def type_of(value: Any) -> str:
    """Return the type that Braze detects; text that is a date or an instant is a time."""
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int | float):
        return "Number"
    if isinstance(value, list):
        return "Object Array" if value and isinstance(value[0], dict) else "Array"
    if isinstance(value, dict):
        if value.keys() <= {"add", "remove"}:
            return "Array"
        return "Number" if value.keys() == {"inc"} else "Object"
    return "Time" if isinstance(value, str) and _INSTANT.fullmatch(value) else "String"


def _cursor(skip: int) -> str:
    return base64.b64encode(f"skip:{skip}".encode()).decode()


def _skipped(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        text = base64.b64decode(cursor, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return 0
    match = re.fullmatch(r"skip:(\d{1,9})", text)
    return int(match[1]) if match else 0
