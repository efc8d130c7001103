"""Braze's profiles, as the sandbox keeps them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Target
from activation.destinations.braze.destination import Braze
from activation.destinations.traits import Verb
from activation.errors import ConfigurationError, Transient
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    SandboxSubject,
    mapping,
    never,
)

_QUEUE_SECONDS = 2.0
_ACTIVE = datetime(2026, 8, 1, 10, 30, tzinfo=UTC)


class BrazeUsers(SandboxSubject):
    """Profiles over /users/track."""

    name = "Braze users"
    system = "braze"
    credentials: ClassVar = {"api_key": "k3y"}
    target = Target(
        "users",
        "external_id",
        (
            mapping("email", "text(80)"),
            mapping("first_name", "text(80)"),
            mapping("home_city", "text(80)", NullPolicy.KEEP),
            mapping("dob", "date"),
            mapping("churn_band", "text(20)"),
            mapping("churn_score", "decimal(5,2)"),
            mapping("last_active_on", "timestamp"),
            mapping("monthly_value", "decimal(12,2)", NullPolicy.KEEP),
        ),
    )
    endpoint = "track"
    write: ClassVar = {"method": "POST", "path_contains": "/users/track"}
    text = "churn_band"
    kept = "home_city"
    sought = "email"
    spoilt: ClassVar = {"email": "not an address"}
    repeated = Repeated.ONE_WINS
    deleted = Gone.MADE_ANEW
    merged = Gone.MADE_ANEW
    renews_access = False
    paces: ClassVar = {"/users/track in 3 s": {"name": "rate_limited"}}
    gaps: ClassVar = {
        "tampered_answers": never(
            AssertionError,
            "it tells only what it refused: an answer that lost an error is one without",
        ),
        "unknown_field": never(AssertionError, "it takes any name; the schema gate finds it first"),
        "shortened_field": never(NotImplementedError, "its fields have no length of their own"),
        "update_only_creates_nothing": never(
            AssertionError, "it takes the row and drops it without a word; parity finds it missing"
        ),
        "create_only_updates_nothing": never(ConfigurationError, "it has no way to only create"),
        "a_record_without_our_key_is_adopted": never(
            NotImplementedError, "a profile gets its external id from /users/identify, for good"
        ),
        "daily_quota": never(Transient, "it has no limit by the day"),
        "restored_record": never(NotImplementedError, "a deletion is for good"),
        "read_back_all": never(ConfigurationError, "it lists profiles by their keys only"),
    }

    def connect(self, time: SharedTime) -> Destination:
        """Return the workspace."""
        self.time = time
        return Braze(self.connection, time)

    def endpoint_for(self, verb: Verb) -> str:
        """Return what deletes for what removes."""
        return "delete" if verb in (Verb.REMOVE, Verb.ERASE) else self.endpoint

    def row(self, number: int) -> dict[str, Any]:
        """Return a profile."""
        return {
            "email": f"person-{number}@example.com",
            "first_name": f"Person {number}",
            "home_city": f"Town {number}",
            "dob": date(1980, 1, 1) + timedelta(days=number % 1000),
            "churn_band": ("Low", "Medium", "High")[number % 3] + f" {number}",
            "churn_score": Decimal(number % 100) + Decimal("0.25"),
            "last_active_on": _ACTIVE + timedelta(seconds=number),
            "monthly_value": Decimal(number) + Decimal("0.50"),
        }

    def delete(self, key: str) -> None:
        """Delete the profile in the dashboard, once it is to be seen there."""
        self.time.pass_(_QUEUE_SECONDS)
        self.sandbox.call("DELETE", f"braze/users/{key}")

    def merge(self, winner: str, loser: str) -> None:
        """Merge two profiles in the dashboard, once they are to be seen there."""
        self.time.pass_(_QUEUE_SECONDS)
        self.sandbox.call("POST", "braze/merge", {"keep": winner, "merge": loser})

    def lose_field(self, field: str) -> None:
        """Take the attribute away."""
        self.sandbox.faults.add("drop_field", object="users", field=field)

    def withdraw(self, permission: str) -> None:
        """Take the permission from the key."""
        self.sandbox.call("POST", "braze/permissions", {"withheld": [permission]})
