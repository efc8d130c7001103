"""HubSpot's contacts, as the sandbox describes them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Target
from activation.destinations.hubspot.destination import HubSpot
from activation.destinations.traits import Verb
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    SandboxSubject,
    mapping,
    never,
)

_SCORED = datetime(2026, 9, 1, 10, 30, tzinfo=UTC)
_ENDPOINTS = {
    Verb.UPSERT: "upsert",
    Verb.UPDATE: "update",
    Verb.CREATE: "create",
    Verb.REMOVE: "archive",
}


class HubSpotContacts(SandboxSubject):
    """Contacts by a unique property, over batch calls."""

    name = "HubSpot contacts"
    system = "hubspot"
    credentials: ClassVar = {"access_token": "pat-na1-test"}
    target = Target(
        "contacts",
        "customer_key",
        (
            mapping("email", "text(80)"),
            mapping("firstname", "text(80)"),
            mapping("city", "text(80)"),
            mapping("jobtitle", "text(80)", NullPolicy.KEEP),
            mapping("lead_score", "decimal(5,2)"),
            mapping("lead_grade", "text(1)"),
            mapping("is_champion", "boolean", NullPolicy.KEEP),
            mapping("last_scored_on", "date"),
            mapping("last_scored_at", "timestamp"),
        ),
    )
    endpoint = "upsert"
    write: ClassVar = {"method": "POST", "path_contains": "/batch/upsert"}
    text = "firstname"
    kept = "jobtitle"
    sought = "city"
    spoilt: ClassVar = {"lead_grade": "Z"}
    repeated = Repeated.BATCH_FAILS
    deleted = Gone.MADE_ANEW
    # The address goes over to the record that remains, so another with it cannot be made.
    merged = Gone.REFUSED
    renews_access = False
    paces: ClassVar = {
        "requests in ten seconds": {"name": "rate_limited", "limit": "burst"},
        "locked for two seconds": {"name": "status", "status": 423},
        "account being moved": {"name": "status", "status": 477, "retry_after": 5},
    }
    gaps: ClassVar = {
        "shortened_field": never(NotImplementedError, "HubSpot's properties have no lengths"),
    }

    def endpoint_for(self, verb: Verb) -> str:
        """Return the batch call: each verb has one of its own."""
        return _ENDPOINTS[verb]

    def connect(self, time: SharedTime) -> Destination:
        """Return the account."""
        return HubSpot(self.connection, time, time.pass_)

    def row(self, number: int) -> dict[str, Any]:
        """Return a contact."""
        return {
            "email": f"person-{number}@example.com",
            "firstname": f"Person {number}",
            "city": f"City {number}",
            "jobtitle": f"Title {number}",
            "lead_score": Decimal(number % 100) + Decimal("0.25"),
            "lead_grade": "ABCD"[number % 4],
            "is_champion": number % 2 == 0,
            "last_scored_on": date(2026, 1, 1) + timedelta(days=number % 1000),
            "last_scored_at": _SCORED + timedelta(seconds=number),
        }

    def make_keyless(self, number: int) -> str:
        """Create the contact by hand."""
        fields = {"email": self.row(number)["email"]}
        return self.sandbox.create_record("contacts", system="hubspot", **fields)

    def delete(self, key: str) -> None:
        """Archive the contact."""
        self.sandbox.delete_record("contacts", key, system="hubspot")

    def restore(self, key: str) -> None:
        """Take the contact out of the archive."""
        self.sandbox.restore_record("contacts", key, system="hubspot")

    def merge(self, winner: str, loser: str) -> None:
        """Merge two contacts."""
        self.sandbox.merge_records("contacts", winner=winner, loser=loser, system="hubspot")

    def lose_field(self, field: str) -> None:
        """Hide the property."""
        self.sandbox.faults.add("drop_field", object="contacts", field=field)

    def withdraw(self, permission: str) -> None:
        """Take a scope away."""
        self.sandbox.call("DELETE", f"hubspot/scopes/{permission}")
