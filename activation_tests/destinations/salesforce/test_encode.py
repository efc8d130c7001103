from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import FieldMapping, NullPolicy
from activation.destinations.salesforce.encode import encode
from activation.errors import ConfigurationError
from activation_tests.destinations.salesforce.rows import mapping, target

KEEP, CLEAR, HOLD = NullPolicy.KEEP, NullPolicy.CLEAR, NullPolicy.HOLD


def table(*columns: pa.Array, fields: tuple[FieldMapping, ...]) -> pa.Table:
    """Make rows with the keys k0, k1 and so on."""
    keys = pa.array([f"k{i}" for i in range(len(columns[0]))])
    return pa.table({"sync_key": keys} | {f.to: c for f, c in zip(fields, columns, strict=True)})


def records(payload: bytes) -> list[dict[str, Any]]:
    """Return the records of a payload, with numbers as they are written."""
    body = json.loads(payload, parse_float=Decimal)
    assert body["allOrNone"] is False
    found: list[dict[str, Any]] = body["records"]
    return found


def test_writes_each_kind_in_the_vendors_spelling() -> None:
    """The bytes of a row are exactly these."""
    fields = (
        mapping("LastName", "text(80)"),
        mapping("Visits__c", "integer"),
        mapping("Score__c", "decimal(5,2)"),
        mapping("Vip__c", "boolean"),
        mapping("Since__c", "date"),
        mapping("Seen__c", "timestamp"),
    )
    rows = table(
        pa.array(["Łä 'x'"]),
        pa.array([7]),
        pa.array([Decimal("71.20")], pa.decimal128(5, 2)),
        pa.array([False]),
        pa.array([date(2026, 9, 1)]),
        pa.array([datetime(2026, 9, 1, 10, 0, 0, 123999, tzinfo=UTC)], pa.timestamp("us", "UTC")),
        fields=fields,
    )

    assert encode(target(*fields), rows).decode() == (
        '{"allOrNone":false,"records":[{"attributes":{"type":"Contact"},"Crm_Key__c":"k0",'
        '"LastName":"Łä \'x\'","Visits__c":7,"Score__c":71.20,"Vip__c":false,'
        '"Since__c":"2026-09-01","Seen__c":"2026-09-01T10:00:00.123Z"}]}'
    )


def test_a_timestamp_is_utc_whatever_its_zone() -> None:
    """An aware column is put into UTC; a naive one is in UTC already."""
    fields = (mapping("A__c", "timestamp"), mapping("B__c", "timestamp"))
    moment = datetime(2026, 9, 1, 10, tzinfo=UTC)
    rows = table(
        pa.array([moment], pa.timestamp("us", "America/New_York")),
        pa.array([moment.replace(tzinfo=None)], pa.timestamp("ns")),
        fields=fields,
    )

    (record,) = records(encode(target(*fields), rows))

    assert record["A__c"] == record["B__c"] == "2026-09-01T10:00:00.000Z"


def test_null_policies_are_three_things() -> None:
    """An empty value is null under `clear` and absent under `keep` and `hold`."""
    fields = (
        mapping("Clear__c", "text(9)", CLEAR),
        mapping("Keep__c", "text(9)", KEEP),
        mapping("Hold__c", "text(9)", HOLD),
    )
    column = pa.array(["v", None, ""])
    rows = table(column, column, column, fields=fields)

    full, empty, blank = records(encode(target(*fields), rows))

    assert (full["Clear__c"], full["Keep__c"], full["Hold__c"]) == ("v", "v", "v")
    assert empty == {"attributes": {"type": "Contact"}, "Crm_Key__c": "k1", "Clear__c": None}
    assert (blank["Clear__c"], blank["Keep__c"], blank["Hold__c"]) == ("", "", "")


def test_a_parent_is_named_by_its_key_and_let_go_by_its_lookup() -> None:
    """A dotted field becomes a nested record; clearing it empties the lookup field."""
    fields = (mapping("Account.Key__c", "text(9)"), mapping("My_Plan__r.Key__c", "text(9)", KEEP))
    rows = table(pa.array(["a-7", None]), pa.array(["p-1", None]), fields=fields)

    linked, cleared = records(encode(target(*fields), rows))

    assert linked["Account"] == {"Key__c": "a-7"}
    assert linked["My_Plan__r"] == {"Key__c": "p-1"}
    assert "AccountId" not in linked
    assert cleared["AccountId"] is None
    assert not {"Account", "My_Plan__r", "My_Plan__c"} & set(cleared)


@pytest.mark.parametrize("key", [None, "", "  "])
def test_refuses_a_row_without_a_key(key: str | None) -> None:
    """A row that could never be matched again is not encoded."""
    rows = pa.table({"sync_key": pa.array(["k", key])})

    with pytest.raises(ValueError, match="sync key"):
        encode(target(), rows)


def test_refuses_more_rows_than_a_request_takes() -> None:
    """201 rows are the caller's mistake."""
    rows = pa.table({"sync_key": [f"k{i}" for i in range(201)]})

    with pytest.raises(ValueError, match="200"):
        encode(target(), rows)


@pytest.mark.parametrize("name", ["Score c", "a/b", "A.B.C", "1st", "Ab\n", "Naïve__c"])
def test_refuses_names_that_cannot_be_fields(name: str) -> None:
    """A field's name is checked before it becomes part of a request."""
    field = mapping(name, "integer")
    with pytest.raises(ConfigurationError, match="not the API name"):
        encode(target(field), table(pa.array([1]), fields=(field,)))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.lists(
    st.tuples(
        st.none() | TEXT,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.decimals(-(10**25), 10**25, places=12, allow_nan=False),
        st.none() | st.booleans(),
        st.none() | st.dates(),
    ),
    min_size=1,
    max_size=20,
)


@given(ROWS)
def test_what_is_encoded_can_be_read_back_exactly(rows: list[tuple[Any, ...]]) -> None:
    """Values survive JSON to the last digit, and the same rows give the same bytes."""
    spelled = ("text(20)", "integer", "decimal(38,12)", "boolean", "date")
    types = (pa.string(), pa.int64(), pa.decimal128(38, 12), pa.bool_(), pa.date32())
    fields = tuple(mapping(f"F{i}__c", s) for i, s in enumerate(spelled))
    columns = [pa.array(c, t) for c, t in zip(zip(*rows, strict=True), types, strict=True)]
    encoded = encode(target(*fields), table(*columns, fields=fields))

    assert encoded == encode(target(*fields), table(*columns, fields=fields))
    for number, (row, record) in enumerate(zip(rows, records(encoded), strict=True)):
        text, whole, exact, flag, day = (record[f.to] for f in fields)
        assert record["Crm_Key__c"] == f"k{number}"
        assert (text, whole, flag) == (row[0], row[1], row[3])
        assert type(whole) is type(row[1])
        assert (None if exact is None else Decimal(exact)) == row[2]
        assert day == (row[4] and row[4].isoformat())
