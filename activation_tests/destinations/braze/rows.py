"""Targets and mappings for the tests."""

from __future__ import annotations

from activation.contract.model import DataClass, FieldMapping, FieldType, NullPolicy
from activation.destinations.base import Target
from activation.destinations.traits import Verb


def mapping(to: str, spelled: str, nulls: NullPolicy = NullPolicy.CLEAR) -> FieldMapping:
    """Map a column of the same name."""
    return FieldMapping(
        to=to,
        column=to.lower(),
        type=FieldType.parse(spelled),
        nulls=nulls,
        data_class=DataClass.NONE,
    )


def users(*fields: FieldMapping, verb: Verb = Verb.UPSERT) -> Target:
    """Write profiles."""
    return Target("users", "external_id", fields, verb)


def events(*fields: FieldMapping, key: str = "event_id") -> Target:
    """Record events."""
    return Target("events/trial_started", key, fields, Verb.CREATE)


def group(*fields: FieldMapping, verb: Verb = Verb.UPSERT) -> Target:
    """Change a group's members."""
    return Target("subscription_groups/g-1", "external_id", fields, verb)


PLAN = mapping("plan", "text(20)")
TARGET = users(PLAN)
"""One custom attribute of profiles."""
