from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import NullPolicy
from activation.destinations.base import Target
from activation.destinations.braze import encode
from activation.destinations.braze.billing import points
from activation.destinations.traits import Verb
from activation_tests.destinations.braze.rows import PLAN, TARGET, events, group, mapping, users

FIELDS = (
    mapping("first_name", "text(80)"),
    mapping("score", "decimal(5,2)"),
    mapping("seats", "integer"),
    mapping("active", "boolean", NullPolicy.KEEP),
    mapping("dob", "date"),
    mapping("scored_at", "timestamp"),
)


def sent(target: Target, columns: dict[str, Any]) -> Any:
    """Return the objects of an attributes request."""
    return json.loads(encode.attributes(target, pa.table(columns)))["attributes"]


def test_every_kind_of_value_is_written_as_braze_reads_it() -> None:
    """Numbers keep their digits, dates and instants are ISO 8601, the key is always there."""
    (item,) = sent(
        users(*FIELDS),
        {
            "sync_key": ["u-1"],
            "first_name": ["Kim"],
            "score": pa.array([Decimal("7.10")], pa.decimal128(5, 2)),
            "seats": [3],
            "active": [True],
            "dob": [date(1980, 12, 21)],
            "scored_at": [datetime(2026, 9, 1, 10, tzinfo=UTC)],
        },
    )

    assert item == {
        "external_id": "u-1",
        "first_name": "Kim",
        "score": 7.1,
        "seats": 3,
        "active": True,
        "dob": "1980-12-21",
        "scored_at": "2026-09-01T10:00:00.000Z",
    }


def test_only_changed_fields_are_written() -> None:
    """`changed` names the fields to write; null in its place means all, nulls by their policy."""
    fields = (mapping("a", "text(9)"), mapping("b", "text(9)", NullPolicy.KEEP))
    first, second, third = sent(
        users(*fields),
        {
            "sync_key": ["u-1", "u-2", "u-3"],
            "a": ["x", "x", None],
            "b": [None, "y", None],
            "changed": pa.array([["a"], ["b"], None], pa.list_(pa.string())),
        },
    )

    assert first == {"external_id": "u-1", "a": "x"}
    assert second == {"external_id": "u-2", "b": "y"}
    assert third == {"external_id": "u-3", "a": None}


def test_a_null_among_the_changed_fields_is_cleared() -> None:
    """A field that is named and empty is null, whatever its policy."""
    (item,) = sent(
        users(mapping("b", "text(9)", NullPolicy.KEEP)),
        {
            "sync_key": ["u-1"],
            "b": pa.array([None], pa.string()),
            "changed": pa.array([["b"]], pa.list_(pa.string())),
        },
    )

    assert item == {"external_id": "u-1", "b": None}


def test_elements_are_added_and_removed() -> None:
    """Elements of one array travel in one member, and cost one data point each."""
    fields = tuple(mapping(f"audiences[{e}]", "boolean") for e in ("a", "b", "c"))
    columns = {f"audiences[{e}]": [v] for e, v in (("a", True), ("b", False), ("c", None))}
    (item,) = sent(users(*fields), {"sync_key": ["u-1"], **columns})

    assert item == {"external_id": "u-1", "audiences": {"add": ["a"], "remove": ["b", "c"]}}
    assert points(item) == 3


def test_update_creates_no_profile() -> None:
    """The verb UPDATE asks Braze to leave out whom it does not know."""
    target = users(PLAN, verb=Verb.UPDATE)
    (item,) = sent(target, {"sync_key": ["u-1"], "plan": ["pro"]})

    assert item == {"external_id": "u-1", "_update_existing_only": True, "plan": "pro"}


def test_identifiers_and_subscriptions_are_free() -> None:
    """A data point is billed for each attribute, not for who it is or what they subscribe to."""
    item = {
        "external_id": "u-1",
        "_update_existing_only": True,
        "email_subscribe": "opted_in",
        "plan": None,
        "first_name": "Kim",
    }

    assert points(item) == 2


