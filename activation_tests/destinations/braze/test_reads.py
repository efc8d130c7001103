from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from activation.contract.model import FieldKind
from activation.destinations.base import Connection
from activation.destinations.braze.describe import next_cursor
from activation.destinations.braze.destination import Braze
from activation.destinations.braze.readback import chunks
from activation.errors import AccessRefused, ConfigurationError, Transient
from activation_tests.destinations.braze.rows import TARGET, events, group, mapping, users
from activation_tests.destinations.scripted import Scripted, Seen, Server
from activation_tests.sync.project import LeapingClock

FIELDS = (
    mapping("first_name", "text(80)"),
    mapping("dob", "date"),
    mapping("plan", "text(9)"),
    mapping("score", "decimal(5,2)"),
    mapping("seats", "integer"),
    mapping("active", "boolean"),
    mapping("scored_at", "timestamp"),
    mapping("audiences[a]", "boolean"),
)
PROFILE = {
    "created_at": "2026-09-01T10:00:00.000Z",
    "external_id": "u-1",
    "user_aliases": [],
    "braze_id": "6143f05d4b89127fd61e2dbf",
    "first_name": "Kim",
    "dob": "1980-12-21T00:00:00.000Z",
    "custom_attributes": {
        "plan": "pro",
        "score": 7.1,
        "seats": 3.0,
        "active": True,
        "scored_at": "2026-09-01T12:00:00.000+02:00",
        "audiences": ["a", "b"],
    },
    "email_subscribe": "subscribed",
}


def exported(*users: dict[str, Any], unknown: tuple[str, ...] = ()) -> Scripted:
    """Return an answer of /users/export/ids."""
    document: dict[str, Any] = {"users": list(users), "message": "success"}
    if unknown:
        document["invalid_user_ids"] = list(unknown)
    return Scripted(document, 201)


def test_a_profile_comes_back_as_it_was_sent(braze: Braze, server: Server) -> None:
    """Dates are told in full, numbers as floats, elements by being in their array."""
    server.answer(exported(PROFILE, unknown=("u-404",)))

    (page,) = braze.read_back(users(*FIELDS), ["u-1", "u-404"])

    assert page.rows.to_pylist() == [
        {
            "sync_key": "u-1",
            "destination_id": "6143f05d4b89127fd61e2dbf",
            "first_name": "Kim",
            "dob": date(1980, 12, 21),
            "plan": "pro",
            "score": Decimal("7.10"),
            "seats": 3,
            "active": True,
            "scored_at": datetime(2026, 9, 1, 10, tzinfo=UTC),
            "audiences[a]": True,
        }
    ]
    (seen,) = server.calls()
    assert (seen.method, seen.path) == ("POST", "/users/export/ids")
    assert json.loads(seen.body) == {
        "external_ids": ["u-1", "u-404"],
        "fields_to_export": ["external_id", "braze_id", "first_name", "dob", "custom_attributes"],
    }


def test_values_of_another_kind_read_as_null(braze: Braze, server: Server) -> None:
    """A custom attribute can hold anything; what does not fit is no value of ours."""
    odd = {"plan": ["x"], "score": "7", "seats": True, "active": 1, "scored_at": 5, "audiences": 3}
    server.answer(exported({"external_id": "u-1", "custom_attributes": odd, "dob": "soon"}))

    (page,) = braze.read_back(users(*FIELDS), ["u-1"])

    (row,) = page.rows.to_pylist()
    assert row["plan"] == '["x"]'
    assert {row[f] for f in ("score", "seats", "active", "scored_at", "dob")} == {None}
    assert row["audiences[a]"] is False


def test_keys_are_asked_for_fifty_at_a_time(braze: Braze, server: Server) -> None:
    """Repeated and empty keys are left out; each page is one request of at most 50 ids."""
    server.answer(exported())

    pages = list(braze.read_back(TARGET, [*(f"u-{n}" for n in range(101)), "u-1", " "]))

    assert len(pages) == 3
    asked = [json.loads(seen.body)["external_ids"] for seen in server.calls()]
    assert [len(ids) for ids in asked] == [50, 50, 1]


def test_long_keys_make_short_addresses() -> None:
    """Keys that stand in an address are as many as it may be long."""
    keys = [f"{n}{'ü' * 400}" for n in range(9)]

    found = list(chunks(keys, 6_000))

    assert [key for chunk in found for key in chunk] == keys
    assert all(len(chunk) <= 2 for chunk in found)


