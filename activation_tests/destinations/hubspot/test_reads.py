"""Reads as they travel: what is asked, and what of the answer is believed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from activation.destinations.base import Target
from activation.destinations.hubspot.destination import HubSpot
from activation.errors import BatchRefused, ConfigurationError, QuotaRefused, Transient
from activation_tests.destinations.hubspot.rows import (
    FIRST_NAME,
    KEY,
    TARGET,
    absent,
    batch,
    contacts,
    mapping,
    members,
    opt_outs,
    record,
)
from activation_tests.destinations.hubspot.test_send import BURST, DAILY
from activation_tests.destinations.scripted import Scripted, Seen, Server
from activation_tests.sync.project import LeapingClock

READ = "/crm/v3/objects/contacts/batch/read"


def keys_read(hubspot: HubSpot, keys: list[str] | None, target: Target = TARGET) -> list[Any]:
    """Return the keys that a read brings back."""
    pages = list(hubspot.read_back(target, keys))
    return [key for page in pages for key in page.rows["sync_key"].to_pylist()]


def test_a_read_is_what_hubspot_describes(hubspot: HubSpot, server: Server) -> None:
    """All that the description requires; a 207 names what is missing."""
    found = batch(record(101, customer_key="u-0", firstname="Kim"), errors=(absent("u-1"),))
    server.answer(Scripted(found, 207))

    (page,) = hubspot.read_back(TARGET, ["u-0", "u-1", " ", "u-0"])

    (seen,) = server.calls()
    assert (seen.method, seen.path) == ("POST", READ)
    assert json.loads(seen.body) == {
        "idProperty": KEY,
        "inputs": [{"id": "u-0"}, {"id": "u-1"}],
        "properties": [KEY, "firstname"],
        "propertiesWithHistory": [],
    }
    assert page.rows.to_pylist() == [
        {"sync_key": "u-0", "destination_id": "101", "firstname": "Kim"}
    ]


def test_keys_are_asked_for_a_hundred_at_a_time(hubspot: HubSpot, server: Server) -> None:
    """250 keys are three requests."""
    server.respond = lambda seen: Scripted(
        batch(
            *(
                record(n, customer_key=one["id"])
                for n, one in enumerate(json.loads(seen.body)["inputs"], start=101)
            )
        )
    )
    keys = [f"u-{n}" for n in range(250)]

    assert sorted(keys_read(hubspot, keys, contacts())) == sorted(keys)
    assert [len(json.loads(seen.body)["inputs"]) for seen in server.calls()] == [100, 100, 50]


def test_text_becomes_values(hubspot: HubSpot, server: Server) -> None:
    """Everything comes as text; what is of another kind than the contract's reads as null."""
    fields = (
        mapping("seats", "integer"),
        mapping("score", "decimal(5,2)"),
        mapping("active", "boolean"),
        mapping("day", "date"),
        mapping("at", "timestamp"),
    )
    server.answer(
        Scripted(
            batch(
                record(
                    101,
                    customer_key="a",
                    seats="7.0",
                    score="1.5",
                    active="true",
                    day="2026-09-01",
                    at="2026-09-01T10:00:00.500Z",
                ),
                record(
                    102,
                    customer_key="b",
                    seats="many",
                    score="NaN",
                    active="perhaps",
                    day="1788220800000",
                    at="1788256800000",
                ),
                record(103, customer_key="c", seats="", score=None),
            )
        )
    )

    (page,) = hubspot.read_back(contacts(*fields), ["a", "b", "c"])

    rows = {row.pop("sync_key"): row for row in page.rows.to_pylist()}
    assert rows["a"] == {
        "destination_id": "101",
        "seats": 7,
        "score": Decimal("1.50"),
        "active": True,
        "day": date(2026, 9, 1),
        "at": datetime(2026, 9, 1, 10, 0, 0, 500_000, UTC),
    }
    assert rows["b"] == {
        "destination_id": "102",
        "seats": None,
        "score": None,
        "active": None,
        "day": date(2026, 9, 1),
        "at": datetime(2026, 9, 1, 10, 0, tzinfo=UTC),
    }
    assert set(rows["c"].values()) == {"103", None}


