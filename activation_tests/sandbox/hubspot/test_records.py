"""Single records, reads, archives, merges and erasure."""

from __future__ import annotations

from typing import Any

import pytest

from activation.errors import UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.hubspot.portal import KEY, Portal, refusal, row
from activation_tests.sandbox.turning_clock import TurningClock

CONTACTS = "/crm/v3/objects/contacts"


def test_a_batch_read_names_what_is_not_there(portal: Portal) -> None:
    """Found records are results, all others are in one error: a 207, never a 404."""
    portal.made("u-1", firstname="Kim")

    answer = portal.batch(
        "read",
        {"id": "u-1"},
        {"id": "u-2"},
        {"id": "u-3"},
        idProperty=KEY,
        properties=["firstname", "lastname", "no_such"],
    )

    assert answer.status_code == 207
    (found,) = answer.json()["results"]
    (error,) = answer.json()["errors"]
    assert found["properties"]["firstname"] == "Kim"
    # Empty is null, unknown is left out, and three stamps always come.
    assert sorted(found["properties"]) == [
        *("createdate", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    ]
    assert found["properties"]["lastname"] is None
    assert error["context"] == {"ids": ["u-2", "u-3"]}
    assert error["message"] == (
        "Could not get some CONTACT objects, they may be deleted or not exist. "
        "Check that ids are valid."
    )


def test_history_says_who_changed_what(
    portal: Portal, sandbox: Sandbox, clock: TurningClock
) -> None:
    """Each value with its time and source, the latest first; 20 of them at most."""
    portal.made("u-1", firstname="Kim")
    clock.turn(1)
    sandbox.edit_record("contacts", "u-1", system="hubspot", firstname="Lee")

    (found,) = portal.batch(
        "read", {"id": "u-1"}, idProperty=KEY, properties=[], propertiesWithHistory=["firstname"]
    ).json()["results"]

    assert found["propertiesWithHistory"]["firstname"] == [
        {"value": "Lee", "timestamp": "2026-09-01T10:00:01.000Z", "sourceType": "CRM_UI"},
        {"value": "Kim", "timestamp": "2026-09-01T10:00:00.000Z", "sourceType": "INTEGRATION"},
    ]


def test_one_record_is_read_changed_and_archived(portal: Portal) -> None:
    """By its id or by a unique property."""
    made = portal.call("POST", CONTACTS, {"properties": {"email": "kim@example.com"}})
    identity = made.json()["id"]
    by_email = {"idProperty": "email", "properties": "firstname,email"}

    patched = portal.call("PATCH", f"{CONTACTS}/{identity}", {"properties": {"firstname": "Kim"}})
    read = portal.call("GET", f"{CONTACTS}/kim@example.com", params=by_email)
    gone = portal.call("DELETE", f"{CONTACTS}/{identity}")

    assert (made.status_code, patched.status_code, read.status_code) == (201, 200, 200)
    assert read.json()["properties"]["firstname"] == "Kim"
    assert (gone.status_code, gone.content) == (204, b"")
    assert refusal(portal.call("GET", f"{CONTACTS}/{identity}")) == (404, "OBJECT_NOT_FOUND")
    archived = portal.call("GET", f"{CONTACTS}/{identity}", params={"archived": "true"}).json()
    assert archived["archived"] is True
    assert archived["archivedAt"] == "2026-09-01T10:00:00.000Z"


def test_a_record_that_is_not_there_has_two_texts(portal: Portal) -> None:
    """A number is not found; anything else is told that ids are numbers."""
    number, word = (portal.call("GET", f"{CONTACTS}/{i}") for i in ("999", "kim"))

    assert number.json()["message"] == "resource not found"
    assert word.json()["message"] == "Object not found.  objectId are usually numeric."
    assert word.json()["context"] == {"id": ["kim"]}


def test_an_update_of_nothing_is_refused(portal: Portal) -> None:
    """Empty properties are a 400."""
    identity = portal.made("u-1")["u-1"]

    answer = portal.call("PATCH", f"{CONTACTS}/{identity}", {"properties": {}})

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert answer.json()["message"].startswith("No properties found to update")


def test_what_is_archived_frees_its_unique_values(portal: Portal) -> None:
    """Records that are not there are gone all the same; a key can be used again."""
    identity = portal.made("u-1", email="kim@example.com")["u-1"]

    assert portal.batch("archive", {"id": identity}, {"id": "999"}).status_code == 204
    again = portal.upsert(row("u-1", email="kim@example.com")).json()["results"][0]

    assert again["new"] is True
    assert again["id"] != identity


def test_the_list_is_paged_by_id(portal: Portal) -> None:
    """Each page says where the next begins, until there is none."""
    portal.made(*(f"u-{n}" for n in range(5)))
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2, "properties": [KEY]}
    while True:
        page = portal.call("GET", CONTACTS, params=query).json()
        seen += [r["properties"][KEY] for r in page["results"]]
        if "paging" not in page:
            break
        query["after"] = page["paging"]["next"]["after"]

    assert seen == [f"u-{n}" for n in range(5)]
    assert refusal(portal.call("GET", CONTACTS, params={"limit": 101}))[0] == 400


