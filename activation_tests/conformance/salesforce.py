"""Salesforce's Contact, as the sandbox describes it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Target
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.traits import Verb
from activation.errors import ConfigurationError, Refused
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    SandboxSubject,
    mapping,
    not_yet,
)

_SCORED = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)
_UPSERT_ONLY = not_yet(ConfigurationError, "the adapter only upserts")
_NO_JOBS = not_yet(Refused, "the engine does not run jobs yet")


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
        "update_only_creates_nothing": _UPSERT_ONLY,
        "create_only_updates_nothing": _UPSERT_ONLY,
        "remove": _UPSERT_ONLY,
        "remove_what_is_not_there": _UPSERT_ONLY,
        "preflight_misses_a_permission": not_yet(
            NotImplementedError, "the sandbox's user has every permission"
        ),
    }

    def connect(self, time: SharedTime) -> Destination:
        """Return the org."""
        return Salesforce(self.connection, time)

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
        self.sandbox.delete_record("Contact", key)

    def restore(self, key: str) -> None:
        """Take the record out of the recycle bin."""
        self.sandbox.restore_record("Contact", key)

    def merge(self, winner: str, loser: str) -> None:
        """Merge two contacts."""
        self.sandbox.merge_records("Contact", winner=winner, loser=loser)

    def lose_field(self, field: str) -> None:
        """Hide the field."""
        self.sandbox.faults.add("drop_field", object="Contact", field=field)

    def shorten_field(self, field: str, length: int) -> None:
        """Change the field's length."""
        self.sandbox.edit_field("Contact", field, length=length)


class SalesforceBulk(SalesforceCollections):
    """Contacts over jobs of the Bulk API 2.0."""

    name = "Salesforce Bulk 2.0"
    endpoint = "bulk"
    write: ClassVar = {"method": "PATCH", "path_contains": "jobs/ingest"}
    upload: ClassVar = {"method": "PUT", "path_contains": "/batches"}
    verdict: ClassVar = {"method": "GET", "path_contains": "/successfulResults"}
    gaps: ClassVar = {
        **{
            name: gap
            for name, gap in SalesforceCollections.gaps.items()
            if name != "create_only_updates_nothing"
        },
        "oversize_payload": _NO_JOBS,
        "bisection": _NO_JOBS,
        "crash_at_each_step": _NO_JOBS,
    }

    def endpoint_for(self, verb: Verb) -> str:
        """Return the job's kind: it is made for one operation."""
        return "bulk_insert" if verb is Verb.CREATE else self.endpoint
