"""Objects and fields: checked before they become part of a path or a record."""

from __future__ import annotations

import re
from dataclasses import dataclass

from activation.destinations.base import Target
from activation.errors import ConfigurationError

KEY = "external_id"
REFERENCE = "organization.external_id"
"""A user's organization, named by its external id; travels as its id."""
LISTS = ("tags", "domain_names")
"""Fields that hold a set of words: in one text here, with spaces between, in a list there."""
MEMBERSHIP_KEY = "user.external_id|organization.external_id"
"""The key of a membership: the user's and the organization's external id, in this order."""

_BUILT_IN = re.compile(r"[a-z][a-z0-9_]{0,79}")
_CUSTOM = re.compile(r"[A-Za-z0-9_]{1,255}")


@dataclass(frozen=True, slots=True)
class Kind:
    """One object: how it is called in paths and bodies."""

    many: str
    one: str
    custom: str | None
    """Where its custom fields stand, in records as in names of fields."""
    key: str = KEY


USERS = Kind("users", "user", "user_fields")
ORGANIZATIONS = Kind("organizations", "organization", "organization_fields")
MEMBERSHIPS = Kind("organization_memberships", "organization_membership", None, key=MEMBERSHIP_KEY)
_KINDS = {kind.many: kind for kind in (USERS, ORGANIZATIONS, MEMBERSHIPS)}


def kind_of(object_name: str) -> Kind:
    """Return what an object is; raise ConfigurationError if the adapter does not write it."""
    kind = _KINDS.get(object_name)
    if kind is None:
        raise ConfigurationError(
            f"{object_name!r} is not an object that can be written in Zendesk.",
            hint=f"Objects: {', '.join(_KINDS)}. Tags are the field `tags` of the first two.",
            object=object_name,
        )
    return kind


def check_target(target: Target) -> Kind:
    """Return the target's object; raise ConfigurationError if a name in the target is not one."""
    kind = kind_of(target.object)
    if target.key != kind.key:
        raise ConfigurationError(
            f"{target.object} cannot be found by {target.key!r}.",
            hint=f"Write `key: {kind.key}` in the contract.",
            object=target.object,
        )
    wrong = next((f.to for f in target.fields if not _is_field(kind, f.to)), None)
    if wrong is not None:
        custom = f", {kind.custom}.plan" if kind.custom else ""
        raise ConfigurationError(
            f"{wrong!r} is not a field of Zendesk's {target.object}.",
            hint=f"Write it as Zendesk does: name{custom}.",
            object=target.object,
        )
    return kind


def custom_key(kind: Kind, field: str) -> str | None:
    """Return the key of a custom field, or None if the name is of another kind."""
    folder, dot, name = field.partition(".")
    return name if dot and folder == kind.custom else None


def _is_field(kind: Kind, name: str) -> bool:
    custom = custom_key(kind, name)
    if custom is not None:
        return _CUSTOM.fullmatch(custom) is not None
    if name == REFERENCE:
        return kind is not ORGANIZATIONS
    if name == "user.external_id":
        return kind is MEMBERSHIPS
    return _BUILT_IN.fullmatch(name) is not None and name != KEY
