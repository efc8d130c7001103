"""What an attributes object does to a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.sandbox.braze.attributes import BLOCKED, Attributes, CustomAttribute, type_of
from activation.sandbox.braze.fields import FIELDS, KEPT, LONGEST_TEXT, instant
from activation.sandbox.braze.profiles import Profile
from activation.sandbox.braze.quirks import LONG_TEXT, TYPE_CLASH
from activation.sandbox.quirks import Quirks

IDENTIFIERS = frozenset({"external_id", "user_alias", "braze_id"})
INSTRUCTIONS = frozenset({"_update_existing_only", "_merge_objects", "push_token_import"})
GROUP_STATES = ("subscribed", "unsubscribed")
_OTHERS = frozenset({"current_location", "facebook", "twitter", "push_tokens"})
_NOT_SET = IDENTIFIERS | INSTRUCTIONS | _OTHERS


class Setting:
    """Writes attributes into profiles."""

    def __init__(self, attributes: Attributes, quirks: Quirks) -> None:
        self._attributes = attributes
        self._quirks = quirks

    def apply(self, profile: Profile, item: Mapping[str, Any]) -> None:
        """Set what the object says; what Braze does not take is left out without a word."""
        objects = [(n, v) for n, v in item.items() if type(v) is dict and n not in IDENTIFIERS]
        # One null or other invalid value in a nested object, and none of them is set.
        torn = objects and not all(_is_whole(v) for _, v in objects if _is_nested(v))
        merges = item.get("_merge_objects") is True
        left_out = self._attributes.dropped()
        for name, value in item.items():
            if name in _NOT_SET or name in left_out:
                continue
            if name == "subscription_groups":
                self._subscribe(profile, value)
            elif (take := FIELDS.get(name)) is not None:
                _put(profile.fields, name, None if value is None else take(value))
            elif not (torn and _is_nested(value)):
                self._custom(profile, name, value, merges=merges)

    def _subscribe(self, profile: Profile, groups: Any) -> None:
        for entry in groups if isinstance(groups, list) else ():
            if isinstance(entry, dict) and entry.get("subscription_state") in GROUP_STATES:
                profile.groups[str(entry.get("subscription_group_id"))] = entry[
                    "subscription_state"
                ]

    def _custom(self, profile: Profile, name: str, value: Any, *, merges: bool) -> None:
        if len(name) > LONGEST_TEXT or name.startswith("$"):
            return
        known = self._attributes.get(name)
        if known is not None and known.status == BLOCKED:
            return
        if value is None:
            profile.custom.pop(name, None)
            return
        known = known or self._attributes.learn(name, value)
        if not self._fits(known, value):
            return
        changed = self._changed(known, profile.custom.get(name), value, merges=merges)
        _put(profile.custom, name, changed)

    def _fits(self, known: CustomAttribute, value: Any) -> bool:
        told_as = type_of(value)
        same = told_as == known.data_type or (known.data_type == "String" and told_as == "Time")
        empty = value == [] and known.data_type in ("Array", "Object Array")
        return same or empty or self._quirks.value(TYPE_CLASH) == "stored"

    def _changed(self, known: CustomAttribute, before: Any, value: Any, *, merges: bool) -> Any:
        if isinstance(value, str):
            return self._text(known, value)
        if isinstance(value, list):
            return _unique(value)[: known.longest]
        if isinstance(value, dict) and value and value.keys() <= {"add", "remove"}:
            return _element_changes(before, value)[: known.longest]
        if isinstance(value, dict) and value.keys() == {"inc"}:
            step = value["inc"]
            return (before if isinstance(before, int | float) else 0) + step
        if isinstance(value, dict) and merges and isinstance(before, dict):
            return _merged(before, value)
        return value

    def _text(self, known: CustomAttribute, value: str) -> Any:
        if known.data_type == "Time":
            return instant(value) or KEPT
        if len(value) <= LONGEST_TEXT:
            return value
        match self._quirks.value(LONG_TEXT):
            case "truncated":
                return value[:LONGEST_TEXT]
            case "stored":
                return value
            case _:
                return KEPT


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        fields.pop(name, None)
    elif value is not KEPT:
        fields[name] = value


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys() <= {"add", "remove", "inc"}


def _is_whole(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_whole(inner) for inner in value.values())
    if isinstance(value, list):
        return all(_is_whole(inner) for inner in value)
    return value is not None


def _merged(before: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(before)
    for name, value in change.items():
        inner = merged.get(name)
        if isinstance(inner, dict) and isinstance(value, dict):
            merged[name] = _merged(inner, value)
        else:
            merged[name] = value
    return merged


def _unique(values: list[Any]) -> list[Any]:
    """Return the values once each, at the place of the last."""
    found: list[Any] = []
    for value in values:
        if value in found:
            found.remove(value)
        found.append(value)
    return found


def _element_changes(before: Any, change: Mapping[str, Any]) -> list[Any]:
    found = list(before) if isinstance(before, list) else []
    added = change.get("add")
    removed = change.get("remove")
    found = _unique([*found, *(added if isinstance(added, list) else ())])
    gone = removed if isinstance(removed, list) else ()
    return [value for value in found if value not in gone]