@pytest.mark.parametrize(
    "answer",
    [
        batch(record(101, customer_key="u-0")),
        batch(record(101, customer_key="u-0"), errors=({**absent("u-1"), "category": "X"},)),
        batch(record(101, customer_key="u-0"), errors=(absent("u-1"),), status="PENDING"),
        batch({"id": "101"}, errors=(absent("u-1"),)),
        {"results": "none"},
        b"<html>",
    ],
)
def test_silence_is_not_absence(hubspot: HubSpot, server: Server, answer: Any) -> None:
    """A key is missing only if the answer says so: all else is trouble, and tried again."""
    server.answer(Scripted(answer))

    with pytest.raises(Transient) as caught:
        list(hubspot.read_back(TARGET, ["u-0", "u-1"]))

    assert (caught.value.code, caught.value.applied) == ("GARBLED_ANSWER", "no")


def test_a_contact_is_found_by_any_of_its_addresses(hubspot: HubSpot, server: Server) -> None:
    """The other addresses are unique too, and are told in a property of their own."""
    server.answer(
        Scripted(
            batch(
                record(
                    101,
                    email="kim@example.com",
                    hs_additional_emails="k@example.com;old@example.com",
                    customer_key="u-0",
                ),
                errors=(absent("lee@example.com"),),
            )
        ),
    )
    # What the properties say is not needed for what is known of e-mail.
    server.respond = _with_properties(server.answers[0], {"name": "email", "type": "string"})

    (match,) = hubspot.find(
        TARGET, "email", ["Old@Example.com", "lee@example.com", "kim@example.com"]
    )

    assert sorted(row["value"] for row in match.rows.to_pylist()) == [
        "Old@Example.com",
        "kim@example.com",
    ]
    assert set(match.rows["sync_key"].to_pylist()) == {"u-0"}


def _with_properties(answer: Scripted, *described: dict[str, Any]) -> Any:
    def respond(seen: Seen) -> Scripted:
        if "/properties/" in seen.path:
            return Scripted({"results": list(described)})
        return answer

    return respond


def test_a_search_is_what_hubspot_describes(hubspot: HubSpot, server: Server) -> None:
    """Lower-case values, sorted by id, all that the description requires."""
    found = {"total": 1, "results": [record(101, city="GRAZ", customer_key=None)]}
    server.respond = _with_properties(Scripted(found), {"name": "city", "type": "string"})

    (match,) = hubspot.find(TARGET, "city", ["Graz"])

    seen = server.calls()[-1]
    assert seen.path == "/crm/v3/objects/contacts/search"
    assert json.loads(seen.body) == {
        "filterGroups": [
            {"filters": [{"propertyName": "city", "operator": "IN", "values": ["graz"]}]}
        ],
        "properties": ["city", KEY],
        "sorts": ["hs_object_id"],
        "limit": 200,
        "after": "0",
    }
    assert match.rows.to_pylist() == [{"value": "Graz", "destination_id": "101", "sync_key": None}]


def test_a_search_never_outgrows_its_body(hubspot: HubSpot, server: Server) -> None:
    """3,000 characters are all that a body may have."""
    server.respond = _with_properties(
        Scripted({"total": 0, "results": []}), {"name": "city", "type": "string"}
    )
    values = [f"{'x' * 90}-{n}" for n in range(70)]

    list(hubspot.find(TARGET, "city", values))

    bodies = [seen.body for seen in server.calls() if seen.path.endswith("/search")]
    assert all(len(body) <= 3000 for body in bodies)
    asked = [v for b in bodies for v in json.loads(b)["filterGroups"][0]["filters"][0]["values"]]
    assert sorted(asked) == sorted(values)


@pytest.mark.parametrize("by", ["nothing", "no such"])
def test_an_unknown_property_finds_nobody(hubspot: HubSpot, server: Server, by: str) -> None:
    """It is a mistake in the contract."""
    server.answer(Scripted({"results": [{"name": "city", "type": "string"}]}))

    with pytest.raises(ConfigurationError, match="no property"):
        list(hubspot.find(TARGET, by, ["x"]))


