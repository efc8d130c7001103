from __future__ import annotations

from typing import Any

import pytest

from activation_tests.sandbox.braze.workspace import Workspace


def test_null_removes_an_attribute(workspace: Workspace) -> None:
    """Fields and custom attributes are emptied by null; the external id is not."""
    workspace.set({"external_id": "u", "first_name": "Kim", "plan": "pro"})

    workspace.set({"external_id": "u", "first_name": None, "plan": None})

    user = workspace.user("u")
    assert user is not None
    assert "first_name" not in user
    assert "custom_attributes" not in user


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"email": " Kim@Example.com "}, {"email": "kim@example.com"}),
        ({"country": "DE"}, {"country": "DE"}),
        ({"country": "Germany"}, {"country": None}),
        ({"gender": "F"}, {"gender": "F"}),
        ({"gender": "female"}, {"gender": None}),
        ({"language": "de"}, {"language": "de"}),
        ({"time_zone": "Europe/Berlin"}, {"time_zone": "Europe/Berlin"}),
        ({"time_zone": "Berlin"}, {"time_zone": None}),
        ({"dob": "1980-12-21"}, {"dob": "1980-12-21T00:00:00.000Z"}),
        ({"dob": "soon"}, {"dob": None}),
        ({"email_subscribe": "opted_in"}, {"email_subscribe": "opted_in"}),
        ({"email_subscribe": "maybe"}, {"email_subscribe": "subscribed"}),
    ],
)
def test_profile_fields_take_what_is_valid(
    workspace: Workspace, sent: dict[str, Any], kept: dict[str, Any]
) -> None:
    """A value that is not valid is accepted with 201 and not stored."""
    workspace.set({"external_id": "u", **sent})

    user = workspace.user("u")

    assert user is not None
    assert {name: user.get(name) for name in kept} == kept


@pytest.mark.parametrize(
    ("value", "data_type", "kept"),
    [
        ("pro", "String", "pro"),
        (5, "Number", 5),
        (5.5, "Number", 5.5),
        (True, "Boolean", True),
        ("2026-09-01", "Time", "2026-09-01T00:00:00.000Z"),
        ("2026-09-01T12:00:00+02:00", "Time", "2026-09-01T10:00:00.000Z"),
        (["a", "b", "a"], "Array", ["b", "a"]),
        ({"a": 1}, "Object", {"a": 1}),
        ([{"a": 1}], "Object Array", [{"a": 1}]),
    ],
)
def test_an_unknown_name_becomes_an_attribute(
    workspace: Workspace, value: Any, data_type: str, kept: Any
) -> None:
    """A name that nobody made is made by its first value, of the type that this has."""
    workspace.set({"external_id": "u", "typo": value})

    assert workspace.custom("u") == {"typo": kept}
    listed = workspace.get("/custom_attributes").json()["attributes"]
    (found,) = [a for a in listed if a["name"] == "typo"]
    assert (found["data_type"], found["status"]) == (data_type, "Active")


def test_a_value_of_another_type_is_dropped(workspace: Workspace) -> None:
    """The answer is a success and the old value stays; a switch stores it."""
    workspace.set({"external_id": "u", "score": 5})
    workspace.set({"external_id": "u", "score": "high"})
    assert workspace.custom("u") == {"score": 5}

    workspace.quirk(type_clash="stored")
    workspace.set({"external_id": "u", "score": "high"})

    assert workspace.custom("u") == {"score": "high"}


def test_text_that_looks_like_a_date_stays_text_where_it_was_text(workspace: Workspace) -> None:
    """Only a new attribute is taken for a time."""
    workspace.set({"external_id": "u", "note": "none"})

    workspace.set({"external_id": "u", "note": "2026-09-01"})

    assert workspace.custom("u") == {"note": "2026-09-01"}


@pytest.mark.parametrize(
    ("setting", "kept"), [("dropped", None), ("truncated", 255), ("stored", 300)]
)
def test_long_text(workspace: Workspace, setting: str, kept: int | None) -> None:
    """255 characters are the most; what becomes of longer text can be switched."""
    workspace.quirk(long_text=setting)

    workspace.set({"external_id": "u", "note": "x" * 300, "plan": "pro"})

    found = workspace.custom("u").get("note")
    assert (len(found) if found else None) == kept


