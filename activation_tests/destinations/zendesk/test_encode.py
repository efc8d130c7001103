from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import NullPolicy
from activation.destinations.base import Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.encode import encode, rows_of, words
from activation.errors import ConfigurationError
from activation_tests.destinations.zendesk.desk import MEMBERSHIPS, ORGANIZATIONS, USERS, mapped

FIELDS = (
    mapped("name", "text(80)", NullPolicy.HOLD),
    mapped("email", "text(80)"),
    mapped("phone", "text(80)", NullPolicy.KEEP),
    mapped("tags", "text(80)"),
    mapped("organization.external_id", "text(80)"),
    mapped("user_fields.plan", "text(80)"),
    mapped("user_fields.health", "decimal(5,2)"),
    mapped("user_fields.seats", "integer"),
    mapped("user_fields.vip", "boolean"),
    mapped("user_fields.since", "date"),
)
EVERYTHING = replace(USERS, fields=FIELDS)
FULL: dict[str, Any] = {
    "sync_key": ["u-1"],
    "name": ["Kim Example"],
    "email": ["Kim@Example.com"],
    "phone": ["+1 555 0100"],
    "tags": ["VIP early-bird, vip"],
    "organization.external_id": ["A-1"],
    "user_fields.plan": ["team"],
    "user_fields.health": pa.array([Decimal("71.10")], pa.decimal128(5, 2)),
    "user_fields.seats": [3],
    "user_fields.vip": [True],
    "user_fields.since": [date(2026, 9, 1)],
}
EMPTY: dict[str, Any] = {
    **{name: pa.array([None], pa.array(values).type) for name, values in FULL.items()},
    "sync_key": ["u-1"],
}


def sent(target: Target, columns: dict[str, Any]) -> Any:
    """Return the rows of a request."""
    (rows,) = json.loads(encode(target, pa.table(columns), most=100)).values()
    return rows


def test_every_kind_of_value_is_written_as_zendesk_reads_it() -> None:
    """Custom fields stand in a folder, the organization is named, no mail goes to new users."""
    assert sent(EVERYTHING, FULL) == [
        {
            "external_id": "u-1",
            "skip_verify_email": True,
            "name": "Kim Example",
            "email": "kim@example.com",
            "phone": "+1 555 0100",
            "tags": ["vip", "early-bird"],
            "organization_id": {"external_id": "A-1"},
            "user_fields": {
                "plan": "team",
                "health": 71.1,
                "seats": 3,
                "vip": True,
                "since": "2026-09-01",
            },
        }
    ]


def test_nulls_follow_their_policy() -> None:
    """Cleared fields are null, lists empty, checkboxes off; an address is never emptied."""
    assert sent(EVERYTHING, EMPTY) == [
        {
            "external_id": "u-1",
            "skip_verify_email": True,
            "tags": [],
            "organization_id": None,
            "user_fields": {
                "plan": None,
                "health": None,
                "seats": None,
                "vip": False,
                "since": None,
            },
        }
    ]


def test_only_named_fields_are_written() -> None:
    """What an action names is written, empty too, whatever the policy; the rest is left alone."""
    columns = {**EMPTY, "changed": [["phone", "user_fields.plan"]]}

    assert sent(EVERYTHING, columns) == [
        {
            "external_id": "u-1",
            "skip_verify_email": True,
            "phone": None,
            "user_fields": {"plan": None},
        }
    ]


def test_an_update_names_the_record_by_its_id() -> None:
    """Where the id is known, an update goes to it, and brings the key along."""
    update = replace(ORGANIZATIONS, verb=Verb.UPDATE)
    columns = {"sync_key": ["a", "b"], "name": ["A", "B"], "destination_id": ["77", None]}

    assert sent(update, columns) == [
        {"external_id": "a", "id": 77, "name": "A"},
        {"external_id": "b", "name": "B"},
    ]


def test_a_removal_is_a_key() -> None:
    """A removal holds nothing but what finds the record."""
    remove = replace(USERS, verb=Verb.REMOVE)

    assert sent(remove, {"sync_key": ["a"], "destination_id": ["77"]}) == [
        {"external_id": "a", "id": 77}
    ]


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_row_without_a_key_is_not_sent(key: str | None) -> None:
    """It would be written over and over, or found by nothing."""
    columns = {"sync_key": pa.array([key], pa.string()), "name": ["A"]}

    with pytest.raises(ValueError, match="no sync key"):
        sent(ORGANIZATIONS, columns)


def test_more_than_a_request_takes_is_refused() -> None:
    """No row is left out silently."""
    with pytest.raises(ValueError, match="101 rows"):
        sent(ORGANIZATIONS, {"sync_key": [str(i) for i in range(101)], "name": ["A"] * 101})


@pytest.mark.parametrize(
    ("target", "told"),
    [
        (replace(USERS, object="tickets"), "Objects: users"),
        (replace(USERS, key="email"), "key: external_id"),
        (replace(MEMBERSHIPS, key="external_id"), "key: user.external_id"),
        (replace(USERS, fields=(mapped("user_fields.a b", "integer"),)), "user_fields.plan"),
        (replace(USERS, fields=(mapped("organization_fields.a", "integer"),)), "user_fields.plan"),
        (replace(ORGANIZATIONS, fields=(mapped("Name", "text(9)"),)), "organization_fields.plan"),
    ],
)
def test_names_that_are_none_are_refused(target: Target, told: str) -> None:
    """A wrong object, key or field is told with the right form, before anything is sent."""
    with pytest.raises(ConfigurationError) as refused:
        encode(target, pa.table({"sync_key": ["a"]}), most=100)

    assert told in str(refused.value.hint)


@given(st.decimals(min_value=-999, max_value=999, places=2))
def test_decimals_keep_their_digits(value: Decimal) -> None:
    """A number leaves as it stood in the warehouse, also when the payload is taken apart again."""
    columns = {
        "sync_key": ["a"],
        "name": ["A"],
        "user_fields.health": pa.array([value], pa.decimal128(5, 2)),
    }
    payload = encode(USERS, pa.table(columns), most=100)

    (row,) = json.loads(payload, parse_float=Decimal)["users"]

    assert Decimal(row["user_fields"]["health"]) == value
    assert rows_of(payload)[0]["external_id"] == "a"


@given(st.text())
def test_a_tag_holds_no_white_space(text: str) -> None:
    """Words come once each, in lower case, without spaces or commas."""
    found = words(text)

    assert len(set(found)) == len(found)
    assert all(word and word == word.lower() and not set(word) & set(" ,\t\n") for word in found)
    assert words(" ".join(found)) == found
