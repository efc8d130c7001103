from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.salesforce.readback import key_lists
from activation.errors import BatchRefused, ConfigurationError, Transient
from activation_tests.destinations.salesforce.rows import TARGET, mapping, target
from activation_tests.destinations.scripted import Scripted, Seen, Server

QUERY = "/services/data/v59.0/query"


def page(*records: dict[str, Any], following: str | None = None) -> Scripted:
    """Answer a query."""
    body: dict[str, Any] = {"totalSize": 9, "done": following is None, "records": records}
    return Scripted(body | ({"nextRecordsUrl": following} if following else {}))


def contact(key: str, **values: Any) -> dict[str, Any]:
    """Make a record."""
    return {"attributes": {}, "Id": f"003{key}", "Crm_Key__c": key, "Score__c": None} | values


def soql(request: Seen) -> str:
    """Return the query of a request."""
    return request.query["q"][0]


def test_reads_every_kind(server: Server, org: Salesforce) -> None:
    """Each kind has its Arrow type, and numbers keep their digits."""
    fields = (
        mapping("LastName", "text(80)"),
        mapping("Visits__c", "integer"),
        mapping("Score__c", "decimal(18,4)"),
        mapping("Vip__c", "boolean"),
        mapping("Since__c", "date"),
        mapping("Seen__c", "timestamp"),
        mapping("Account.Key__c", "text(9)"),
    )
    values = (
        '{"done":true,"records":[{"Id":"003A","Crm_Key__c":"u-1","LastName":"Łä","Visits__c":7.0,'
        '"Score__c":12345678901234.5678,"Vip__c":true,"Since__c":"2026-09-01",'
        '"Seen__c":"2026-09-01T10:00:00.000+0000","Account":{"Key__c":"a-7"}},'
        '{"Id":"003B","Crm_Key__c":"u-2","LastName":null,"Visits__c":null,"Score__c":null,'
        '"Vip__c":false,"Since__c":null,"Seen__c":null,"Account":null}]}'
    )
    server.answer(Scripted(values.encode()))

    (read,) = org.read_back(target(*fields), None)

    assert read.requests == 1
    assert read.rows.schema == pa.schema(
        {
            "sync_key": pa.string(),
            "destination_id": pa.string(),
            "LastName": pa.string(),
            "Visits__c": pa.int64(),
            "Score__c": pa.decimal128(38, 4),
            "Vip__c": pa.bool_(),
            "Since__c": pa.date32(),
            "Seen__c": pa.timestamp("us", "UTC"),
            "Account.Key__c": pa.string(),
        }
    )
    first, second = read.rows.to_pylist()
    assert first == {
        "sync_key": "u-1",
        "destination_id": "003A",
        "LastName": "Łä",
        "Visits__c": 7,
        "Score__c": Decimal("12345678901234.5678"),
        "Vip__c": True,
        "Since__c": date(2026, 9, 1),
        "Seen__c": datetime(2026, 9, 1, 10, tzinfo=UTC),
        "Account.Key__c": "a-7",
    }
    assert [v for v in second.values() if v is not None] == ["u-2", "003B", False]


def test_a_number_larger_than_the_contract_allows_is_read(server: Server, org: Salesforce) -> None:
    """What a person wrote into the field is shown, though the contract's type has no room."""
    server.answer(page(contact("a", Score__c=987654321.5), contact("b", Score__c=1e7)))

    (read,) = org.read_back(TARGET, None)

    assert read.rows["Score__c"].to_pylist() == [Decimal("987654321.50"), Decimal("10000000.00")]


def test_reads_all_pages(server: Server, org: Salesforce) -> None:
    """Without keys every record that has one is read, a page a request."""
    server.answer(
        page(contact("a"), contact("b"), following=f"{QUERY}/01g-2000"),
        page(contact("c")),
    )

    pages = list(org.read_back(TARGET, None))

    assert [p.rows["sync_key"].to_pylist() for p in pages] == [["a", "b"], ["c"]]
    first, second = server.calls()
    assert soql(first) == "SELECT Id, Crm_Key__c, Score__c FROM Contact WHERE Crm_Key__c != null"
    assert (second.path, second.query) == (f"{QUERY}/01g-2000", {})


