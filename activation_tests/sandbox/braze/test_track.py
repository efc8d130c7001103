from __future__ import annotations

from typing import Any

import pytest

from activation_tests.sandbox.braze.workspace import EMAIL_ERROR, Workspace

NO_DATA = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
TIME = "2026-09-01T10:00:00Z"


def test_bad_objects_are_told_by_their_place(workspace: Workspace) -> None:
    """The others are accepted; the answer is a success all the same."""
    answer = workspace.track(
        {"external_id": "a", "email": "a@example.com"},
        {"external_id": "b", "email": "not an address"},
    )

    assert answer.status_code == 201
    assert answer.json() == {
        "attributes_processed": 1,
        "message": "success",
        "errors": [{"type": EMAIL_ERROR, "input_array": "attributes", "index": 1}],
    }
    workspace.settle()
    assert [u["external_id"] for u in workspace.export(external_ids=["a", "b"])["users"]] == ["a"]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"plan": "x"}, "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"),
        ({"external_id": ""}, "'external_id', 'braze_id', 'user_alias', 'email' or 'phone'"),
        ({"external_id": "ü" * 494}, "'external_id' must be fewer than 988 bytes"),
        ({"external_id": "u", "email": ""}, EMAIL_ERROR),
        ({"external_id": "u", "email": "a@b"}, EMAIL_ERROR),
        ({"user_alias": {"alias_name": "x"}}, "'user_alias'"),
        ("u-1", "must be an array of objects"),
    ],
)
def test_only_bad_objects_are_a_refusal(workspace: Workspace, item: Any, told: str) -> None:
    """If no object is sound the request is refused, with the reason of each."""
    answer = workspace.track(item)

    assert answer.status_code == 400
    content = answer.json()
    assert content["message"] == NO_DATA
    (error,) = content["errors"]
    assert told in error["type"]
    assert (error["input_array"], error["index"]) == ("attributes", 0)


@pytest.mark.parametrize("body", [{}, {"attributes": []}, {"events": [], "partner": "x"}])
def test_no_objects_are_a_refusal(workspace: Workspace, body: dict[str, Any]) -> None:
    """A request without an object has no errors to tell, and the same message."""
    answer = workspace.post("/users/track", body)

    assert (answer.status_code, answer.json()) == (400, {"message": NO_DATA})


def test_75_objects_are_counted_together(workspace: Workspace) -> None:
    """The arrays share the 75, unless the account is an older one; some accounts have 50."""

    def status(attributes: int, events: int) -> int:
        users = [{"external_id": f"u-{n}"} for n in range(attributes)]
        happened = [{"external_id": "u", "name": "x", "time": TIME} for _ in range(events)]
        return workspace.track(*users, events=happened).status_code

    assert (status(75, 0), status(74, 2)) == (201, 400)
    workspace.quirk(batch_counting="per_array")
    assert (status(75, 75), status(76, 0)) == (201, 400)
    workspace.quirk(batch_limit=50)
    answer = workspace.track(*[{"external_id": f"u-{n}"} for n in range(51)])
    assert (answer.status_code, answer.json()) == (400, {"message": "Max Input Length Exceeded"})


def test_large_bodies_and_objects_are_refused(workspace: Workspace) -> None:
    """4 MB are the most of a request, and 100 KB of one object in it."""
    over = workspace.track({"external_id": "u", "text": "x" * (4 * 1024 * 1024)})
    heavy = workspace.track({"external_id": "u"}, {"external_id": "v", "text": "x" * 103_000})

    assert over.status_code == 413
    assert [error["index"] for error in heavy.json()["errors"]] == [1]


def test_what_is_not_json_is_refused(workspace: Workspace) -> None:
    """The content type must say JSON, and the body be an object."""
    address = f"{workspace.sandbox.address}/users/track"
    json = {"Content-Type": "application/json"}

    plain = workspace.http.post(address, data=b"{}", headers={"Content-Type": "text/plain"})
    broken = workspace.http.post(address, data=b"{", headers=json)
    array = workspace.http.post(address, data=b"[]", headers=json)

    assert [a.status_code for a in (plain, broken, array)] == [415, 400, 400]