def test_arrays_are_added_to_and_removed_from(workspace: Workspace) -> None:
    """An element that is added again moves to the end; both changes may come at once."""
    workspace.set({"external_id": "u", "tags": ["a", "b", "c"]})

    workspace.set({"external_id": "u", "tags": {"add": ["a", "d"], "remove": ["b"]}})

    assert workspace.custom("u") == {"tags": ["c", "a", "d"]}


def test_arrays_have_a_length(workspace: Workspace) -> None:
    """25 elements by default, up to 100 by hand; the rest is cut off."""
    numbers = [str(n) for n in range(120)]
    workspace.set({"external_id": "u", "tags": numbers})
    assert len(workspace.custom("u")["tags"]) == 25

    workspace.sandbox.call("PATCH", "braze/attributes/tags", {"array_length": 100})
    workspace.set({"external_id": "u", "tags": numbers})

    assert len(workspace.custom("u")["tags"]) == 100


def test_numbers_are_incremented(workspace: Workspace) -> None:
    """An increment is not safe to repeat: it counts each time."""
    for _ in range(2):
        workspace.set({"external_id": "u", "logins": {"inc": 3}})

    assert workspace.custom("u") == {"logins": 6}


def test_nested_objects_are_replaced_or_merged(workspace: Workspace) -> None:
    """An object replaces the one before, unless merging is asked for beside it."""
    workspace.set({"external_id": "u", "car": {"make": "A", "year": 1, "x": {"y": 1}}})
    workspace.set({"external_id": "u", "_merge_objects": True, "car": {"year": 2, "x": {"z": 2}}})
    assert workspace.custom("u") == {"car": {"make": "A", "year": 2, "x": {"y": 1, "z": 2}}}

    workspace.set({"external_id": "u", "car": {"make": "B"}})

    assert workspace.custom("u") == {"car": {"make": "B"}}


def test_one_null_inside_drops_all_nested_changes(workspace: Workspace) -> None:
    """An invalid value in one nested object costs them all; plain attributes are not concerned."""
    workspace.set({"external_id": "u", "car": {"a": None}, "house": {"b": 1}, "plan": "pro"})

    assert workspace.custom("u") == {"plan": "pro"}


def test_a_blocked_attribute_is_not_stored(workspace: Workspace) -> None:
    """Its values are dropped without a word, and the list says so."""
    workspace.sandbox.call("PATCH", "braze/attributes/churn_band", {"status": "Blocklisted"})

    workspace.set({"external_id": "u", "churn_band": "High", "churn_score": 5})

    assert workspace.custom("u") == {"churn_score": 5}
    listed = workspace.get("/custom_attributes").json()["attributes"]
    assert {a["name"]: a["status"] for a in listed}["churn_band"] == "Blocklisted"


def test_an_attribute_can_vanish(workspace: Workspace) -> None:
    """A dropped field is not listed, and its values are not stored."""
    workspace.sandbox.faults.add("drop_field", object="users", field="churn_band")

    workspace.set({"external_id": "u", "churn_band": "High"})

    assert workspace.custom("u") == {}
    listed = workspace.get("/custom_attributes").json()["attributes"]
    assert "churn_band" not in {a["name"] for a in listed}


def test_attributes_are_listed_fifty_a_page(workspace: Workspace) -> None:
    """Sorted by name; the Link header leads to the next page, and the last has none."""
    many = {f"attribute_{n:03d}": n for n in range(60)}
    workspace.set({"external_id": "u", **many})

    first = workspace.get("/custom_attributes")
    link = first.headers["Link"]
    address = link.partition(">")[0].removeprefix("<")
    second = workspace.http.get(address, timeout=5)

    assert link.endswith('; rel="next"')
    names = [a["name"] for a in (*first.json()["attributes"], *second.json()["attributes"])]
    assert len(first.json()["attributes"]) == 50
    assert names == sorted(names)
    assert set(many) < set(names)
    assert "Link" not in second.headers
