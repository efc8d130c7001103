from __future__ import annotations

from typing import Any

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.zendesk.desk import Desk, refusal


def test_an_upsert_creates_and_then_updates(desk: Desk) -> None:
    """201 with an address the first time, 200 from then on; case is not told apart, but kept."""
    body = {"user": {"name": "Kim", "external_id": "u-1", "email": "KIM@example.com"}}
    first = desk.call("POST", "users/create_or_update", body)
    desk.clock.turn(1)
    body["user"]["external_id"] = "U-1"
    second = desk.call("POST", "users/create_or_update", body)

    user = first.json()["user"]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["Location"] == user["url"]
    assert user["email"] == "kim@example.com"
    assert user["verified"] is False
    assert second.json()["user"]["id"] == user["id"]
    assert second.json()["user"]["external_id"] == "U-1"


def test_a_new_address_is_added_and_the_primary_stays(desk: Desk) -> None:
    """An address that is written to a user who is there becomes a secondary one."""
    user = desk.upsert(name="Kim", external_id="u", email="old@example.com")

    again = desk.upsert(external_id="u", email="new@example.com")

    identities = desk.call("GET", f"users/{user['id']}/identities").json()["identities"]
    assert again["email"] == "old@example.com"
    assert [(i["value"], i["primary"]) for i in identities] == [
        ("old@example.com", True),
        ("new@example.com", False),
    ]
    made = desk.call("PUT", f"users/{user['id']}/identities/{identities[1]['id']}/make_primary")
    assert [i["value"] for i in made.json()["identities"]] == ["new@example.com", "old@example.com"]
    assert desk.found("u")["email"] == "new@example.com"


def test_a_user_without_a_key_is_adopted_by_its_address(desk: Desk) -> None:
    """Who wrote a ticket before is found by address, and gets the key."""
    before = desk.user(name="Kim", email="kim@example.com")

    after = desk.upsert(external_id="u", email="Kim@example.com")

    assert (after["id"], after["external_id"]) == (before["id"], "u")


def test_the_address_of_one_and_the_key_of_another_are_an_error(desk: Desk) -> None:
    """Two users are never merged by a write."""
    desk.user(name="A", email="a@example.com", external_id="a")
    desk.user(name="B", email="b@example.com", external_id="b")
    desk.clock.turn(1)

    answer = desk.call(
        "POST", "users/create_or_update", {"user": {"external_id": "a", "email": "b@example.com"}}
    )

    assert refusal(answer) == (422, "RecordInvalid")
    (detail,) = answer.json()["details"]["email"]
    assert detail["error"] == "DuplicateValue"


@pytest.mark.parametrize(("choice", "status"), [("adopted", 200), ("refused", 422)])
def test_a_foreign_address_can_go_both_ways(
    desk: Desk, sandbox: Sandbox, choice: str, status: int
) -> None:
    """Whether a user with another key is adopted by its address is not known: a quirk."""
    sandbox.set_quirk("zendesk", "foreign_email", choice)
    desk.user(name="A", email="a@example.com", external_id="a")
    desk.clock.turn(1)

    answer = desk.call(
        "POST", "users/create_or_update", {"user": {"external_id": "z", "email": "a@example.com"}}
    )

    assert answer.status_code == status


def test_a_bad_address_is_told_as_recorded(desk: Desk) -> None:
    """The details of a malformed address carry no error code of their own."""
    answer = desk.call("POST", "users", {"user": {"name": "A", "email": "badmail"}})

    assert answer.status_code == 422
    assert answer.json() == {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {"email": [{"description": "Email: badmail is not properly formatted"}]},
    }


def test_a_new_user_needs_a_name(desk: Desk) -> None:
    """A user without a name cannot be created, one that is there keeps it."""
    answer = desk.call("POST", "users", {"user": {"external_id": "u"}})
    assert refusal(answer) == (422, "RecordInvalid")

    desk.user(name="Kim", external_id="u")
    assert desk.upsert(external_id="u", notes="x")["name"] == "Kim"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"text_field": "x"}, {"text_field": "x"}),
        ({"numeric_field": "39"}, {"numeric_field": 39}),
        ({"decimal_field": 5.25}, {"decimal_field": 5.25}),
        ({"date_field": "2020-08-19T20:50:04Z"}, {"date_field": "2020-08-19T00:00:00+00:00"}),
        ({"dropdown_field": "pear"}, {"dropdown_field": "pear"}),
        ({"checkbox_field": True}, {"checkbox_field": True}),
        ({"no_such_field": 1}, {}),
    ],
)
def test_custom_fields_are_kept_in_their_form(
    desk: Desk, given: dict[str, Any], kept: dict[str, Any]
) -> None:
    """Numbers are numbers, a date is midnight, an unknown key is passed over."""
    user = desk.user(name="A", user_fields=given)

    assert "no_such_field" not in user["user_fields"]
    assert {key: user["user_fields"][key] for key in kept} == kept


