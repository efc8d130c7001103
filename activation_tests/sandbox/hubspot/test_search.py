"""Search, and that it lags."""

from __future__ import annotations

from typing import Any

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.hubspot.portal import KEY, Portal, refusal, row
from activation_tests.sandbox.turning_clock import TurningClock


@pytest.fixture
def three(portal: Portal, clock: TurningClock) -> Portal:
    """Return a portal of three contacts that a search sees."""
    for number, grade in enumerate("ABC", start=1):
        portal.upsert(
            row(
                f"u-{number}",
                email=f"p{number}@example.com",
                lead_score=number * 10,
                lead_grade=grade,
                firstname="Kim" if number < 3 else "",
                last_scored_on=f"2026-09-0{number}",
            )
        )
    clock.turn(10)
    return portal


def test_a_search_sees_a_write_only_later(
    portal: Portal, sandbox: Sandbox, clock: TurningClock
) -> None:
    """What was there before is still found, as it was; the lag can be set."""
    sandbox.set_quirk("hubspot", "search_lag", 30)
    portal.made("u-1", firstname="Kim")
    assert portal.found("firstname", "EQ", value="Kim") == []
    clock.turn(31)
    assert portal.found("firstname", "EQ", value="kim") == ["u-1"]

    portal.upsert(row("u-1", firstname="Lee"))

    assert portal.found("firstname", "EQ", value="Kim") == ["u-1"]
    assert portal.found("firstname", "EQ", value="Lee") == []
    clock.turn(31)
    assert portal.found("firstname", "EQ", value="Lee") == ["u-1"]


def test_a_record_archived_since_counts_and_does_not_come(
    portal: Portal, clock: TurningClock
) -> None:
    """As recorded: `{"total":1,"results":[]}`; later it does not even count."""
    identity = portal.made("u-1")["u-1"]
    clock.turn(10)
    portal.batch("archive", {"id": identity})

    assert portal.search({"filterGroups": []}).json() == {"total": 1, "results": []}
    clock.turn(10)
    assert portal.search({"filterGroups": []}).json() == {"total": 0, "results": []}


@pytest.mark.parametrize(
    ("name", "operator", "more", "keys"),
    [
        ("lead_score", "GT", {"value": "9"}, ["u-1", "u-2", "u-3"]),
        ("lead_score", "LTE", {"value": "20"}, ["u-1", "u-2"]),
        ("lead_score", "BETWEEN", {"value": "15", "highValue": "30"}, ["u-2", "u-3"]),
        ("lead_score", "NEQ", {"value": "10"}, ["u-2", "u-3"]),
        ("firstname", "HAS_PROPERTY", {}, ["u-1", "u-2"]),
        ("firstname", "NOT_HAS_PROPERTY", {}, ["u-3"]),
        ("email", "IN", {"values": ["p1@example.com", "p3@example.com"]}, ["u-1", "u-3"]),
        ("lead_grade", "IN", {"values": ["A"]}, []),
        ("lead_grade", "NOT_IN", {"values": ["a"]}, ["u-2", "u-3"]),
        ("email", "CONTAINS_TOKEN", {"value": "*example.com"}, ["u-1", "u-2", "u-3"]),
        ("last_scored_on", "GTE", {"value": "1788307200000"}, ["u-2", "u-3"]),
    ],
)
def test_each_operator(
    three: Portal, name: str, operator: str, more: dict[str, Any], keys: list[str]
) -> None:
    """Numbers and dates go by size; lists of text are compared in lower case."""
    assert three.found(name, operator, **more) == keys


def test_groups_are_either_and_filters_all(three: Portal) -> None:
    """One of the groups must fit, with all of its filters."""
    groups = [
        {
            "filters": [
                {"propertyName": "firstname", "operator": "EQ", "value": "Kim"},
                {"propertyName": "lead_score", "operator": "GT", "value": "10"},
            ]
        },
        {"filters": [{"propertyName": "lead_grade", "operator": "EQ", "value": "C"}]},
    ]

    answer = three.search({"filterGroups": groups, "properties": [KEY]}).json()

    assert sorted(r["properties"][KEY] for r in answer["results"]) == ["u-2", "u-3"]


def test_results_are_sorted_and_paged(three: Portal) -> None:
    """One property sorts; each page says where the next begins."""
    body = {
        "filterGroups": [],
        "sorts": [{"propertyName": "lead_score", "direction": "DESCENDING"}],
        "properties": [KEY],
        "limit": 2,
    }
    first = three.search(body).json()
    second = three.search({**body, "after": first["paging"]["next"]["after"]}).json()

    keys = [r["properties"][KEY] for page in (first, second) for r in page["results"]]
    assert keys == ["u-3", "u-2", "u-1"]
    assert (first["total"], "paging" in second) == (3, False)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "9990", "limit": 20},
        {"sorts": ["lead_score", "email"]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "email"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "no", "operator": "EQ", "value": "x"}]}]},
        {"query": "x" * 3000},
    ],
)
def test_a_search_beyond_the_limits_is_refused(portal: Portal, body: dict[str, Any]) -> None:
    """Page size, 10,000 results, one sort, 5 groups, 3,000 characters."""
    assert refusal(portal.search({"filterGroups": [], **body})) == (400, "VALIDATION_ERROR")


def test_the_number_of_filters_is_18_or_25(portal: Portal, sandbox: Sandbox) -> None:
    """Two pages of the vendor differ: a quirk."""
    one = {"propertyName": "email", "operator": "HAS_PROPERTY"}
    groups = [{"filters": [one] * 5}] * 4
    assert refusal(portal.search({"filterGroups": groups}))[0] == 400

    sandbox.set_quirk("hubspot", "search_filters", 25)

    assert portal.search({"filterGroups": groups}).status_code == 200
