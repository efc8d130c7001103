"""Describe documents, versions, limits, and schema drift."""

from __future__ import annotations

from typing import Any

import pytest

from activation.errors import UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, Org, codes, contact, refusal


def described(org: Org, name: str = "Contact") -> dict[str, dict[str, Any]]:
    """Return the fields of an object by name."""
    answer = org.call("GET", f"sobjects/{name}/describe").json()
    return {field["name"]: field for field in answer["fields"]}


def test_fields_are_described_in_full(org: Org) -> None:
    """Key, number, picklist, calculated and lookup fields say what a caller must know."""
    fields = described(org)

    key, score, band = (fields[n] for n in (KEY, "Churn_Score__c", "Churn_Band__c"))
    assert (key["type"], key["length"], key["caseSensitive"]) == ("string", 80, False)
    assert key["externalId"]
    assert key["idLookup"]
    assert key["unique"]
    assert (score["type"], score["precision"], score["scale"]) == ("double", 5, 2)
    assert band["restrictedPicklist"]
    assert [entry["value"] for entry in band["picklistValues"]] == ["Low", "Medium", "High"]
    assert not fields["Name"]["createable"]
    assert not fields["Name"]["updateable"]
    assert fields["LastName"]["nillable"] is False
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["AccountId"]["relationshipName"] == "Account"
    assert fields["Email"]["type"] == "email"
    assert described(org, "Account")["Account_Key__c"]["externalId"]


def test_describe_answers_304_until_something_changes(org: Org, sandbox: Sandbox) -> None:
    """If-Modified-Since saves the document; each change brings it back, within a second too."""
    path = "sobjects/Contact/describe"
    header = {"If-Modified-Since": "Tue, 01 Sep 2020 10:00:00 GMT"}

    def asked_again() -> int:
        answer = org.call("GET", path, headers=header)
        header["If-Modified-Since"] = answer.headers["Last-Modified"]
        assert bool(answer.content) == (answer.status_code == 200)
        return answer.status_code

    assert [asked_again(), asked_again()] == [200, 304]
    sandbox.edit_field("Contact", "Title", length=10)
    assert [asked_again(), asked_again()] == [200, 304]
    sandbox.faults.add("drop_field", object="Contact", field="Title")
    assert [asked_again(), asked_again()] == [200, 304]
    sandbox.faults.clear()
    assert [asked_again(), asked_again()] == [200, 304]


def test_a_removed_field_is_unknown_until_the_schema_is_reset(org: Org, sandbox: Sandbox) -> None:
    """A removed field is neither described nor written nor queried; its values come back."""
    org.upsert(contact("c-1", Title="Head"))
    sandbox.edit_field("Contact", "Title", removed=True)

    assert "Title" not in described(org)
    assert refusal(org.upsert(contact("c-1", Title="x"))) == (400, "INVALID_FIELD")
    assert refusal(org.query("SELECT Title FROM Contact")) == (400, "INVALID_FIELD")
    sandbox.reset_schema()
    assert org.stored("c-1")["Title"] == "Head"


def test_a_lost_field_permission_looks_like_a_removed_field(org: Org, sandbox: Sandbox) -> None:
    """The fault drop_field hides a field from describe and from writes."""
    sandbox.faults.add("drop_field", object="Contact", field="Churn_Score__c")

    assert "Churn_Score__c" not in described(org)
    assert refusal(org.upsert(contact("c-1", Churn_Score__c=1))) == (400, "INVALID_FIELD")
    sandbox.faults.clear()
    assert codes(org.upsert(contact("c-1", Churn_Score__c=1))) == [None]


def test_edited_fields_are_enforced(org: Org, sandbox: Sandbox) -> None:
    """What an edit says of a field holds for the next write."""
    org.upsert(contact("old"))
    sandbox.edit_field("Contact", "Title", length=3)
    sandbox.edit_field("Contact", "Phone", updateable=False, createable=False)
    sandbox.edit_field("Contact", "Churn_Band__c", picklistValues=["Severe"])
    sandbox.edit_field("Contact", "Department", nillable=False)

    answer = org.upsert(
        contact("c-1", Title="long", Department="x"),
        contact("c-2", Phone="1", Department="x"),
        contact("c-3", Churn_Band__c="High", Department="x"),
        contact("c-4"),
        contact("c-5", Churn_Band__c="Severe", Department="x"),
        contact("old", Department=None),
        contact("old2", Department=None),
    )

    assert codes(answer) == [
        "STRING_TOO_LONG",
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "REQUIRED_FIELD_MISSING",
        None,
        "REQUIRED_FIELD_MISSING",
        "REQUIRED_FIELD_MISSING",
    ]


def test_a_field_can_be_added(org: Org, sandbox: Sandbox) -> None:
    """A field that an edit adds is described, written and queried."""
    sandbox.edit_field("Contact", "Tier__c", type="string", length=5)
    sandbox.edit_field("Contact", "Seats__c", type="int")

    assert codes(org.upsert(contact("c-1", Tier__c="Gold", Seats__c=3))) == [None]
    assert org.names("Tier__c = 'gold'") == ["c-1"]
    assert org.stored("c-1")["Seats__c"] == 3
    assert described(org)["Tier__c"]["length"] == 5


def test_wrong_edits_are_told(sandbox: Sandbox) -> None:
    """An edit of nothing known says what is known."""
    with pytest.raises(UsageError, match="Objects: Contact, Account"):
        sandbox.edit_field("Opportunity", "Title", length=3)
    with pytest.raises(UsageError, match="no field 'Nothing__c'"):
        sandbox.edit_field("Contact", "Nothing__c", removed=True)
    with pytest.raises(UsageError, match="Property 'type'"):
        sandbox.edit_field("Contact", "Title", type="int")
    with pytest.raises(UsageError, match="wrong type"):
        sandbox.edit_field("Contact", "Title", length="3")


def test_versions_and_limits(org: Org, sandbox: Sandbox) -> None:
    """The versions are listed without a session; limits tell the daily requests."""
    versions = org.http.get(f"{org.address}/services/data", timeout=5).json()
    assert {"label": "Summer '19", "url": "/services/data/v46.0", "version": "46.0"} in versions
    assert "59.0" in {entry["version"] for entry in versions}

    daily = org.call("GET", "limits").json()["DailyApiRequests"]
    used = sandbox.quota()["used"]
    assert (daily["Max"], daily["Max"] - daily["Remaining"]) == (110_000, used)


@pytest.mark.parametrize(
    "path", ["v1.0/sobjects", "v99.0/sobjects", "59.0/sobjects", "v59.0/nothing"]
)
def test_unknown_versions_and_resources_are_not_found(org: Org, path: str) -> None:
    """What does not exist answers 404 in an array."""
    answer = org.http.get(f"{org.address}/services/data/{path}", timeout=5)

    assert refusal(answer) == (404, "NOT_FOUND")


def test_the_objects_are_listed(org: Org) -> None:
    """The global describe names the objects and their key prefixes."""
    found = org.call("GET", "sobjects/").json()["sobjects"]

    prefixes = {o["name"]: o["keyPrefix"] for o in found}
    assert {"Contact": "003", "Account": "001", "Lead": "00Q"}.items() <= prefixes.items()
