"""What makes an object of a track request unsound, in Braze's words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

ARRAYS = ("attributes", "events", "purchases")
OBJECT_BYTES = 100 * 1024
LONGEST_ID = 987
_NO_IDENTIFIER = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\"]+\.[^@\s<>()\[\],;:\\\"]+")
_NEEDED = {
    "events": ("name", "time"),
    "purchases": ("product_id", "currency", "price", "time"),
}


def unsound(item: Any, array: str) -> str | None:
    """Return what is wrong with an object, or None."""
    if not isinstance(item, dict):
        return f"'{array}' must be an array of objects"  # words not sourced
    wrong = _identifier(item) or _address(item)
    return wrong if array == "attributes" else wrong or _event(item, array)


def _address(item: Mapping[str, Any]) -> str | None:
    if "email" not in item or _is_email(item["email"], has_other_id=has_id(item)):
        return None
    return "The value provided for the 'email' field is not a valid email."


def _event(item: Mapping[str, Any], array: str) -> str | None:
    """Return what is wrong with an event or a purchase; the words are not sourced."""
    for name in _NEEDED[array]:
        if item.get(name) in (None, ""):
            return f"'{name}' is required"
    if not is_time(item["time"]):
        return "'time' is not a valid time"
    if array == "purchases" and not _is_number(item["price"]):
        return "'price' is not a valid number"
    return None


def too_long(item: Mapping[str, Any]) -> bool:
    """Tell whether an object is larger than one may be."""
    return len(orjson.dumps(item)) > OBJECT_BYTES


def has_id(item: Mapping[str, Any]) -> bool:
    """Tell whether an object names its profile by more than an address."""
    return any(item.get(name) for name in ("external_id", "braze_id", "user_alias"))


def is_time(value: Any) -> bool:
    """Tell whether a value is an instant in ISO 8601."""
    try:
        datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return False
    return True


def _identifier(item: Mapping[str, Any]) -> str | None:
    external = item.get("external_id")
    if external is not None:
        if not isinstance(external, str):
            return "'external_id' must be a string"  # words not sourced
        if len(external.encode()) > LONGEST_ID:
            return "'external_id' must be fewer than 988 bytes"
    if (alias := item.get("user_alias")) is not None and not is_alias(alias):
        return "'user_alias' must have 'alias_name' and 'alias_label'"  # words not sourced
    found = has_id(item) or item.get("email") or item.get("phone")
    return None if found else _NO_IDENTIFIER


def is_alias(value: Any) -> bool:
    """Tell whether a value is an alias: a name and its label."""
    if not isinstance(value, dict):
        return False
    parts = (value.get("alias_name"), value.get("alias_label"))
    return all(isinstance(part, str) and part for part in parts)


def _is_email(value: Any, *, has_other_id: bool) -> bool:
    if value is None:
        return has_other_id
    return isinstance(value, str) and _EMAIL.fullmatch(value.strip()) is not None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