def test_repeated_events_are_kept(workspace: Workspace) -> None:
    """Each event is one of its own; the profile sums them up."""
    event = {"external_id": "u", "name": "tried", "time": TIME, "properties": {"tier": "A"}}
    later = {**event, "time": "2026-09-01T14:00:00+02:00"}

    answer = workspace.track(events=[event, event, later])
    workspace.settle()

    assert answer.json() == {"events_processed": 3, "message": "success"}
    assert workspace.sandbox.count("events/tried", system="braze") == 3
    user = workspace.user("u")
    assert user is not None
    assert user["custom_events"] == [
        {
            "name": "tried",
            "first": "2026-09-01T10:00:00.000Z",
            "last": "2026-09-01T12:00:00.000Z",
            "count": 3,
        }
    ]
    assert workspace.get("/events/list").json() == {"message": "success", "events": ["tried"]}


def test_purchases_add_up(workspace: Workspace) -> None:
    """Revenue is price times quantity."""
    purchase = {
        "external_id": "u",
        "product_id": "seat",
        "currency": "USD",
        "price": 12.5,
        "quantity": 2,
        "time": TIME,
    }

    workspace.track(purchases=[purchase])
    workspace.settle()

    user = workspace.user("u")
    assert user is not None
    assert user["total_revenue"] == 25


@pytest.mark.parametrize("missing", ["name", "time"])
def test_events_need_name_and_time(workspace: Workspace, missing: str) -> None:
    """An event that lacks one is refused by its place."""
    event = {"external_id": "u", "name": "tried", "time": TIME}
    del event[missing]

    answer = workspace.track(events=[event])

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["input_array"] == "events"


def test_updates_only_what_is_there_if_asked(workspace: Workspace) -> None:
    """By external id a profile is made unless that is turned off; by alias only if asked for."""
    alias = {"alias_name": "a", "alias_label": "crm"}
    workspace.set(
        {"external_id": "u", "_update_existing_only": True, "plan": "x"},
        {"user_alias": alias, "plan": "x"},
        {"braze_id": "0" * 24, "plan": "x"},
    )
    assert workspace.sandbox.count("users", system="braze") == 0

    workspace.set({"user_alias": alias, "plan": "x", "_update_existing_only": False})
    (user,) = workspace.export(user_aliases=[alias])["users"]

    assert user["user_aliases"] == [alias]
    assert "external_id" not in user


def test_an_address_finds_the_identified_profile_updated_last(workspace: Workspace) -> None:
    """By e-mail the identified profile that was updated last is written; without one, a new one."""
    workspace.set({"email": "New@example.com", "plan": "first"})
    (made,) = workspace.export(email_address="new@example.com")["users"]
    assert made["custom_attributes"] == {"plan": "first"}

    workspace.set({"external_id": "u", "email": "new@example.com"})
    workspace.set({"external_id": "v", "email": "new@example.com"})
    workspace.set({"external_id": "u", "plan": "later"})
    workspace.set({"email": "new@example.com", "plan": "by address"})

    assert workspace.custom("u") == {"plan": "by address"}


def test_success_may_be_told_otherwise(workspace: Workspace) -> None:
    """In maintenance requests are taken with 202; some stand-ins say 200."""
    workspace.quirk(maintenance=True)
    queued = workspace.track({"external_id": "u"})
    workspace.quirk(maintenance=None)
    workspace.quirk(success_status=200)
    other = workspace.track({"external_id": "v"})

    assert (queued.status_code, queued.json()) == (202, {"message": "queued"})
    assert other.status_code == 200
    workspace.settle()
    assert workspace.sandbox.count("users", system="braze") == 2


def test_data_points_are_billed_for_what_is_sent(workspace: Workspace) -> None:
    """Each attribute costs one, changed or not; identifiers and subscriptions are free."""
    item = {
        "external_id": "u",
        "first_name": "Kim",
        "plan": None,
        "tags": {"add": ["a", "b"], "remove": ["c"]},
        "whole": ["a", "b"],
        "nested": {"a": 1, "b": {"c": 2}},
        "country": "DE",
        "email_subscribe": "opted_in",
        "_update_existing_only": False,
    }
    workspace.set(item, {"external_id": "v", "email": "bad"})
    workspace.post("/users/delete", {"external_ids": ["u"]})

    assert workspace.points() == {
        "total": 9,
        "by": {"country": 1, "first_name": 1, "nested": 2, "plan": 1, "tags": 3, "whole": 1},
    }
    workspace.set(item)
    assert workspace.points()["total"] == 18
    workspace.quirk(locale_points="free")
    workspace.track({"external_id": "u", "country": "DE"})
    workspace.track(events=[{"external_id": "u", "name": "tried", "time": TIME}])
    assert workspace.points()["total"] == 19