@pytest.mark.parametrize(
    "given",
    [
        {"numeric_field": "x"},
        {"numeric_field": 1.5},
        {"date_field": "soon"},
        {"dropdown_field": "Pear"},
        {"regex_field": "123"},
        {"text_field": {"a": 1}},
    ],
)
def test_custom_fields_refuse_what_they_cannot_hold(desk: Desk, given: dict[str, Any]) -> None:
    """A wrong value costs the record, and names the field."""
    answer = desk.call("POST", "users", {"user": {"name": "A", "user_fields": given}})

    assert refusal(answer) == (422, "RecordInvalid")
    assert list(answer.json()["details"]) == list(given)


def test_what_is_cleared(desk: Desk) -> None:
    """Null empties a custom field; a text that was there comes back empty, as recorded."""
    desk.user(
        name="A", external_id="u", alias="BL", user_fields={"text_field": "x", "numeric_field": 3}
    )

    user = desk.upsert(external_id="u", alias=None, notes=None, user_fields={"text_field": None})

    assert (user["alias"], user["notes"]) == ("", None)
    assert user["user_fields"]["text_field"] is None
    assert user["user_fields"]["numeric_field"] == 3


def test_fields_give_tags_and_take_them_back(desk: Desk, sandbox: Sandbox) -> None:
    """A ticked box and a chosen option are tags; another choice takes the old one away."""
    fields = {"checkbox_field": True, "dropdown_field": "apple"}
    user = desk.user(name="A", external_id="u", tags=["VIP", "new one"], user_fields=fields)
    assert user["tags"] == ["vip", "new", "one", "checkedbox", "apple"]

    user = desk.upsert(external_id="u", user_fields={"dropdown_field": "pear"})
    assert user["tags"] == ["vip", "new", "one", "checkedbox", "pear"]

    user = desk.upsert(external_id="u", tags=["gold"])
    assert sorted(user["tags"]) == ["checkedbox", "gold", "pear"]

    sandbox.set_quirk("zendesk", "tags_keep_field_tags", value=False)
    user = desk.upsert(external_id="u", tags=["gold"])
    assert sorted(user["tags"]) == ["checkedbox", "gold", "pear"]  # the fields still hold them


def test_a_deleted_user_is_gone_for_good(desk: Desk) -> None:
    """Key and address are free, the rest is kept, and an upsert makes another user."""
    user = desk.user(
        name="A", external_id="u", email="a@example.com", user_fields={"text_field": "x"}
    )

    told = desk.call("DELETE", f"users/{user['id']}").json()["user"]

    assert (told["active"], told["email"], told["external_id"]) == (False, None, None)
    assert told["verified"] is False
    assert told["user_fields"]["text_field"] == "x"  # recorded so
    assert desk.call("GET", f"users/{user['id']}").status_code == 404
    assert desk.upsert(name="A", external_id="u", email="a@example.com")["id"] != user["id"]


def test_a_deleted_user_is_erased_afterwards(desk: Desk) -> None:
    """Deletion for good needs a deletion before it, and leaves nothing personal."""
    user = desk.user(name="A", external_id="u", email="a@example.com")
    path = f"deleted_users/{user['id']}"
    assert desk.call("DELETE", path).status_code == 404

    desk.call("DELETE", f"users/{user['id']}")
    listed = desk.call("GET", "deleted_users").json()["deleted_users"]
    erased = desk.call("DELETE", path)

    assert [one["email"] for one in listed] == ["a@example.com"]
    assert erased.status_code == 200
    (kept,) = desk.call("GET", "deleted_users").json()["deleted_users"]
    assert (kept["name"], kept["email"]) == ("Permanently Deleted User", None)
    assert desk.call("DELETE", path).status_code == 404


