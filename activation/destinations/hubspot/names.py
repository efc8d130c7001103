"""Names of objects and properties: read before they become part of an address or a body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from activation.destinations.base import Target
from activation.errors import ConfigurationError

CONTACTS = "contacts"
EMAIL = "email"
STATUS = "status"
"""The field of a subscription that says whether somebody takes it."""

_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_-]*|\d+-\d+")
_PATH = re.compile(r"(lists|subscriptions)/(\d{1,18})")
_CUSTOM = re.compile(r"2-\d+|p\d*_\w+")
_PROPERTY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TYPES = {"contact": CONTACTS, "0-1": CONTACTS, "company": "companies", "0-2": "companies"}
_TYPES |= {"deal": "deals", "0-3": "deals"}


class Kind(StrEnum):
    """What an object of a contract is."""

    RECORDS = "records"
    LIST = "list"
    SUBSCRIPTION = "subscription"


@dataclass(frozen=True, slots=True)
class Named:
    """An object as a contract names it, read."""

    kind: Kind
    name: str
    """The type of records, or the id of a list or a subscription type."""


def read_object(name: str) -> Named:
    """
    Return what an object is: `contacts`, `2-123`, `p123_car`, `lists/7`, `subscriptions/9`.

    Raises:
        ConfigurationError: it cannot be one.
    """
    if found := _PATH.fullmatch(name):
        kind = Kind.LIST if found[1] == "lists" else Kind.SUBSCRIPTION
        return Named(kind, found[2])
    if _OBJECT.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} is not the name of a HubSpot object.",
            hint="Write contacts, companies, deals, a custom object's type id (2-123) or full name "
            "(p123_car), lists/<id> or subscriptions/<id>.",
            object=name,
        )
    return Named(Kind.RECORDS, _TYPES.get(name.lower(), name))


def is_custom(name: str) -> bool:
    """Tell whether a type of records is the account's own."""
    return _CUSTOM.fullmatch(name) is not None


def is_contacts(name: str) -> bool:
    """Tell whether a type of records, by any of its names, is contacts."""
    return _TYPES.get(name.lower(), name.lower()) == CONTACTS


def check_target(target: Target) -> Named:
    """
    Return what the target's object is.

    Raises:
        ConfigurationError: the object, the key or a field has a name that cannot be one.
    """
    named = read_object(target.object)
    names = (target.key, *(mapping.to for mapping in target.fields))
    for name in names:
        if _PROPERTY.fullmatch(name) is None:
            raise ConfigurationError(
                f"{name!r} is not the name of a property of {target.object}.",
                hint="Write its internal name, as the property's settings show it: firstname.",
                object=target.object,
            )
    if named.kind is Kind.SUBSCRIPTION and target.key != EMAIL:
        raise ConfigurationError(
            f"{target.object} has no key {target.key!r}.",
            hint="HubSpot keeps subscriptions by address: the key is email.",
            object=target.object,
        )
    return named


def normal_key(name: str, value: str) -> str:
    """Return a key as HubSpot keeps it: addresses in lower case, without white space around."""
    return value.strip().lower() if name == EMAIL else value


def same_key(name: str, value: object, key: str) -> bool:
    """Tell whether a value that HubSpot returned is that key."""
    return isinstance(value, str) and normal_key(name, value) == normal_key(name, key)
