"""Leads, campaigns and their members, an object of the company's own; merges and restores."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from activation.errors import UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, Org, codes, contact


def of(name: str, **fields: Any) -> dict[str, Any]:
    """Return a record of an object."""
    return {"attributes": {"type": name}, **fields}


@pytest.fixture
def campaign(org: Org) -> Org:
    """Return a session with an org that has a campaign and two contacts."""
    spring = of("Campaign", Campaign_Key__c="s", Name="Spring")
    assert codes(org.upsert(spring, of="Campaign", by="Campaign_Key__c")) == [None]
    assert codes(org.upsert(contact("c-1"), contact("c-2"))) == [None, None]
    return org


def member(key: str, person: str, **fields: Any) -> dict[str, Any]:
    """Return a member of the campaign."""
    return of(
        "CampaignMember",
        Member_Key__c=key,
        Campaign={"Campaign_Key__c": "s"},
        Contact={KEY: person},
        **fields,
    )


def join(campaign: Org, *members: dict[str, Any]) -> requests.Response:
    """Upsert members."""
    return campaign.upsert(*members, of="CampaignMember", by="Member_Key__c")


def test_a_person_is_in_a_campaign_once(campaign: Org) -> None:
    """Another record for the same person and campaign is refused."""
    assert codes(join(campaign, member("m-1", "c-1"))) == [None]

    answer = join(campaign, member("m-2", "c-1"), member("m-3", "c-2"), member("m-4", "c-2"))

    assert codes(answer) == ["DUPLICATE_VALUE", None, "DUPLICATE_VALUE"]
    assert answer.json()[0]["errors"][0]["message"] == "Already a campaign member."


def test_who_a_member_is_is_said_once(campaign: Org) -> None:
    """A member's campaign and person cannot be written again, its status can."""
    join(campaign, member("m-1", "c-1"))

    again = join(campaign, member("m-1", "c-1", Status="Responded"))
    status = of("CampaignMember", Member_Key__c="m-1", Status="Responded")

    assert codes(again) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]
    assert codes(join(campaign, status)) == [None]


def test_leads_and_own_objects(campaign: Org, sandbox: Sandbox) -> None:
    """A lead needs a company; an own object refers to a contact through its `__r`."""
    ada = of("Lead", Lead_Key__c="l-1", LastName="Ada", Company="Acme")
    bob = of("Lead", Lead_Key__c="l-2", LastName="Bob")
    plan = of("Subscription__c", Subscription_Key__c="s-1", Contact__r={KEY: "c-1"}, Seats__c=3)

    leads = campaign.upsert(ada, bob, of="Lead", by="Lead_Key__c")
    plans = campaign.upsert(plan, of="Subscription__c", by="Subscription_Key__c")

    assert codes(leads) == [None, "REQUIRED_FIELD_MISSING"]
    assert codes(plans) == [None]
    (record,) = sandbox.records("Subscription__c")
    assert record["Id"].startswith("a00")
    assert record["Contact__c"] == campaign.stored("c-1")["Id"]


def test_merged_records(campaign: Org, sandbox: Sandbox) -> None:
    """The loser goes to the recycle bin and names the winner."""
    winner, loser = campaign.stored("c-1")["Id"], campaign.stored("c-2")["Id"]

    sandbox.merge_records("Contact", winner="c-1", loser="c-2")

    assert campaign.call("GET", f"sobjects/Contact/{loser}").status_code == 404
    text = "SELECT Id, MasterRecordId FROM Contact WHERE IsDeleted = true"
    (found,) = campaign.call("GET", "queryAll", params={"q": text}).json()["records"]
    assert (found["Id"], found["MasterRecordId"]) == (loser, winner)
    assert codes(join(campaign, member("m-1", "c-1"))) == [None]
    with pytest.raises(UsageError, match="merged"):
        sandbox.merge_records("CampaignMember", winner="m-1", loser="m-1")