@pytest.mark.parametrize("fresh", [True, False])
def test_a_merge_leaves_one_record(portal: Portal, sandbox: Sandbox, *, fresh: bool) -> None:
    """It has a new id where accounts have that; the other's address still leads to it."""
    sandbox.set_quirk("hubspot", "merges_into_a_new_id", value=fresh)
    ids = portal.made("u-1", email="kim@example.com") | portal.made("u-2", email="lee@example.com")
    portal.call("PUT", "/crm/v3/lists/1/memberships/add", [ids["u-2"]])

    merged = portal.call(
        "POST",
        f"{CONTACTS}/merge",
        {"primaryObjectId": ids["u-1"], "objectIdToMerge": ids["u-2"]},
    ).json()

    assert (merged["id"] in ids.values()) is not fresh
    assert sandbox.count("contacts", system="hubspot") == 1
    by_email = {"idProperty": "email"}
    for email in ("kim@example.com", "lee@example.com"):
        found = portal.call("GET", f"{CONTACTS}/{email}", params=by_email).json()
        assert found["id"] == merged["id"]
    members = portal.call("GET", "/crm/v3/lists/1/memberships").json()["results"]
    assert [m["recordId"] for m in members] == [merged["id"]]


def test_an_update_of_what_was_merged_away_says_nothing(portal: Portal, sandbox: Sandbox) -> None:
    """The row is left out of the answer; with the quirk off it is not found."""
    ids = portal.made("u-1", "u-2")
    pair = {"primaryObjectId": ids["u-1"], "objectIdToMerge": ids["u-2"]}
    portal.call("POST", f"{CONTACTS}/merge", pair)
    given = {"id": ids["u-2"], "properties": {"firstname": "x"}}

    silent = portal.batch("update", given).json()
    sandbox.set_quirk("hubspot", "leaves_merged_records_out", value=False)
    told = portal.batch("update", given).json()

    assert silent["results"] == []
    assert "errors" not in silent
    assert told["errors"][0]["category"] == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize("by", ["email", None])
def test_an_erased_contact_is_gone_for_good(portal: Portal, by: str | None) -> None:
    """By address or id; whether it was there is not told."""
    identity = portal.made("u-1", email="kim@example.com")["u-1"]
    given = {"objectId": "kim@example.com" if by else identity, "idProperty": by}

    answers = [portal.call("POST", f"{CONTACTS}/gdpr-delete", given) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    gone = portal.call("GET", f"{CONTACTS}/{identity}", params={"archived": "true"})
    assert gone.status_code == 404


def test_people_edit_delete_and_restore(portal: Portal, sandbox: Sandbox) -> None:
    """Edits by hand are checked like others; a restored record is the one that was there."""
    identity = portal.made("u-1", email="kim@example.com")["u-1"]
    with pytest.raises(UsageError, match="INVALID_EMAIL"):
        sandbox.edit_record("contacts", "u-1", system="hubspot", email="x")
    with pytest.raises(UsageError, match="no such record"):
        sandbox.delete_record("contacts", "nobody", system="hubspot")

    sandbox.delete_record("contacts", "u-1", system="hubspot")
    assert sandbox.count("contacts", system="hubspot") == 0
    sandbox.restore_record("contacts", "u-1", system="hubspot")

    assert portal.upsert(row("u-1")).json()["results"][0]["id"] == identity
    assert sandbox.create_record("contacts", system="hubspot", firstname="By hand") != identity


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/v3/nothing", 404),
        ("PUT", CONTACTS, 405),
        ("POST", f"{CONTACTS}/batch/upsert", 400),
    ],
)
def test_calls_that_make_no_sense(portal: Portal, method: str, path: str, status: int) -> None:
    """An unknown address, another method, a body that is no JSON."""
    answer = portal.call(method, path, data="{")

    assert refusal(answer)[0] == status
