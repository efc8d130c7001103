"""Zendesk's users and organizations, in jobs of a hundred."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Target
from activation.destinations.zendesk.destination import Zendesk
from activation.errors import Transient
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    SandboxSubject,
    mapping,
    never,
)

_LENGTHS = never(NotImplementedError, "custom fields have no lengths")
_DAY = never(Transient, "requests are counted by the minute, there is no daily limit")
_UNKNOWN = never(AssertionError, "values of fields that are not there are passed over silently")
_FINAL = never(NotImplementedError, "what was deleted cannot be brought back")


class ZendeskSubject(SandboxSubject):
    """Records of one object."""

    system = "zendesk"
    credentials: ClassVar = {"client_id": "app", "client_secret": "s3cret"}
    endpoint = "jobs"
    folder: ClassVar[str]
    """Where custom fields stand in a record."""
    deleted = Gone.MADE_ANEW
    renews_access = True

    def prepare(self) -> None:
        """Enable imports, let the search index keep up, and add two fields."""
        self.sandbox.call("POST", "zendesk/account", {"imports": True})
        # How the index lags is held by the sandbox's own tests.
        self.sandbox.set_quirk("zendesk", "search_lag_seconds", 0)
        self.sandbox.edit_field(self.target.object, "about", system="zendesk", type="text")
        self.sandbox.edit_field(self.target.object, "more", system="zendesk", type="textarea")

    def connect(self, time: SharedTime) -> Destination:
        """Return the account."""
        return Zendesk(self.connection, time, time.pass_)

    def stored(self, key: str) -> Mapping[str, Any] | None:
        """Return the record with its custom fields beside the others."""
        found = super().stored(key)
        if found is None:
            return None
        custom = {f"{self.folder}.{name}": value for name, value in found[self.folder].items()}
        return {**found, **custom}

    def make_keyless(self, number: int) -> str:
        """Create the record by hand."""
        fields = {n: v for n, v in self.row(number).items() if n in ("name", "email")}
        return self.sandbox.create_record(self.target.object, system="zendesk", **fields)

    def delete(self, key: str) -> None:
        """Delete the record."""
        self.sandbox.delete_record(self.target.object, key, system="zendesk")

    def lose_field(self, field: str) -> None:
        """Let the field vanish."""
        name = field.rpartition(".")[2]
        self.sandbox.faults.add("drop_field", object=self.target.object, field=name)

    def withdraw(self, permission: str) -> None:
        """Take a scope from the tokens."""
        scope = permission.removeprefix("scope ")
        self.sandbox.call("DELETE", "zendesk/scopes", {"scope": scope})


class ZendeskUsers(ZendeskSubject):
    """Users."""

    name = "Zendesk users"
    folder = "user_fields"
    target = Target(
        "users",
        "external_id",
        (
            mapping("name", "text(80)"),
            mapping("email", "text(80)", NullPolicy.KEEP),
            mapping("details", "text(200)"),
            mapping("user_fields.about", "text(80)"),
            mapping("user_fields.more", "text(80)", NullPolicy.KEEP),
            mapping("user_fields.plan", "text(40)"),
            mapping("user_fields.health_score", "decimal(5,2)"),
            mapping("user_fields.numeric_field", "integer"),
            mapping("user_fields.date_field", "date"),
            mapping("user_fields.checkbox_field", "boolean", NullPolicy.KEEP),
        ),
    )
    write: ClassVar = {"method": "POST", "path_contains": "users/create_or_update_many"}
    text = "user_fields.about"
    kept = "user_fields.more"
    sought = "email"
    spoilt: ClassVar = {"user_fields.plan": "no such plan"}
    repeated = Repeated.ONE_WINS
    merged = Gone.REDIRECTED
    paces: ClassVar = {
        "requests a minute": {"name": "rate_limited", "limit": "minute"},
        "jobs at once": {"name": "rate_limited", "limit": "jobs"},
    }
    gaps: ClassVar = {
        "shortened_field": _LENGTHS,
        "unknown_field": _UNKNOWN,
        "daily_quota": _DAY,
        "restored_record": _FINAL,
        "find_several": never(AssertionError, "an address belongs to one user"),
    }

    def row(self, number: int) -> dict[str, Any]:
        """Return a user."""
        return {
            "name": f"Person {number}",
            "email": f"person-{number}@example.com",
            "details": f"Details {number}",
            "user_fields.about": f"About {number}",
            "user_fields.more": f"More {number}",
            "user_fields.plan": ("team", "starter", "business")[number % 3],
            "user_fields.health_score": Decimal(number % 100) + Decimal("0.25"),
            "user_fields.numeric_field": number,
            "user_fields.date_field": date(2026, 1, 1) + timedelta(days=number % 300),
            "user_fields.checkbox_field": number % 2 == 0,
        }

    def merge(self, winner: str, loser: str) -> None:
        """Merge two users."""
        self.sandbox.merge_records("users", winner=winner, loser=loser, system="zendesk")


class ZendeskOrganizations(ZendeskSubject):
    """Organizations."""

    name = "Zendesk organizations"
    folder = "organization_fields"
    target = Target(
        "organizations",
        "external_id",
        (
            mapping("name", "text(80)"),
            mapping("organization_fields.about", "text(80)"),
            mapping("organization_fields.more", "text(80)", NullPolicy.KEEP),
            mapping("organization_fields.plan", "text(40)"),
            mapping("organization_fields.monthly_value", "decimal(12,2)"),
            mapping("organization_fields.seats", "integer"),
            mapping("organization_fields.renewal_date", "date"),
        ),
    )
    write: ClassVar = {"method": "POST", "path_contains": "organizations/create_many"}
    text = "organization_fields.about"
    kept = "organization_fields.more"
    sought = "name"
    spoilt: ClassVar = {"organization_fields.plan": "no such plan"}
    repeated = Repeated.ROWS_FAIL
    merged = Gone.MADE_ANEW
    paces = ZendeskUsers.paces
    gaps: ClassVar = {
        "shortened_field": _LENGTHS,
        "unknown_field": _UNKNOWN,
        "daily_quota": _DAY,
        "restored_record": _FINAL,
        "merged_record": never(NotImplementedError, "the sandbox merges users only"),
        "find_several": never(AssertionError, "a name belongs to one organization"),
    }

    def row(self, number: int) -> dict[str, Any]:
        """Return an organization."""
        return {
            "name": f"Company {number}",
            "organization_fields.about": f"About {number}",
            "organization_fields.more": f"More {number}",
            "organization_fields.plan": ("team", "starter")[number % 2],
            "organization_fields.monthly_value": Decimal(number % 1000) + Decimal("0.75"),
            "organization_fields.seats": number,
            "organization_fields.renewal_date": date(2026, 1, 1) + timedelta(days=number % 300),
        }