def test_restored_records(campaign: Org, sandbox: Sandbox) -> None:
    """What comes out of the recycle bin is what went in, unless its key is taken."""
    before = campaign.stored("c-1")["Id"]
    sandbox.delete_record("Contact", "c-1")
    sandbox.restore_record("Contact", "c-1")
    assert campaign.stored("c-1")["Id"] == before

    sandbox.delete_record("Contact", "c-1")
    campaign.upsert(contact("c-1"))

    with pytest.raises(UsageError, match="taken by another record"):
        sandbox.restore_record("Contact", before)


def test_permissions_of_an_object(campaign: Org, sandbox: Sandbox) -> None:
    """What the user may not do is described, and refused row by row."""
    sandbox.permit("Contact", createable=False, deletable=False)
    described = campaign.call("GET", "sobjects/Contact/describe").json()

    answer = campaign.upsert(contact("c-1"), contact("c-3"))
    identity = campaign.stored("c-1")["Id"]
    deleted = campaign.call("DELETE", "composite/sobjects", params={"ids": identity})

    assert (described["createable"], described["updateable"]) == (False, True)
    assert codes(answer) == [None, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"]
    assert codes(deleted) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
    sandbox.permit("Contact", createable=True, updateable=False)
    assert codes(campaign.upsert(contact("c-1"))) == ["INSUFFICIENT_ACCESS_OR_READONLY"]
    with pytest.raises(UsageError, match="createable"):
        sandbox.permit("Contact", readable=False)
    with pytest.raises(UsageError, match="Objects:"):
        sandbox.permit("Opportunity", createable=False)


def test_defaults_and_converted_leads(org: Org) -> None:
    """A picklist has its default at creation; a lead that was converted is not updated any more."""
    ada = of("Lead", Lead_Key__c="l-1", LastName="Ada", Company="Acme")
    bob = of("Lead", Lead_Key__c="l-2", LastName="Bob", Company="Acme", IsConverted=True)
    assert codes(org.upsert(ada, bob, of="Lead", by="Lead_Key__c")) == [None, None]

    found = org.call("GET", "sobjects/Lead/Lead_Key__c/l-1").json()
    again = org.upsert(ada, {**ada, "Lead_Key__c": "l-2"}, of="Lead", by="Lead_Key__c")

    assert found["Status"] == "Open - Not Contacted"
    assert codes(again) == [None, "CANNOT_UPDATE_CONVERTED_LEAD"]


def test_addresses_are_told_as_one_value_too(org: Org) -> None:
    """An address is what its parts are, and null without any; nobody writes it as a whole."""
    org.upsert(contact("c-1", MailingCity="Oslo"), contact("c-2"))

    assert org.stored("c-1")["MailingAddress"]["city"] == "Oslo"
    assert org.stored("c-1")["OtherAddress"] is None
    assert org.stored("c-2")["MailingAddress"] is None
    whole = org.upsert(contact("c-1", MailingAddress="Oslo"))
    assert codes(whole) == ["INVALID_FIELD_FOR_INSERT_UPDATE"]


def test_older_versions(org: Org) -> None:
    """Older versions have fewer resources; an upsert of theirs answers an update with nothing."""

    def status(method: str, version: int, path: str, **given: Any) -> int:
        address = f"{org.address}/services/data/v{version}.0/{path}"
        return org.http.request(method, address, timeout=5, **given).status_code

    one = {"allOrNone": False, "records": [of("Account", Name="Acme")]}
    named = {"LastName": "Kim"}
    assert status("POST", 42, "composite/sobjects", json=one) == 200
    assert status("POST", 41, "composite/sobjects", json=one) == 404
    assert status("PATCH", 45, "composite/sobjects/Account/Account_Key__c", json=one) == 404
    assert status("GET", 41, "jobs/ingest") == 200
    assert status("GET", 40, "jobs/ingest") == 404
    assert status("GET", 30, "limits") == 404
    assert status("PATCH", 45, f"sobjects/Contact/{KEY}/c-9", json=named) == 201
    assert status("PATCH", 45, f"sobjects/Contact/{KEY}/c-9", json=named) == 204
    assert status("PATCH", 46, f"sobjects/Contact/{KEY}/c-9", json=named) == 200
