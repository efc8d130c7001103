"""sObject Collections over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, Org, codes, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock


def test_upsert_creates_then_updates(org: Org) -> None:
    """The first upsert of a key creates, the second updates the same record."""
    first = org.upsert(contact("c-1", FirstName="Ann"))
    second = org.upsert(contact("c-1", FirstName="Bea"))

    (created,), (updated,) = first.json(), second.json()
    assert created["success"]
    assert created["created"]
    assert updated == {**created, "created": False}
    assert org.stored("c-1")["FirstName"] == "Bea"


def test_results_keep_the_order_and_name_status_codes(org: Org) -> None:
    """A bad row between good ones is told in its place, without an id, under 200."""
    answer = org.upsert(contact("c-1"), contact("c-2", LastName=None), contact("c-3"))

    assert codes(answer) == [None, "REQUIRED_FIELD_MISSING", None]
    bad = answer.json()[1]
    assert bad == {
        "success": False,
        "errors": [
            {
                "statusCode": "REQUIRED_FIELD_MISSING",
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
            }
        ],
    }
    assert sorted(org.names("LastName = 'Test'")) == ["c-1", "c-3"]


def test_more_than_200_rows_are_refused(org: Org) -> None:
    """200 rows pass, 201 are refused as a whole."""
    assert set(codes(org.upsert(*(contact(f"c-{n}") for n in range(200))))) == {None}
    over = org.upsert(*(contact(f"d-{n}") for n in range(201)))

    assert refusal(over) == (400, "EXCEEDED_ID_LIMIT")
    assert org.names(f"{KEY} LIKE 'd-%'") == []


def test_a_key_twice_in_one_request_fails_all_its_rows(org: Org) -> None:
    """Rows that share a key, in whatever case, all fail; the others go through."""
    answer = org.upsert(contact("u-1"), contact("c-2"), contact("U-1 "))

    assert codes(answer) == ["DUPLICATE_VALUE", None, "DUPLICATE_VALUE"]
    assert org.names(f"{KEY} != null") == ["c-2"]


def test_keys_are_matched_whatever_their_case(org: Org) -> None:
    """A key in another case updates the same record, as describe says caseSensitive is false."""
    org.upsert(contact("Key-1"))

    assert org.upsert(contact("kEY-1")).json()[0]["created"] is False


def test_one_bad_row_rolls_all_back_if_asked(org: Org) -> None:
    """With allOrNone nothing is written, and healthy rows say why."""
    answer = org.upsert(contact("c-1"), contact("c-2", Email="bad"), all_or_none=True)

    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_EMAIL_ADDRESS"]
    assert org.names(f"{KEY} != null") == []


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (contact("c-1", Title="x" * 129), "STRING_TOO_LONG"),
        (contact("k" * 81), "STRING_TOO_LONG"),
        (contact("c-1", Email="not-an-address"), "INVALID_EMAIL_ADDRESS"),
        (contact("c-1", Churn_Band__c="Huge"), "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        (contact("c-1", Churn_Score__c=1000), "NUMBER_OUTSIDE_VALID_RANGE"),
        (contact("c-1", Name="Ann Test"), "INVALID_FIELD_FOR_INSERT_UPDATE"),
        (contact("c-1", AccountId="001xx"), "MALFORMED_ID"),
        (contact("c-1", AccountId="001000000000001"), "INVALID_CROSS_REFERENCE_KEY"),
        (contact("c-1", Account={"Account_Key__c": "nobody"}), "INVALID_FIELD"),
        (contact(None), "MISSING_ARGUMENT"),
        (contact("  "), "MISSING_ARGUMENT"),
        ({"attributes": {"type": "Contact"}, KEY: "c-1"}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_bad_value_costs_its_row_alone(org: Org, row: dict[str, Any], code: str) -> None:
    """Whatever is wrong with one row, its neighbour is written."""
    assert codes(org.upsert(row, contact("good"))) == [code, None]
    assert org.names("LastName != null") == ["good"]


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        ([contact("c-1"), contact("c-2", Nothing__c=1)], (400, "INVALID_FIELD")),
        ([contact("c-1"), {KEY: "c-2", "LastName": "X"}], (400, "INVALID_TYPE")),
        ([contact("c-1", attributes={"type": "Account"})], (400, "INVALID_TYPE")),
        ([contact("c-1", Id="003000000000001")], (400, "INVALID_FIELD")),
        ([contact("c-1"), contact("c-2", Churn_Score__c="many")], (400, "JSON_PARSER_ERROR")),
        ([contact("c-1", Churn_Scored_At__c="2026-09-01")], (400, "JSON_PARSER_ERROR")),
        ([contact("c-1", HasOptedOutOfEmail="maybe")], (400, "JSON_PARSER_ERROR")),
        ([contact("c-1", Account=None)], (400, "INVALID_FIELD")),
        ([contact("c-1", Account={"Nothing__c": "a"})], (400, "INVALID_FIELD")),
    ],
)
def test_what_refuses_the_whole_request(
    org: Org, rows: list[dict[str, Any]], refused: tuple[int, str]
) -> None:
    """A request that cannot be read is refused as a whole, and writes nothing."""
    assert refusal(org.upsert(*rows)) == refused
    assert org.names("LastName != null") == []


@pytest.mark.parametrize("body", ["[]", "{", '{"records": 1}', '{"records": [], "more": 1}'])
def test_a_malformed_body_is_a_400(org: Org, body: str) -> None:
    """A body that is no collection is refused with an array body."""
    answer = org.call("PATCH", f"composite/sobjects/Contact/{KEY}", data=body)

    assert refusal(answer) == (400, "JSON_PARSER_ERROR")


def test_an_unknown_key_field_or_object_is_a_404(org: Org) -> None:
    """Upserting by what is no external id, or into no object, is not found."""
    assert refusal(org.upsert(contact("c-1"), by="Nothing__c")) == (404, "NOT_FOUND")
    assert refusal(org.upsert(contact("c-1"), by="Title")) == (404, "NOT_FOUND")
    assert refusal(org.upsert(contact("c-1"), of="Nothing")) == (404, "NOT_FOUND")


def test_null_clears_and_absence_keeps(org: Org) -> None:
    """A null empties the field, a field that is not sent keeps its value."""
    org.upsert(contact("c-1", FirstName="Ann", Title="Head"))
    org.upsert({"attributes": {"type": "Contact"}, KEY: "c-1", "Title": None})

    stored = org.stored("c-1")
    assert (stored["FirstName"], stored["Title"], stored["LastName"]) == ("Ann", None, "Test")


def test_a_key_of_several_records_is_refused(org: Org, sandbox: Sandbox) -> None:
    """Once a key field is not unique, a key that several records have fails its row."""
    sandbox.edit_field("Contact", KEY, unique=False)
    for _ in range(2):
        sandbox.create_record("Contact", LastName="Twin", **{KEY: "c-1"})

    assert codes(org.upsert(contact("c-1"), contact("c-2"))) == ["DUPLICATE_EXTERNAL_ID", None]
    answer = org.call("PATCH", f"sobjects/Contact/{KEY}/c-1", json={"Title": "x"})
    assert answer.status_code == 300
    assert len(answer.json()) == 2
    assert answer.json()[0].startswith("/services/data/v59.0/sobjects/Contact/003")


def test_a_unique_field_refuses_a_second_holder(org: Org) -> None:
    """A key that another record has cannot be taken by an update or a create."""
    one, two = (r["id"] for r in org.upsert(contact("c-1"), contact("c-2")).json())
    thief = {"attributes": {"type": "Contact"}, "id": two, KEY: "C-1"}
    twins = [contact("c-9"), contact("c-9"), contact("c-1")]

    updated = org.call("PATCH", "composite/sobjects", json={"records": [thief]})
    created = org.call("POST", "composite/sobjects", json={"records": twins})

    assert codes(updated) == ["DUPLICATE_VALUE"]
    assert one in updated.json()[0]["errors"][0]["message"]
    assert codes(created) == [None, "DUPLICATE_VALUE", "DUPLICATE_VALUE"]


def test_a_parent_is_linked_by_its_external_id(org: Org) -> None:
    """A nested object links the account; null in the lookup field unlinks it."""
    account = {"attributes": {"type": "Account"}, "Account_Key__c": "a-7", "Name": "Seven"}
    (parent,) = org.upsert(account, of="Account", by="Account_Key__c").json()
    org.upsert(contact("c-1", Account={"Account_Key__c": "A-7"}))

    linked = org.query("SELECT Account.Name, Account.Account_Key__c FROM Contact").json()
    assert linked["records"][0]["Account"]["Name"] == "Seven"
    assert org.stored("c-1")["AccountId"] == parent["id"]

    org.upsert(contact("c-1", AccountId=None))
    assert org.query("SELECT Account.Name FROM Contact").json()["records"][0]["Account"] is None


def test_create_update_and_delete_by_id(org: Org) -> None:
    """The other verbs answer in order; what is gone or wrong is told by row."""
    made = org.call(
        "POST", "composite/sobjects", json={"records": [contact("c-1"), contact("c-2")]}
    )
    one, two = (row["id"] for row in made.json())
    assert "created" not in made.json()[0]

    rows = [
        {"attributes": {"type": "Contact"}, "id": one, "Title": "Head"},
        {"attributes": {"type": "Contact"}, "id": "003000000000009", "Title": "Head"},
        {"attributes": {"type": "Contact"}, "Title": "Head"},
    ]
    changed = org.call("PATCH", "composite/sobjects", json={"records": rows})
    assert codes(changed) == [None, "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"]
    assert org.stored("c-1")["Title"] == "Head"

    path = f"composite/sobjects?ids={one},{two[:15]}"
    assert codes(org.call("DELETE", path)) == [None, None]
    assert codes(org.call("DELETE", path)) == ["ENTITY_IS_DELETED", "ENTITY_IS_DELETED"]
    assert org.names("LastName != null") == []


def test_delete_of_all_or_none(org: Org) -> None:
    """With allOrNone a wrong id keeps the others alive."""
    (made,) = org.upsert(contact("c-1")).json()
    path = f"composite/sobjects?ids={made['id']},003000000000009&allOrNone=true"

    answer = org.call("DELETE", path)

    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_CROSS_REFERENCE_KEY"]
    assert org.names("LastName != null") == ["c-1"]


def test_a_deleted_key_can_be_created_again(org: Org) -> None:
    """An upsert of a key whose record is in the recycle bin creates a new record."""
    (first,) = org.upsert(contact("c-1")).json()
    org.call("DELETE", f"sobjects/Contact/{first['id']}")

    (second,) = org.upsert(contact("c-1")).json()

    assert second["created"]
    assert second["id"] != first["id"]


def test_stamps_tell_who_wrote_when(org: Org, sandbox: Sandbox, clock: TurningClock) -> None:
    """Writes move the stamps, and a person's edit is told from ours."""
    org.upsert(contact("c-1"))
    ours = org.stored("c-1")
    clock.turn(90.7)
    sandbox.edit_record("Contact", "c-1", Title="By hand")
    theirs = org.stored("c-1")

    assert ours["CreatedDate"] == theirs["CreatedDate"] == "2026-09-01T10:00:00.000+0000"
    assert theirs["LastModifiedDate"] == "2026-09-01T10:01:30.000+0000"
    assert theirs["SystemModstamp"] == theirs["LastModifiedDate"]
    assert ours["LastModifiedById"] != theirs["LastModifiedById"]
    assert theirs["Title"] == "By hand"
