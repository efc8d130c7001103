"""Salesforce's Contact, as the sandbox describes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Target
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.traits import Verb
from activation.errors import ConfigurationError, UsageError
from activation.sandbox.client import Sandbox
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    SandboxSubject,
    mapping,
    never,
)

_SCORED = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)
_BY_ID = never(
    ConfigurationError,
    "a job updates and deletes by record id; rows that go by key take collections",
)


class SalesforceCollections(SandboxSubject):
    """Contacts over sObject Collections."""

    name = "Salesforce collections"
    system = "salesforce"
    credentials: ClassVar = {"client_id": "app", "client_secret": "s3cret"}
    target = Target(
        "Contact",
        "Customer_Key__c",
        (
            mapping("LastName", "text(80)"),
            mapping("Email", "text(80)"),
            mapping("Title", "text(128)"),
            mapping("Department", "text(80)", NullPolicy.KEEP),
            mapping("Birthdate", "date"),
            mapping("DoNotCall", "boolean", NullPolicy.KEEP),
            mapping("Churn_Score__c", "decimal(5,2)"),
            mapping("Churn_Band__c", "text(20)"),
            mapping("Churn_Scored_At__c", "timestamp"),
        ),
    )
    endpoint = "collections"
    write: ClassVar = {"method": "PATCH"}
    text = "Title"
    kept = "Department"
    sought = "Email"
    spoilt: ClassVar = {"Churn_Band__c": "Sideways"}
    repeated = Repeated.ROWS_FAIL
    deleted = Gone.MADE_ANEW
    merged = Gone.MADE_ANEW
    renews_access = True
    paces: ClassVar = {"calls that run 20 s and more": {"name": "rate_limited"}}
    gaps: ClassVar = {
        "create_only_updates_nothing": never(
            ConfigurationError, "creations go over jobs, which a crash cannot double"
        ),
    }

    def endpoint_for(self, verb: Verb) -> str:
        """Return the endpoint that the adapter has for a verb."""
        return {
            Verb.UPDATE: "collections_update",
            Verb.REMOVE: "collections_delete",
        }.get(verb, self.endpoint)

    def connect(self, time: SharedTime) -> Destination:
        """Return the org."""
        return Salesforce(self.connection, time)

    def make_keyless(self, number: int) -> str:
        """Create a contact by hand."""
        row = self.row(number)
        fields = {name: row[name] for name in ("LastName", "Email", "Title")}
        return self.sandbox.create_record("Contact", **fields)

    def row(self, number: int) -> dict[str, Any]:
        """Return a contact."""
        return {
            "LastName": f"Person {number}",
            "Email": f"person-{number}@example.com",
            "Title": f"Title {number}",
            "Department": f"Department {number}",
            "Birthdate": date(1980, 1, 1) + timedelta(days=number % 1000),
            "DoNotCall": number % 2 == 0,
            "Churn_Score__c": Decimal(number % 100) + Decimal("0.25"),
            "Churn_Band__c": ("Low", "Medium", "High")[number % 3],
            "Churn_Scored_At__c": _SCORED + timedelta(seconds=number),
        }

    def delete(self, key: str) -> None:
        """Put the record into the recycle bin."""
        self.sandbox.delete_record(self.target.object, key)

    def restore(self, key: str) -> None:
        """Take the record out of the recycle bin."""
        self.sandbox.restore_record(self.target.object, key)

    def merge(self, winner: str, loser: str) -> None:
        """Merge two records."""
        self.sandbox.merge_records(self.target.object, winner=winner, loser=loser)

    def withdraw(self, permission: str) -> None:
        """Take a permission of the object away."""
        word = permission.split(maxsplit=1)[0]
        what = {"create": "createable", "edit": "updateable", "delete": "deletable"}[word]
        self.sandbox.permit(self.target.object, **{what: False})

    def lose_field(self, field: str) -> None:
        """Hide the field."""
        self.sandbox.faults.add("drop_field", object=self.target.object, field=field)

    def shorten_field(self, field: str, length: int) -> None:
        """Change the field's length."""
        self.sandbox.edit_field(self.target.object, field, length=length)


class SalesforceBulk(SalesforceCollections):
    """Contacts over jobs of the Bulk API 2.0."""

    name = "Salesforce Bulk 2.0"
    endpoint = "bulk"
    write: ClassVar = {"method": "PATCH", "path_contains": "jobs/ingest"}
    upload: ClassVar = {"method": "PUT", "path_contains": "/batches"}
    verdict: ClassVar = {"method": "GET", "path_contains": "/successfulResults"}
    gaps: ClassVar = {
        "update_only_creates_nothing": _BY_ID,
        "remove": _BY_ID,
        "a_record_without_our_key_is_adopted": _BY_ID,
        "remove_what_is_not_there": _BY_ID,
    }

    def endpoint_for(self, verb: Verb) -> str:
        """Return the job's kind: it is made for one operation."""
        return "bulk_insert" if verb is Verb.CREATE else self.endpoint


class SalesforceMembers(SalesforceCollections):
    """Members of a campaign: an audience."""

    name = "Salesforce campaign members"
    target = Target(
        "CampaignMember",
        "Member_Key__c",
        (
            mapping("Campaign.Campaign_Key__c", "text(80)"),
            mapping("Contact.Customer_Key__c", "text(80)"),
            mapping("Segment__c", "text(80)"),
            mapping("Note__c", "text(255)", NullPolicy.KEEP),
            mapping("Tier__c", "text(20)"),
        ),
    )
    endpoint = "members"
    write: ClassVar = {"path_contains": "composite/sobjects"}
    text = "Segment__c"
    kept = "Note__c"
    sought = "Segment__c"
    spoilt: ClassVar = {"Tier__c": "Tin"}
    gaps: ClassVar = {
        **SalesforceCollections.gaps,
        "merged_record": never(UsageError, "members of campaigns cannot be merged"),
        "restored_record": never(UsageError, "members of campaigns cannot be brought back"),
    }

    def __init__(self, sandbox: Sandbox) -> None:
        """Put that sandbox in the vendor's place."""
        super().__init__(sandbox)
        self._campaign = ""
        self._people: dict[int, str] = {}

    def prepare(self) -> None:
        """Make a campaign."""
        named = {"Campaign_Key__c": "spring", "Name": "Spring"}
        self._campaign = self.sandbox.create_record("Campaign", **named)

    def make_keyless(self, number: int) -> str:
        """Put the person into the campaign by hand."""
        self.row(number)
        links = {"CampaignId": self._campaign, "ContactId": self._people[number]}
        return self.sandbox.create_record("CampaignMember", **links)

    def row(self, number: int) -> dict[str, Any]:
        """Return a member, and see to it that the person is there."""
        person = f"c-{number:05d}"
        if number not in self._people:
            named = {"Customer_Key__c": person, "LastName": "Person"}
            self._people[number] = self.sandbox.create_record("Contact", **named)
        return {
            "Campaign.Campaign_Key__c": "spring",
            "Contact.Customer_Key__c": person,
            "Segment__c": f"Segment {number}",
            "Note__c": f"Note {number}",
            "Tier__c": ("Gold", "Silver", "Bronze")[number % 3],
        }