def test_events_carry_user_time_and_properties() -> None:
    """The sync key is a property that tells events apart; empty properties are left out."""
    target = events(
        mapping("external_id", "text(80)"), mapping("time", "timestamp"), mapping("tier", "text(9)")
    )
    rows = pa.table(
        {
            "sync_key": ["e-1", "e-2"],
            "external_id": ["u-1", "u-2"],
            "time": pa.array([datetime(2026, 9, 1, 10, tzinfo=UTC)] * 2),
            "tier": ["A", None],
        }
    )

    first, second = json.loads(encode.events(target, rows))["events"]

    assert first == {
        "external_id": "u-1",
        "name": "trial_started",
        "time": "2026-09-01T10:00:00.000Z",
        "properties": {"tier": "A", "event_id": "e-1"},
    }
    assert second["properties"] == {"event_id": "e-2"}


def test_an_event_by_the_users_own_key() -> None:
    """With the key external_id, the sync key is the user."""
    target = events(mapping("time", "timestamp"), key="external_id")
    rows = pa.table({"sync_key": ["u-1"], "time": [datetime(2026, 9, 1, 10, tzinfo=UTC)]})

    (event,) = json.loads(encode.events(target, rows))["events"]

    assert event.keys() == {"external_id", "name", "time"}
    assert event["external_id"] == "u-1"


@pytest.mark.parametrize("column", ["external_id", "time"])
def test_an_event_without_user_or_time_is_refused(column: str) -> None:
    """Nothing is sent of which nobody knows whose it is, or when it was."""
    target = events(mapping("external_id", "text(80)"), mapping("time", "timestamp"))
    columns: dict[str, Any] = {
        "sync_key": ["e-1"],
        "external_id": ["u-1"],
        "time": [datetime(2026, 9, 1, 10, tzinfo=UTC)],
    }
    kind = pa.string() if column == "external_id" else pa.timestamp("us", "UTC")
    columns[column] = pa.array([None], kind)

    with pytest.raises(ValueError, match="no user or no time"):
        encode.events(target, pa.table(columns))


def test_groups_are_joined_and_left() -> None:
    """Rows join by default, leave under REMOVE, and do as their state says where it is mapped."""
    keys = pa.table({"sync_key": ["u-1", "u-2"]})
    stated = pa.table(
        {"sync_key": ["a", "b", "c"], "subscription_state": ["subscribed", None, "unsubscribed"]}
    )
    state = mapping("subscription_state", "text(20)")

    joining = json.loads(encode.subscriptions(group(), keys))
    leaving = json.loads(encode.subscriptions(group(verb=Verb.REMOVE), keys))
    both = json.loads(encode.subscriptions(group(state), stated))

    entry = {"subscription_group_id": "g-1", "external_ids": ["u-1", "u-2"]}
    assert joining == {"subscription_groups": [{**entry, "subscription_state": "subscribed"}]}
    assert leaving == {"subscription_groups": [{**entry, "subscription_state": "unsubscribed"}]}
    assert [(g["subscription_state"], g["external_ids"]) for g in both["subscription_groups"]] == [
        ("subscribed", ["a"]),
        ("unsubscribed", ["b", "c"]),
    ]


def test_unknown_states_are_refused() -> None:
    """A state that no group has is not sent, and not quoted."""
    rows = pa.table({"sync_key": ["a"], "subscription_state": ["maybe"]})

    with pytest.raises(ValueError, match="1 states") as caught:
        encode.subscriptions(group(mapping("subscription_state", "text(20)")), rows)

    assert "maybe" not in str(caught.value)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_a_row_without_a_key_is_refused(key: str | None) -> None:
    """Without a key Braze would take the row for somebody else, or for nobody."""
    rows = pa.table({"sync_key": pa.array([key], pa.string()), "plan": ["pro"]})

    with pytest.raises(ValueError, match="no sync key"):
        encode.attributes(TARGET, rows)
    with pytest.raises(ValueError, match="no sync key"):
        encode.deletions(rows)


@given(
    st.lists(
        st.tuples(st.text(min_size=1).filter(str.strip), st.none() | st.text(max_size=9)),
        min_size=1,
        max_size=9,
    )
)
def test_the_same_rows_give_the_same_bytes(rows: list[tuple[str, str | None]]) -> None:
    """Whatever keys and values are, they come back out of the bytes, and twice the same."""
    table = pa.table(
        {
            "sync_key": pa.array([k for k, _ in rows], pa.string()),
            "plan": pa.array([v for _, v in rows], pa.string()),
        }
    )

    body = encode.attributes(TARGET, table)

    assert body == encode.attributes(TARGET, table)
    items = json.loads(body)["attributes"]
    assert [(i["external_id"], i["plan"]) for i in items] == rows
