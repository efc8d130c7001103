from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import NullPolicy
from activation.destinations.salesforce.bulk.encode import encode
from activation_tests.destinations.salesforce.rows import mapping, target

TITLE = mapping("Title", "text(80)")
KEPT = mapping("Department", "text(80)", NullPolicy.KEEP)


def file_of(*fields: Any, **columns: Any) -> str:
    """Encode rows with the keys k-0, k-1 and so on."""
    count = len(next(iter(columns.values())))
    keys = pa.array([f"k-{n}" for n in range(count)], pa.string())
    given = {name: value for name, value in columns.items() if name != "parents"}
    for mapped, values in zip(fields[1:], columns.get("parents", ()), strict=False):
        given[mapped.to] = values
    return encode(target(*fields), pa.table({"sync_key": keys, **given}), most=1000).decode()


def test_values_read_as_the_guide_asks() -> None:
    """Each kind has its form; the key comes first; the line ends are LF."""
    fields = (
        TITLE,
        mapping("Score__c", "decimal(9,7)"),
        mapping("Count__c", "integer"),
        mapping("Is__c", "boolean"),
        mapping("Day__c", "date"),
        mapping("At__c", "timestamp"),
    )
    row = {
        "Title": ['CEO, "the" one'],
        "Score__c": pa.array([Decimal("0.0000001")], pa.decimal128(9, 7)),
        "Count__c": [7],
        "Is__c": [True],
        "Day__c": [date(2026, 9, 1)],
        "At__c": pa.array([datetime(2026, 9, 1, 10, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    }

    assert file_of(*fields, **row) == (
        "Crm_Key__c,Title,Score__c,Count__c,Is__c,Day__c,At__c\n"
        '"k-0","CEO, ""the"" one","0.0000001","7","true","2026-09-01","2026-09-01T10:00:00.000Z"\n'
    )


def test_nulls_clear_or_keep() -> None:
    """A null is `#N/A` where the contract clears, and an empty cell where it keeps."""
    text = file_of(TITLE, KEPT, Title=[None, " "], Department=pa.array([None, "x"]))

    assert text == 'Crm_Key__c,Title,Department\n"k-0","#N/A",\n"k-1","#N/A","x"\n'


def test_line_ends_within_values() -> None:
    """Line ends within a value are LF, or the whole job would fail."""
    text = file_of(TITLE, Title=["a\r\nb\rc\nd"])

    assert text.partition("\n")[2] == '"k-0","a\nb\nc\nd"\n'


def test_rows_of_a_parent_stand_together() -> None:
    """Rows are in the order of their parents, so that one batch locks each."""
    parent = mapping("Account.Account_Key__c", "text(80)")

    text = file_of(parent, **{"Account.Account_Key__c": ["b", "a", "b", "a"]})

    keys = [row["Crm_Key__c"] for row in csv.DictReader(io.StringIO(text))]
    assert keys == ["k-1", "k-3", "k-0", "k-2"]


def test_a_link_is_cleared_by_the_id_field() -> None:
    """A null parent empties the lookup field; the column is there only if it is needed."""
    parent = mapping("Account.Account_Key__c", "text(80)")

    text = file_of(parent, **{"Account.Account_Key__c": ["a", None]})

    assert text.splitlines() == [
        "Crm_Key__c,Account.Account_Key__c,AccountId",
        '"k-0","a",',
        '"k-1",,"#N/A"',
    ]
    assert "AccountId" not in file_of(parent, **{"Account.Account_Key__c": ["a", "b"]})


@pytest.mark.parametrize("keys", [[None], [" "], ["a"] * 3])
def test_rows_that_cannot_go(keys: list[str | None]) -> None:
    """A row without a key, or one too many, is refused here."""
    rows = pa.table({"sync_key": pa.array(keys, pa.string()), "Title": ["x"] * len(keys)})

    with pytest.raises(ValueError, match=r"sync key|do not fit"):
        encode(target(TITLE), rows, most=2)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_any_text_comes_through(values: list[str]) -> None:
    """What a CSV reader makes of the file is what was put in, line ends and blanks apart."""
    rows = csv.DictReader(io.StringIO(file_of(TITLE, Title=values), newline=""), strict=True)

    seen = [row["Title"] for row in rows]
    plain = [value.replace("\r\n", "\n").replace("\r", "\n") for value in values]
    for there, meant in zip(seen, plain, strict=True):
        assert there == meant or (there == "#N/A" and not meant.strip())
