from __future__ import annotations

import pytest

from activation.contract.model import FieldMapping
from activation.destinations.base import Target
from activation.destinations.braze.names import (
    Attribute,
    Kind,
    Named,
    check_target,
    read_attribute,
    read_object,
)
from activation.errors import ConfigurationError
from activation_tests.destinations.braze.rows import events, group, mapping, users


def test_objects_are_read() -> None:
    """An object is users, the events of a name, or the members of a group."""
    assert read_object("users") == Named(Kind.USERS)
    assert read_object("events/trial started") == Named(Kind.EVENTS, "trial started")
    assert read_object("subscription_groups/a1-b2") == Named(Kind.GROUP, "a1-b2")


@pytest.mark.parametrize(
    "name",
    [
        *("", "user", "users/x", "events", "events/", "events/$x", f"events/{'x' * 256}"),
        *("subscription_groups/", "subscription_groups/a/b", "subscription_groups/a?b"),
    ],
)
def test_other_objects_are_refused(name: str) -> None:
    """What cannot be an object is refused with what can."""
    with pytest.raises(ConfigurationError, match="users, events/<name>"):
        read_object(name)


def test_elements_of_arrays_are_told_from_attributes() -> None:
    """`array[element]` is an element; all other names are attributes."""
    assert read_attribute("plan") == Attribute("plan")
    assert read_attribute("audiences[winback 2]") == Attribute("audiences", "winback 2")


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ([mapping("external_id", "text(80)")], "not an attribute"),
        ([mapping("user_alias", "text(80)")], "not an attribute"),
        ([mapping("subscription_groups", "text(80)")], "not an attribute"),
        ([mapping("$plan", "text(80)")], "not a name"),
        ([mapping("x" * 256, "text(80)")], "not a name"),
        ([mapping("tags[", "boolean")], "write array"),
        ([mapping("tags[a]", "text(80)")], "its type is boolean"),
        ([mapping("tags[a]", "boolean"), mapping("tags", "text(80)")], "as a whole too"),
    ],
)
def test_fields_that_no_profile_has_are_refused(fields: list[FieldMapping], match: str) -> None:
    """A field that would be an instruction, or two things at once, never reaches a request."""
    with pytest.raises(ConfigurationError, match=match):
        check_target(users(*fields))


@pytest.mark.parametrize(
    ("target", "match"),
    [
        (Target("users", "email", (mapping("plan", "text(9)"),)), "by external_id"),
        (Target("subscription_groups/g", "email", ()), "by external_id"),
        (group(mapping("plan", "text(9)")), "subscription_state"),
        (events(mapping("time", "timestamp")), "whose events"),
        (events(mapping("external_id", "text(9)")), "when the events"),
        (events(mapping("external_id", "text(9)"), mapping("time", "text(9)")), "when the events"),
    ],
)
def test_targets_that_cannot_be_written_are_refused(target: Target, match: str) -> None:
    """A target without what Braze finds people by, or an event's time, is refused."""
    with pytest.raises(ConfigurationError, match=match):
        check_target(target)
