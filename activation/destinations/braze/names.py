"""
Names of objects and attributes, as contracts write them.

    users                      profiles, by external_id
    events/<name>              custom events of that name
    subscription_groups/<id>   who is in the group

A field of `users` is a profile field (`first_name`), a custom attribute (`plan`), or one element
of an array attribute (`audiences[winback]`), which is true where the array holds the element.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from activation.contract.model import FieldKind
from activation.destinations.base import Target
from activation.errors import ConfigurationError

KEY = "external_id"
EVENT_TIME = "time"
STATE = "subscription_state"

_LONGEST = 255  # characters of an attribute's or an event's name
_ELEMENT = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_GROUP_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_ATTRIBUTES = frozenset(
    {"external_id", "user_alias", "braze_id", "_update_existing_only", "_merge_objects"}
    | {"push_token_import", "push_tokens", "subscription_groups", "app_id"}
)


class Kind(StrEnum):
    """What an object's name says that it is."""

    USERS = "users"
    EVENTS = "events"
    GROUP = "subscription_groups"


@dataclass(frozen=True, slots=True)
class Named:
    """An object: what it is, and which event or group."""

    kind: Kind
    name: str = ""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A field of a profile, or one element of an array."""

    name: str
    element: str | None = None


def read_object(name: str) -> Named:
    """Return what an object is; raise ConfigurationError if Braze has none like it."""
    kind, _, rest = name.partition("/")
    if kind == Kind.USERS and name == kind:
        return Named(Kind.USERS)
    if kind == Kind.EVENTS and rest and len(rest) <= _LONGEST and not rest.startswith("$"):
        return Named(Kind.EVENTS, rest)
    if kind == Kind.GROUP and _GROUP_ID.fullmatch(rest):
        return Named(Kind.GROUP, rest)
    raise ConfigurationError(
        f"{name!r} is not an object of Braze.",
        hint="Write users, events/<name> or subscription_groups/<id>.",
        object=name,
    )


def read_attribute(name: str) -> Attribute:
    """Return the attribute, or the element of one, that a field's name means."""
    match = _ELEMENT.fullmatch(name)
    return Attribute(match[1], match[2]) if match else Attribute(name)


def check_target(target: Target) -> Named:
    """
    Return what the target's object is.

    Raises:
        ConfigurationError: the object, the key or a field cannot be written.
    """
    named = read_object(target.object)
    if named.kind is Kind.EVENTS:
        _check_event(target)
    elif target.key != KEY:
        raise ConfigurationError(
            f"Braze finds {target.object} by {KEY}, not by {target.key!r}.",
            hint=f"Write `key: {KEY}` in the contract.",
            object=target.object,
        )
    if named.kind is Kind.USERS:
        whole = {f.to for f in target.fields}
        _check_fields(target, (_wrong_attribute(f.to, f.type.kind, whole) for f in target.fields))
    if named.kind is Kind.GROUP:
        _check_fields(target, (_wrong_state(f.to) for f in target.fields))
    return named


def _check_event(target: Target) -> None:
    kinds = {f.to: f.type.kind for f in target.fields}
    if target.key != KEY and kinds.get(KEY) is not FieldKind.TEXT:
        raise ConfigurationError(
            f"{target.object} does not say whose events they are.",
            hint=f"Map a text field {KEY}, or write `key: {KEY}`.",
            object=target.object,
        )
    if kinds.get(EVENT_TIME) is not FieldKind.TIMESTAMP:
        raise ConfigurationError(
            f"{target.object} does not say when the events were.",
            hint=f"Map a timestamp to the field {EVENT_TIME}.",
            object=target.object,
        )


def _check_fields(target: Target, wrong: Iterable[str | None]) -> None:
    found = [text for text in wrong if text]
    if found:
        raise ConfigurationError(
            f"Field {found[0]}.", hint="Correct `fields` in the contract.", object=target.object
        )


def _wrong_attribute(name: str, kind: FieldKind, whole: Collection[str]) -> str | None:
    attribute = read_attribute(name)
    if attribute.name in _NOT_ATTRIBUTES:
        return f"{name!r} is not an attribute of a Braze profile"
    if not attribute.name or len(attribute.name) > _LONGEST or attribute.name.startswith("$"):
        return f"{name!r} is not a name for an attribute: 1 to {_LONGEST} characters, no leading $"
    if attribute.element is None and ("[" in name or "]" in name):
        return f"{name!r} is not an element of an array; write array[element]"
    if attribute.element is not None and kind is not FieldKind.BOOLEAN:
        return f"{name!r} is an element of an array, which is there or not; its type is boolean"
    if attribute.element is not None and attribute.name in whole:
        return f"{name!r} is an element of {attribute.name!r}, which is mapped as a whole too"
    return None


def _wrong_state(name: str) -> str | None:
    return None if name == STATE else f"{name!r} is not {STATE}, the only one that a group has"
