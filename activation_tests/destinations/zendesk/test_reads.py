from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from activation.destinations.zendesk.destination import Zendesk
from activation.errors import ConfigurationError, Transient
from activation_tests.destinations.scripted import Scripted, Server
from activation_tests.destinations.zendesk.desk import MEMBERSHIPS, ORGANIZATIONS, USERS, mapped

LAST = {"has_more": False, "after_cursor": None, "before_cursor": None}
READ = replace(
    USERS,
    fields=(
        mapped("name", "text(80)"),
        mapped("tags", "text(80)"),
        mapped("organization.external_id", "text(80)"),
        mapped("user_fields.health", "decimal(5,2)"),
        mapped("user_fields.since", "date"),
    ),
)
FIELDS: list[dict[str, Any]] = [
    {
        "key": "plan",
        "type": "dropdown",
        "active": True,
        "custom_field_options": [{"id": 1, "name": "The Team", "value": "team"}],
    },
    {"key": "vip", "type": "checkbox", "active": True, "tag": "is_vip"},
    {"key": "many", "type": "multiselect", "active": True, "custom_field_options": []},
    {"key": "old", "type": "text", "active": False},
]


def user(number: int, key: str | None, **more: Any) -> dict[str, Any]:
    """Return a user as Zendesk shows one."""
    shown = {"id": number, "external_id": key, "name": f"Name {number}", "organization_id": None}
    return {**shown, "tags": [], "user_fields": {}, **more}


def page(name: str, *records: dict[str, Any], meta: Any = LAST) -> Scripted:
    """Answer with a page of a list."""
    return Scripted({name: list(records), "meta": meta})


def test_options_of_a_field_are_its_values(server: Server, desk: Zendesk) -> None:
    """Options are written by value; a field that is off is not there, one of lists not writable."""
    server.answer(page("user_fields", *FIELDS))

    fields = desk.describe("users").fields

    assert fields["user_fields.plan"].values == ("team",)
    assert not fields["user_fields.many"].writable
    assert "user_fields.old" not in fields
    assert fields["email"].email
    assert "role" not in fields


def test_records_come_back_in_the_shape_of_what_was_sent(server: Server, desk: Zendesk) -> None:
    """Tags of fields are left out, days have no hour, the organization is told by our key."""
    record = user(
        7,
        "u-7",
        tags=["team", "is_vip", "early"],
        organization_id=70,
        user_fields={"plan": "team", "vip": True, "health": 71.1, "since": "2026-09-01T00:00:00Z"},
    )
    server.answer(
        page("user_fields", *FIELDS),
        page("users", record, user(8, None)),
        Scripted({"organizations": [{"id": 70, "external_id": "A-1"}]}),
    )

    (read,) = desk.read_back(READ, None)

    (row,) = read.rows.to_pylist()
    assert (row["sync_key"], row["destination_id"]) == ("u-7", "7")
    assert row["tags"] == "early"
    assert row["organization.external_id"] == "A-1"
    assert row["user_fields.health"] == Decimal("71.10")
    assert str(row["user_fields.since"]) == "2026-09-01"
    assert read.requests == 2


def test_a_list_is_read_to_its_end(server: Server, desk: Zendesk) -> None:
    """Each page names the next, and the last one none."""
    more = {"has_more": True, "after_cursor": "c1"}
    server.answer(
        page("organizations", {"id": 1, "external_id": "a", "name": "A"}, meta=more),
        page("organizations", {"id": 2, "external_id": "b", "name": "B"}),
    )

    parts = list(desk.read_back(ORGANIZATIONS, None))

    assert [part.rows["sync_key"].to_pylist() for part in parts] == [["a"], ["b"]]


def test_a_page_that_names_itself_is_no_list(server: Server, desk: Zendesk) -> None:
    """A list that would never end is passing trouble."""
    server.answer(page("organizations", meta={"has_more": True, "after_cursor": "c1"}))

    with pytest.raises(Transient):
        list(desk.read_back(ORGANIZATIONS, None))


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        b'{"users": {}}',
        b'{"users": ""}',
        b'{"users": [7]}',
        b'{"users": [{"external_id": "a"}]}',
        b'{"users": [{"id": "7", "external_id": "a"}]}',
        b'{"users": [{"id": 7, "external_id": "a", "user_fields": 3}]}',
    ],
)
def test_an_answer_that_is_none_is_not_taken_for_an_empty_account(
    server: Server, desk: Zendesk, answer: bytes
) -> None:
    """Whatever does not have the promised shape is passing trouble, never "nothing is there"."""
    server.answer(Scripted(answer))

    with pytest.raises(Transient):
        list(desk.read_back(USERS, ["a"]))


def test_people_are_found_by_their_very_address(server: Server, desk: Zendesk) -> None:
    """A search finds more than was asked for; who has the address, and its key, is told."""
    found = [
        user(7, None, email="kim@example.com"),
        user(8, "u-8", email="not.kim@example.com"),
    ]
    server.answer(Scripted({"users": found, "count": 2}))

    (match,) = desk.find(USERS, "email", ["Kim@Example.com "])

    assert match.rows.to_pylist() == [
        {"value": "Kim@Example.com ", "destination_id": "7", "sync_key": None}
    ]


def test_what_cannot_be_searched_is_said(desk: Zendesk) -> None:
    """Users are found by e-mail alone, memberships by nothing."""
    for target in (USERS, MEMBERSHIPS):
        with pytest.raises(ConfigurationError, match="cannot be found by 'phone'"):
            list(desk.find(target, "phone", ["1"]))