def test_a_merged_user_leaves_its_address_to_the_other(desk: Desk) -> None:
    """The loser is deleted; who writes its address reaches the winner."""
    loser = desk.user(name="A", external_id="a", email="a@example.com")
    winner = desk.user(name="B", external_id="b", email="b@example.com")

    answer = desk.call("PUT", f"users/{loser['id']}/merge", {"user": {"id": winner["id"]}})

    assert answer.json()["user"]["id"] == winner["id"]
    identities = desk.call("GET", f"users/{winner['id']}/identities").json()["identities"]
    assert [i["value"] for i in identities] == ["b@example.com", "a@example.com"]
    assert desk.upsert(external_id="a", email="a@example.com")["id"] == winner["id"]


def test_a_suspended_user_is_written_and_stays_suspended(desk: Desk) -> None:
    """Whom people suspended can be updated by key like anybody; nothing lifts the suspension."""
    desk.user(name="A", external_id="u", suspended=True)

    user = desk.upsert(external_id="u", name="B")

    assert (user["name"], user["suspended"]) == ("B", True)


def test_a_shared_user_cannot_be_changed(desk: Desk, sandbox: Sandbox) -> None:
    """Users of another account are refused with 403."""
    user = desk.user(name="A", external_id="a")
    sandbox.edit_record("users", "a", system="zendesk", shared=True)
    desk.clock.turn(1)

    answer = desk.call("PUT", f"users/{user['id']}", {"user": {"name": "B"}})

    assert answer.status_code == 403


def test_welcome_mails_are_counted(desk: Desk, sandbox: Sandbox) -> None:
    """Each new user gets a mail, unless it is said that none goes out."""
    desk.user(name="A", email="a@example.com")
    desk.user(name="B", email="b@example.com", skip_verify_email=True)

    assert sandbox.call("GET", "zendesk/mails") == {"mails": 1}


def test_an_organization_by_update_ends_the_other_memberships(desk: Desk) -> None:
    """A user's organization is its only one once it is written; memberships allow several."""
    one, two = (desk.organization(name=name)["id"] for name in ("One", "Two"))
    user = desk.user(name="A", external_id="u", organization_id=one)
    path = f"users/{user['id']}/organization_memberships"
    joined = desk.call("POST", path, {"organization_membership": {"organization_id": two}})
    assert joined.status_code == 201
    again = desk.call("POST", path, {"organization_membership": {"organization_id": two}})
    assert again.status_code == 422
    assert len(desk.call("GET", path).json()["organization_memberships"]) == 2

    desk.upsert(external_id="u", organization_id=one)

    (left,) = desk.call("GET", path).json()["organization_memberships"]
    assert (left["organization_id"], left["default"]) == (one, True)
    desk.call("DELETE", f"users/{user['id']}/organizations/{one}")
    assert desk.found("u")["organization_id"] is None
    assert desk.call("DELETE", f"users/{user['id']}/organizations/{one}").status_code == 404


def test_lists_go_by_cursor_and_by_page(desk: Desk) -> None:
    """A cursor leads through all records; pages by number end at 10,000 records."""
    for name in "ABC":
        desk.user(name=name)

    first = desk.call("GET", "users?page[size]=2").json()
    cursor = first["meta"]["after_cursor"]
    second = desk.call("GET", f"users?page[size]=2&page[after]={cursor}").json()
    assert [u["name"] for u in (*first["users"], *second["users"])] == [
        "Account Owner",
        "A",
        "B",
        "C",
    ]
    assert (first["meta"]["has_more"], second["meta"]["has_more"]) == (True, False)
    assert second["links"]["next"] is None

    paged = desk.call("GET", "users?per_page=3&page=2").json()
    assert ([u["name"] for u in paged["users"]], paged["count"]) == (["C"], 4)
    assert paged["next_page"] is None
    assert "page=1" in paged["previous_page"]
    assert desk.call("GET", "users?page=101").status_code == 400


def test_show_many_finds_by_key_and_leaves_the_missing_out(desk: Desk) -> None:
    """Up to a hundred keys are asked for at once, without regard to their case."""
    desk.user(name="A", external_id="a")

    found = desk.call("GET", "users/show_many?external_ids=A,nobody").json()

    assert [user["name"] for user in found["users"]] == ["A"]
    many = ",".join(f"k{i}" for i in range(101))
    assert desk.call("GET", f"users/show_many?external_ids={many}").status_code == 400