def test_reads_no_record_at_all(server: Server, org: Salesforce) -> None:
    """An empty object gives one page with its columns and no rows."""
    server.answer(page())

    (read,) = org.read_back(TARGET, None)

    assert read.rows.num_rows == 0
    assert read.rows.column_names == ["sync_key", "destination_id", "Score__c"]


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example.com/services/data/v59.0/query/1",
        "@evil.example.com/",
        "//evil.example.com/services/data/v59.0/query/1",
        "/services/data/v59.0/sobjects",
        "/services/data/v60.0/query/1",
        7,
        None,
    ],
)
def test_a_next_page_elsewhere_is_not_followed(
    server: Server, org: Salesforce, following: object
) -> None:
    """The token goes nowhere that an answer names, but to the next page of the query."""
    body = {"done": False, "nextRecordsUrl": following, "records": [contact("a")]}
    server.answer(Scripted(body))

    with pytest.raises(Transient) as caught:
        list(org.read_back(TARGET, None))

    assert caught.value.code == "GARBLED_ANSWER"
    assert len(server.calls()) == 1


def test_pages_in_a_circle_end(server: Server, org: Salesforce) -> None:
    """A next page that was read already is an error, not an endless loop."""
    server.answer(page(contact("a"), following=f"{QUERY}/01g-2000"))

    with pytest.raises(Transient):
        list(org.read_back(TARGET, None))

    assert len(server.calls()) == 2


def test_reads_by_key_in_lists_that_fit(server: Server, org: Salesforce) -> None:
    """Many long keys are asked for in several queries, none with an address too long."""
    server.answer(page())
    keys = [f"kunde-Łódź-{n:04d}-{'x' * 30}" for n in range(450)]

    pages = list(org.read_back(TARGET, [*keys, keys[0], "", "  "]))

    calls = server.calls()
    assert len(pages) == len(calls) > 2
    asked = [key for call in calls for key in re.findall(r"'([^']*)'", soql(call))]
    assert asked == keys
    assert all(call.line_bytes < 16_384 for call in calls)
    assert all(soql(call).count("'") <= 400 for call in calls)


def test_no_keys_means_no_request(server: Server, org: Salesforce) -> None:
    """An empty list of keys is not taken for a full read, nor an empty key for all records."""
    assert list(org.read_back(TARGET, [])) == []
    assert list(org.read_back(TARGET, [""])) == []
    assert server.seen == []


def test_a_missing_field_is_a_refusal(server: Server, org: Salesforce) -> None:
    """A query that Salesforce does not accept keeps its code."""
    server.answer(Scripted([{"errorCode": "INVALID_FIELD", "message": "x"}], status=400))

    with pytest.raises(BatchRefused) as caught:
        list(org.read_back(TARGET, ["u-1"]))

    assert caught.value.code == "INVALID_FIELD"
    assert "u-1" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        {},
        [],
        {"done": True, "records": None},
        {"done": True, "records": [{"Id": "1", "Crm_Key__c": "a"}]},
        {"done": True, "records": [contact("a", Score__c="many")]},
        {"done": True, "records": [contact("a", Score__c=[1])]},
        b'{"done":true,"records":[{"Id":"1","Crm_Key__c":"a","Score__c":1e999}]}',
        b'{"done":true,"records":[{"Id":"1","Crm_Key__c":"a","Score__c":NaN}]}',
    ],
)
def test_an_unreadable_page_is_passing_trouble(
    server: Server, org: Salesforce, body: object
) -> None:
    """A page that is not what was asked for is not taken for missing records."""
    server.answer(Scripted(body))

    with pytest.raises(Transient) as caught:
        list(org.read_back(TARGET, ["a"]))

    assert caught.value.code == "GARBLED_ANSWER"


def test_names_cannot_change_the_query(server: Server, org: Salesforce) -> None:
    """A field's name is checked before it becomes part of a query."""
    odd = target(mapping("Id FROM User--", "integer"))

    with pytest.raises(ConfigurationError):
        list(org.read_back(odd, None))

    assert server.seen == []


def unquoted(literals: str) -> list[str]:
    """Read a SOQL list of text the way the vendor does: escapes after a backslash."""
    escapes = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
    found, place = [], 0
    while place < len(literals):
        assert literals[place] == "'"
        place, text = place + 1, ""
        while literals[place] != "'":
            if literals[place] == "\\":
                place += 1
                text += escapes.get(literals[place], literals[place])
            else:
                text += literals[place]
            place += 1
        found.append(text)
        place += 1
        assert literals[place : place + 1] in (",", "")
        place += 1
    return found


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("'\\\"%,)"))))
def test_keys_are_quoted_so_that_they_come_back_whole(keys: list[str]) -> None:
    """No key, whatever it holds, ends its quotation or becomes another."""
    asked = [key for literals in key_lists(keys, 2_000) for key in unquoted(literals)]

    assert asked == [key for key in dict.fromkeys(keys) if key.strip()]