def test_a_page_that_leads_nowhere_ends_a_read(hubspot: HubSpot, server: Server) -> None:
    """The same page twice would never end."""
    page = {"results": [record(101, customer_key="u-0")], "paging": {"next": {"after": "101"}}}
    server.answer(Scripted(page))

    with pytest.raises(Transient, match="cannot be read"):
        keys_read(hubspot, None)


def test_records_without_a_key_of_ours_are_left_out(hubspot: HubSpot, server: Server) -> None:
    """A full read lists all records of the account."""
    server.answer(
        Scripted({"results": [record(101, customer_key="u-0"), record(102, customer_key=None)]})
    )

    assert keys_read(hubspot, None) == ["u-0"]

    (seen,) = server.calls()
    assert (seen.path, seen.query["limit"]) == ("/crm/v3/objects/contacts", ["100"])
    assert seen.query["properties"] == [f"{KEY},firstname"]


def test_a_read_comes_back_when_it_is_asked_to(
    hubspot: HubSpot, server: Server, clock: LeapingClock
) -> None:
    """It waits out the ten seconds, and an outage; not the day."""
    fine = Scripted(batch(record(101, customer_key="u-0")))
    server.answer(Scripted(BURST, 429), Scripted(b"", 503), fine)

    assert keys_read(hubspot, ["u-0"], contacts()) == ["u-0"]
    assert 10 < clock.waited < 20

    server.answers.clear()
    server.answer(Scripted(DAILY, 429))
    with pytest.raises(QuotaRefused):
        keys_read(hubspot, ["u-0"], contacts())


def test_a_read_gives_up_in_time(hubspot: HubSpot, server: Server, clock: LeapingClock) -> None:
    """After two minutes it is somebody else's turn to decide."""
    server.answer(Scripted(b"", 502))

    with pytest.raises(Transient):
        keys_read(hubspot, ["u-0"])

    assert clock.waited <= 120


def test_reads_keep_to_the_limit(hubspot: HubSpot, server: Server, clock: LeapingClock) -> None:
    """As many in a window as the answers say; the next one waits for it to pass."""
    told = {"X-HubSpot-RateLimit-Max": "3", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"}
    server.answer(Scripted(batch(record(101, customer_key="u-0")), headers=told))

    waits = []
    for _ in range(7):
        keys_read(hubspot, ["u-0"], contacts())
        waits.append(clock.waited)

    assert waits == [0, 0, 0, 10, 10, 10, 20]


def test_searches_keep_to_their_own_limit(
    hubspot: HubSpot, server: Server, clock: LeapingClock
) -> None:
    """Five a second."""
    server.respond = _with_properties(
        Scripted({"total": 0, "results": []}), {"name": "city", "type": "string"}
    )

    waits = []
    for _ in range(11):
        list(hubspot.find(TARGET, "city", ["x"]))
        waits.append(clock.waited)

    assert waits == [0] * 5 + [1] * 5 + [2]


def test_all_opt_outs_cannot_be_read(hubspot: HubSpot) -> None:
    """Statuses are read by address."""
    with pytest.raises(ConfigurationError, match="no way to read all"):
        keys_read(hubspot, None, opt_outs())


def test_lists_and_subscriptions_are_not_searched(hubspot: HubSpot) -> None:
    """Only records have properties to be found by."""
    with pytest.raises(ConfigurationError, match="cannot find"):
        list(hubspot.find(members(), "city", ["x"]))


def test_a_key_that_is_not_unique_is_told(hubspot: HubSpot, server: Server) -> None:
    """HubSpot refuses to read by it."""
    server.answer(Scripted({"category": "VALIDATION_ERROR", "message": "non-unique"}, 400))

    with pytest.raises(BatchRefused):
        keys_read(hubspot, ["u-0"], contacts(FIRST_NAME, key="city"))