def test_members_are_those_who_are_subscribed(braze: Braze, server: Server) -> None:
    """Who was never asked or has left is no member; with the state mapped, who left is told."""
    told = {"u-1": "Subscribed", "u-2": "Unsubscribed", "u-3": "Unknown"}
    server.answer(Scripted({"status": told, "message": "success"}))
    state = mapping("subscription_state", "text(20)")

    (members,) = braze.read_back(group(), ["u-1", "u-2", "u-3"])
    (states,) = braze.read_back(group(state), ["u-1", "u-2", "u-3"])

    assert members.rows["sync_key"].to_pylist() == ["u-1"]
    assert states.rows.select(["sync_key", "subscription_state"]).to_pylist() == [
        {"sync_key": "u-1", "subscription_state": "subscribed"},
        {"sync_key": "u-2", "subscription_state": "unsubscribed"},
    ]
    seen = server.calls()[0]
    assert (seen.method, seen.path) == ("GET", "/subscription/status/get")
    assert seen.query == {
        "subscription_group_id": ["g-1"],
        "external_id[]": ["u-1", "u-2", "u-3"],
    }


def test_what_braze_cannot_list_is_said(braze: Braze) -> None:
    """There is no list of all profiles, and no reading of single events."""
    event = events(mapping("external_id", "text(9)"), mapping("time", "timestamp"))

    with pytest.raises(ConfigurationError, match="all users"):
        next(braze.read_back(TARGET, None))
    with pytest.raises(ConfigurationError, match="single events"):
        next(braze.read_back(event, ["e-1"]))


def test_profiles_are_found_by_address(braze: Braze, server: Server) -> None:
    """Each address is one request; profiles without an external id of ours come with null."""
    alias_only = {"braze_id": "b-2", "user_aliases": []}
    server.answer(exported(PROFILE, alias_only), exported())

    first, second = braze.find(TARGET, "email", ["kim@example.com", "lee@example.com"])

    assert first.rows.to_pylist() == [
        {"value": "kim@example.com", "destination_id": PROFILE["braze_id"], "sync_key": "u-1"},
        {"value": "kim@example.com", "destination_id": "b-2", "sync_key": None},
    ]
    assert second.rows.num_rows == 0
    assert json.loads(server.calls()[0].body)["email_address"] == "kim@example.com"
    with pytest.raises(ConfigurationError, match="by 'plan'"):
        next(braze.find(TARGET, "plan", ["pro"]))


def test_reads_wait_for_a_limit(braze: Braze, server: Server, clock: LeapingClock) -> None:
    """A read that is one too many waits until the vendor's reset, and comes again."""
    reset = int(clock.now().timestamp()) + 40
    headers = {
        "X-RateLimit-Reset": str(reset),
        "Date": clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT"),
    }
    server.answer(Scripted({"message": "Over rate limit"}, 429, headers), exported(PROFILE))

    (page,) = braze.read_back(TARGET, ["u-1"])

    assert (page.rows.num_rows, page.requests) == (1, 2)
    assert clock.waited == 40


def test_reads_stop_before_a_limit(braze: Braze, server: Server, clock: LeapingClock) -> None:
    """When an answer says that it was the window's last, the next read waits for the reset."""

    def respond(_: Seen) -> Scripted:
        now = clock.now()
        headers = {
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(int((now + timedelta(seconds=25)).timestamp())),
            "Date": now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }
        return Scripted(exported().body, 201, headers)

    server.respond = respond

    assert len(list(braze.read_back(TARGET, [f"u-{n}" for n in range(150)]))) == 3
    assert clock.waited == 50


def test_reads_give_up_at_last(braze: Braze, server: Server, clock: LeapingClock) -> None:
    """A vendor that answers nothing sensible is asked four times, with growing waits."""
    server.answer(Scripted(b"", 500))

    with pytest.raises(Transient):
        next(braze.read_back(TARGET, ["u-1"]))

    assert len(server.calls()) == 4
    assert clock.waited == 1 + 2 + 4


