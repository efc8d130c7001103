"""Rows into bodies."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from activation.contract.model import NullPolicy
from activation.destinations.base import Target
from activation.destinations.hubspot import encode
from activation_tests.destinations.hubspot.rows import FIRST_NAME, KEY, contacts, mapping

KEPT = mapping("city", "text(80)", NullPolicy.KEEP)


def inputs(body: bytes) -> list[dict[str, Any]]:
    """Return the inputs of a body."""
    found: list[dict[str, Any]] = json.loads(body)["inputs"]
    return found


def upserted(target: Target, **columns: Any) -> list[dict[str, Any]]:
    """Return the properties of an upsert's inputs."""
    body = encode.upserts(target, pa.table(columns), most=100)
    return [one["properties"] for one in inputs(body)]


def test_every_value_travels_as_text() -> None:
    """Numbers keep their digits, dates their day, moments their millisecond, truth its word."""
    fields = (
        mapping("seats", "integer"),
        mapping("score", "decimal(9,4)"),
        mapping("active", "boolean"),
        mapping("day", "date"),
        mapping("at", "timestamp"),
    )

    (properties,) = upserted(
        contacts(*fields),
        sync_key=["u-0"],
        seats=[7],
        score=pa.array([Decimal("0.0001")], pa.decimal128(9, 4)),
        active=[True],
        day=[date(2026, 9, 1)],
        at=pa.array([datetime(2026, 9, 1, 10, 0, 0, 1234, UTC)], pa.timestamp("us", "UTC")),
    )

    assert properties == {
        KEY: "u-0",
        "seats": "7",
        "score": "0.0001",
        "active": "true",
        "day": "2026-09-01",
        "at": "2026-09-01T10:00:00.001Z",
    }


def test_an_empty_value_clears_or_is_left_out() -> None:
    """Cleared with empty text, kept by saying nothing, and never null."""
    found = upserted(
        contacts(FIRST_NAME, KEPT),
        sync_key=["u-0", "u-1"],
        firstname=["Kim", None],
        city=[None, "Graz"],
    )

    assert found == [
        {KEY: "u-0", "firstname": "Kim"},
        {KEY: "u-1", "firstname": "", "city": "Graz"},
    ]


def test_only_changed_fields_travel_where_they_are_named() -> None:
    """A null among those named empties the field, whatever its policy; no list means all."""
    found = upserted(
        contacts(FIRST_NAME, KEPT),
        sync_key=["u-0", "u-1", "u-2"],
        firstname=["Kim", "Lee", None],
        city=["Graz", None, None],
        changed=[["firstname"], ["city"], None],
    )

    assert found == [
        {KEY: "u-0", "firstname": "Kim"},
        {KEY: "u-1", "city": ""},
        {KEY: "u-2", "firstname": ""},
    ]


def test_an_address_as_key_is_in_lower_case() -> None:
    """As HubSpot keeps it, in the id and in the property."""
    rows = pa.table({"sync_key": [" Kim@Example.com "], "firstname": ["Kim"]})

    (one,) = inputs(encode.upserts(contacts(FIRST_NAME, key="email"), rows, most=100))

    assert one["id"] == one["properties"]["email"] == "kim@example.com"
    assert one["idProperty"] == "email"


def test_each_row_has_a_trace_id_of_its_own() -> None:
    """Its place, so that the same rows give the same bytes."""
    rows = pa.table({"sync_key": ["u-9", "u-8"], "firstname": ["a", "b"]})
    target = contacts(FIRST_NAME)

    body = encode.upserts(target, rows, most=100)

    assert [one["objectWriteTraceId"] for one in inputs(body)] == ["0", "1"]
    assert body == encode.upserts(target, rows, most=100)


def test_an_update_never_mixes_record_ids_and_keys() -> None:
    """Rows with a known record go in a body of their own; trace ids stay what they were."""
    rows = pa.table(
        {
            "sync_key": ["u-0", "u-1", "u-2"],
            "firstname": ["a", "b", "c"],
            "destination_id": [None, "101", "not-an-id"],
        }
    )

    by_key, by_id = map(inputs, encode.updates(contacts(FIRST_NAME), rows, most=100).splitlines())

    assert [(i["id"], i["idProperty"], i["objectWriteTraceId"]) for i in by_key] == [
        ("u-0", KEY, "0"),
        ("u-2", KEY, "2"),
    ]
    assert by_id == [
        {
            "id": "101",
            "objectWriteTraceId": "1",
            "properties": {KEY: "u-1", "firstname": "b"},
        }
    ]


def test_a_create_has_the_parts_that_are_described() -> None:
    """Associations are required there, and are none."""
    rows = pa.table({"sync_key": ["u-0"], "firstname": ["Kim"]})

    (one,) = inputs(encode.creates(contacts(FIRST_NAME), rows, most=100))

    assert one == {
        "objectWriteTraceId": "0",
        "properties": {KEY: "u-0", "firstname": "Kim"},
        "associations": [],
    }


@pytest.mark.parametrize("keys", [["u-0"] * 101, ["u-0", None], ["u-0", "  "]])
def test_rows_that_cannot_travel_are_refused(keys: list[str | None]) -> None:
    """More than a hundred, or one without a key, which would make a record at every attempt."""
    rows = pa.table({"sync_key": pa.array(keys, pa.string()), "firstname": ["x"] * len(keys)})

    with pytest.raises(ValueError, match=r"rows do not fit|no sync key"):
        encode.upserts(contacts(FIRST_NAME), rows, most=100)
