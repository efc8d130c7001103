"""API names: checked before they become part of a path, a query or a record."""

from __future__ import annotations

import re

from activation.destinations.base import Target
from activation.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?")


def check_object(name: str) -> str:
    """Return the name of an object as it came; raise ConfigurationError if it cannot be one."""
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} is not the API name of a Salesforce object.",
            hint="Write it as Setup, Object Manager shows it: Contact, Invoice__c.",
            object=name,
        )
    return name


def check_target(target: Target) -> None:
    """Raise ConfigurationError if the object, the key or a field has a name that cannot be one."""
    check_object(target.object)
    wrong = [] if _NAME.fullmatch(target.key) else [target.key]
    wrong += [f.to for f in target.fields if _FIELD.fullmatch(f.to) is None]
    if wrong:
        raise ConfigurationError(
            f"{wrong[0]!r} is not the API name of a field of {target.object}.",
            hint="Write it as Setup, Object Manager shows it: Email, Score__c, Account.Key__c.",
            object=target.object,
        )


def lookup_field(relationship: str) -> str:
    """
    Return the field that holds the id behind a relationship: Account → AccountId.

    A link is cleared through that field, because a nested record that is null is refused.
    """
    if relationship.endswith("__r"):
        return f"{relationship[:-1]}c"
    return f"{relationship}Id"
