"""SOQL over real HTTP."""

# ruff: noqa: S608 - SOQL of the tests
from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from activation_tests.sandbox.org import KEY, Org, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock


@pytest.fixture
def people(org: Org) -> Org:
    """Return an org with five contacts, of whom some have an empty field."""
    org.upsert(
        contact("c-1", FirstName="Ann", Churn_Score__c=1, Churn_Band__c="Low"),
        contact("c-2", FirstName="Bea", Churn_Score__c=2.5, HasOptedOutOfEmail=True),
        contact(
            "c-3", FirstName="ann", Churn_Score__c=9, Churn_Scored_At__c="2026-09-01T10:00:00Z"
        ),
        contact("c-4", FirstName="O'Neil_x", Birthdate="1990-02-28"),
        contact("c-5", FirstName="back\\slash"),
    )
    return org


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("FirstName = 'ANN'", "13"),
        ("FirstName != 'Ann'", "245"),
        ("FirstName = 'O\\'Neil_x'", "4"),
        ("FirstName = 'back\\\\slash'", "5"),
        ("FirstName LIKE '%n%'", "134"),
        ("FirstName LIKE '%l\\_x'", "4"),
        ("FirstName LIKE 'an_'", "13"),
        ("FirstName LIKE 'back\\\\%'", "5"),
        ("Churn_Score__c > 1", "23"),
        ("Churn_Score__c >= 1 AND Churn_Score__c <= 2.5", "12"),
        ("Churn_Score__c < -1", ""),
        ("Churn_Score__c = null", "45"),
        ("Churn_Score__c != null", "123"),
        ("NOT Churn_Score__c > 1", "145"),
        ("NOT (FirstName = 'Ann' OR Churn_Score__c = 2.5)", "45"),
        ("FirstName IN ('ann', 'bea')", "123"),
        ("FirstName NOT IN ('ann', 'bea')", "45"),
        ("Churn_Band__c NOT IN ('Low')", "2345"),
        ("HasOptedOutOfEmail = true", "2"),
        ("HasOptedOutOfEmail = FALSE", "1345"),
        ("Churn_Scored_At__c = 2026-09-01T12:00:00+02:00", "3"),
        ("Churn_Scored_At__c < 2026-09-01T10:00:01.000Z", "3"),
        ("SystemModstamp >= 2026-09-01T10:00:00Z", "12345"),
        ("CreatedDate > 2026-09-01T10:00:00Z", ""),
        ("Birthdate = 1990-02-28", "4"),
        ("Contact.Name = 'Bea Test'", "2"),
        ("Account.Name = null", "12345"),
        ("churn_score__C = 9", "3"),
    ],
)
def test_conditions(people: Org, condition: str, keys: str) -> None:
    """Each condition finds what SOQL finds; empty fields are unequal to everything."""
    found = people.names(condition)

    assert "".join(sorted(key.removeprefix("c-") for key in found)) == keys


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Nothing__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Nothing__c = 1", "INVALID_FIELD"),
        ("SELECT Owner.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE FirstName = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Churn_Score__c = '5'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-09-01T10:00:00Z'", "INVALID_FIELD"),
        ("SELECT FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE FirstName = 'open", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE FirstName = :name", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-13-01T10:00:00Z", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact; DROP TABLE requests", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact UNION SELECT Id FROM Account", "MALFORMED_QUERY"),
        ("SELECT Id, COUNT(Id) FROM Contact GROUP BY Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact, Account", "MALFORMED_QUERY"),
        ("SELECT Id FROM (SELECT Id FROM Contact)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Id IN (SELECT Id FROM Account)", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("DELETE FROM Contact", "MALFORMED_QUERY"),
        ("nonsense", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries_are_a_400(people: Org, query: str, code: str) -> None:
    """What is no query, or names what does not exist, is refused."""
    assert refusal(people.query(query)) == (400, code)


def test_counts_and_aggregates(people: Org) -> None:
    """COUNT() gives totalSize alone; other aggregates one AggregateResult."""
    count = people.query("SELECT COUNT() FROM Contact WHERE Churn_Score__c != null").json()
    assert count == {"totalSize": 3, "done": True, "records": []}

    found = people.query("SELECT COUNT(Id), MAX(Churn_Score__c) top FROM Contact").json()
    (record,) = found["records"]
    assert (record["expr0"], record["top"]) == (5, 9.0)
    assert record["attributes"]["type"] == "AggregateResult"


def test_order_limit_and_offset(people: Org) -> None:
    """Empty fields come first unless the query says otherwise."""

    def ordered(tail: str) -> list[str]:
        records = people.query(f"SELECT {KEY} FROM Contact ORDER BY {tail}").json()["records"]
        return [record[KEY].removeprefix("c-") for record in records]

    assert ordered(f"Churn_Score__c, {KEY}") == ["4", "5", "1", "2", "3"]
    assert ordered(f"Churn_Score__c DESC NULLS LAST, {KEY} DESC") == ["3", "2", "1", "5", "4"]
    assert ordered(f"{KEY} DESC LIMIT 2 OFFSET 1") == ["4", "3"]


def test_ids_are_found_in_both_lengths(people: Org) -> None:
    """Fifteen characters find the record as eighteen do."""
    identity = people.stored("c-1")["Id"]

    assert people.names(f"Id IN ('{identity[:15]}')") == ["c-1"]
    assert people.names(f"Id = '{identity}'") == ["c-1"]


def test_deleted_records_are_seen_by_query_all_only(people: Org) -> None:
    """A record in the recycle bin is left out of query and told as deleted by queryAll."""
    people.call("DELETE", f"sobjects/Contact/{KEY}/c-1")
    text = {"q": f"SELECT {KEY}, IsDeleted FROM Contact WHERE IsDeleted = true"}

    assert people.call("GET", "query/", params=text).json()["totalSize"] == 0
    (record,) = people.call("GET", "queryAll/", params=text).json()["records"]
    assert (record[KEY], record["IsDeleted"]) == ("c-1", True)


def test_pages_hold_still_while_records_change(org: Org, clock: TurningClock) -> None:
    """Pages of one query show one moment, whatever is written, also when read twice."""
    for start in range(0, 600, 200):
        org.upsert(*(contact(f"c-{n:03d}", Title="old") for n in range(start, start + 200)))
    options = {"Sforce-Query-Options": "batchSize=250"}
    first = org.query(f"SELECT {KEY}, Title FROM Contact ORDER BY {KEY}", headers=options).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (600, False, 250)
    assert first["nextRecordsUrl"].endswith("-250")

    clock.turn(1)
    org.upsert(*(contact(f"c-{n:03d}", Title="new") for n in range(400, 600)))
    org.upsert(contact("a-first"))

    def page(url: str) -> dict[str, object]:
        answer: dict[str, object] = org.http.get(f"{org.address}{url}", timeout=5).json()
        return answer

    second = page(first["nextRecordsUrl"])
    assert page(first["nextRecordsUrl"]) == second
    third = page(str(second["nextRecordsUrl"]))
    records = [*first["records"], *second["records"], *third["records"]]  # type: ignore[misc]
    assert third["done"] is True
    assert "nextRecordsUrl" not in third
    assert [r[KEY] for r in records] == [f"c-{n:03d}" for n in range(600)]
    assert {r["Title"] for r in records} == {"old"}


def test_old_cursors_are_closed(org: Org) -> None:
    """With ten newer queries open, the oldest can no longer be read."""
    for start in range(0, 400, 200):
        org.upsert(*(contact(f"c-{n}") for n in range(start, start + 200)))
    options = {"Sforce-Query-Options": "batchSize=200"}
    places = [
        org.query("SELECT Id FROM Contact", headers=options).json()["nextRecordsUrl"]
        for _ in range(11)
    ]

    answers = [org.http.get(f"{org.address}{place}", timeout=5) for place in places]

    assert refusal(answers[0]) == (400, "INVALID_QUERY_LOCATOR")
    assert {answer.status_code for answer in answers[1:]} == {200}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(alphabet=string.printable + "äß€'\\%_", min_size=1, max_size=20))
def test_any_text_is_found_again(org: Org, value: str) -> None:
    """A key with any characters is found by its quoted form, and by nothing else."""
    key = f"k{value}k"
    org.upsert(contact("decoy"), contact(key))
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")

    found = org.names(f"{KEY} = '{quoted}'")

    assert [one.lower() for one in found] == [key.lower()]