def test_nobody_is_waited_for_who_is_not_there(clock: LeapingClock) -> None:
    """A host that takes no connection is told at once."""
    braze = Braze(Connection("engage", "braze", "http://127.0.0.1:9", {"api_key": "k"}), clock)

    with pytest.raises(Transient) as caught:
        next(braze.read_back(TARGET, ["u-1"]))

    assert caught.value.code == "NO_CONNECTION"
    assert clock.waited == 0


def attribute(name: str, data_type: str, status: str = "Active") -> dict[str, Any]:
    """Return a custom attribute as Braze lists it."""
    return {
        "array_length": None,
        "data_type": data_type,
        "description": None,
        "name": name,
        "status": status,
        "tag_names": [],
    }


def test_attributes_are_described_page_by_page(braze: Braze, server: Server) -> None:
    """The Link header leads on; types are read by their first word."""
    server.answer(
        Scripted(
            {
                "message": "success",
                "attributes": [
                    attribute("plan", "String (Automatically Detected)"),
                    attribute("score", "Number"),
                    attribute("active", "Boolean"),
                ],
            },
            200,
            {"Link": '<https://elsewhere.example.com/custom_attributes?cursor=c1>; rel="next"'},
        ),
        Scripted(
            {
                "message": "success",
                "attributes": [
                    attribute("scored_at", "Time"),
                    attribute("tags", "Array"),
                    attribute("nested", "Object"),
                    attribute("old", "String", "Blocklisted"),
                ],
            }
        ),
    )

    schema = braze.describe("users")

    fields = schema.fields
    assert fields["plan"].kind is FieldKind.TEXT
    assert fields["plan"].length == 255
    assert fields["score"].kind is FieldKind.DECIMAL
    assert fields["active"].kind is FieldKind.BOOLEAN
    assert fields["scored_at"].takes == (FieldKind.DATE,)
    assert not fields["nested"].writable
    assert not fields["old"].writable
    element = schema.field("tags[winback]")
    assert element is not None
    assert element.kind is FieldKind.BOOLEAN
    assert schema.field("plam") is None
    assert fields["email"].email
    assert fields["external_id"].unique
    assert [seen.query for seen in server.calls()] == [{}, {"cursor": ["c1"]}]
    assert [seen.path for seen in server.calls()] == ["/custom_attributes"] * 2


def test_a_cursor_that_leads_in_a_circle_ends(braze: Braze, server: Server) -> None:
    """Pages that go on for ever are told as an answer that cannot be read."""
    page = {"message": "success", "attributes": [attribute("plan", "String")]}
    server.answer(Scripted(page, 200, {"Link": '</custom_attributes?cursor=x>; rel="next"'}))

    with pytest.raises(Transient):
        braze.describe("users")

    assert len(server.calls()) == 2


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ("", None),
        ('<https://h/c?cursor=a%3D>; rel="next"', "a="),
        ("<https://h/c?cursor=a>; rel=next", "a"),
        ('<https://h/c?cursor=a>; rel="prev", <https://h/c?cursor=b>; rel="next"', "b"),
        ('<https://h/c?cursor=a>; rel="prev"', None),
        ('<https://h/c>; rel="next"', None),
    ],
)
def test_the_next_page_is_read_from_the_link(link: str, cursor: str | None) -> None:
    """Only the link called next counts, and of it only the cursor."""
    assert next_cursor(link) == cursor


def test_preflight_tells_what_is_missing_and_what_is_too_much(braze: Braze, server: Server) -> None:
    """A permission is held where a request without data is refused for that."""
    held = {"/users/track", "/users/export/ids", "/users/delete"}

    def respond(seen: Seen) -> Scripted:
        if seen.path in held:
            return Scripted({"message": "Valid data must be provided"}, 400)
        return Scripted({"message": "Access Denied"}, 403)

    server.respond = respond

    grants = {g.permission: (g.held, g.needed) for g in braze.preflight(TARGET)}

    assert grants == {
        "users.track": (True, True),
        "users.export.ids": (True, True),
        "custom_attributes.get": (False, True),
        "users.delete": (True, False),
    }
    assert {seen.body for seen in server.calls() if seen.method == "POST"} == {b"{}"}


def test_preflight_of_a_key_that_is_not_accepted(braze: Braze, server: Server) -> None:
    """A key that may do nothing is a key that is not accepted."""
    server.answer(Scripted({"message": "Invalid API Key"}, 401))

    with pytest.raises(AccessRefused, match="INVALID_API_KEY"):
        braze.preflight(TARGET)
