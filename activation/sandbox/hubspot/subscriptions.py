"""Who takes which e-mails: subscription types and statuses, by address and not by record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.clock import Clock
from activation.sandbox.hubspot.errors import (
    Invalid,
    RowRefused,
    invalid,
    invalid_values,
    lacking,
)
from activation.sandbox.hubspot.values import stamp
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State

TYPES = (
    (1001, "Product news", "What is new in the product."),
    (1002, "Customer care", "Advice from customer success."),
)
"""The subscription types of the account: id, name, what it is for."""
STATES = ("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SPECIFIED")
MOST = 100
_EVERYTHING = 0
_CREATED = "2026-01-05T09:00:00.000Z"


class Subscriptions:
    """The statuses of every address that has one."""

    def __init__(self, state: State, clock: Clock, quirks: Quirks) -> None:
        self._state = state
        self._clock = clock
        self._quirks = quirks

    def prepare(self) -> None:
        """Create the table."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS hubspot_statuses (email TEXT, subscription INTEGER,"
            " state TEXT, basis TEXT, explanation TEXT, at TEXT,"
            " PRIMARY KEY (email, subscription)) WITHOUT ROWID"
        )

    def definitions(self) -> list[dict[str, Any]]:
        """Return the subscription types."""
        return [
            {
                "id": str(number),
                "name": name,
                "description": about,
                "purpose": "Marketing",
                "communicationMethod": "Email",
                "isActive": True,
                "isDefault": False,
                "isInternal": False,
                "createdAt": _CREATED,
                "updatedAt": _CREATED,
            }
            for number, name, about in TYPES
        ]

    def statuses(self, email: str) -> list[dict[str, Any]]:
        """Return an address's status of every type."""
        found = {
            number: (state, basis, explanation, at)
            for number, state, basis, explanation, at in self._state.rows(
                "SELECT subscription, state, basis, explanation, at FROM hubspot_statuses"
                " WHERE email = ?",
                (_normal(email),),
            )
        }
        everything = found.get(_EVERYTHING)
        shown = []
        for number, _, _ in TYPES:
            state, basis, explanation, at = everything or found.get(
                number, ("NOT_SPECIFIED", None, None, _CREATED)
            )
            shown.append(_status(_normal(email), number, state, at, basis, explanation))
        return shown

    def write(self, given: Mapping[str, Any]) -> dict[str, Any] | RowRefused:
        """Set one status, and return what came of it."""
        absent = [
            name
            for name in ("subscriberIdString", "subscriptionId", "statusState", "channel")
            if given.get(name) in (None, "")
        ]
        if absent:
            raise lacking(*absent)
        email, number = _normal(str(given["subscriberIdString"])), given["subscriptionId"]
        state = given["statusState"]
        if "@" not in email:
            text = f"Email address {email} is invalid"
            return invalid_values([Invalid("INVALID_EMAIL", "subscriberIdString", text)])
        if number not in {known for known, _, _ in TYPES}:
            return RowRefused(f"Subscription type {number} does not exist", "VALIDATION_ERROR")
        if state not in STATES or given["channel"] != "EMAIL":
            raise invalid("Invalid input JSON on line 1, column 2: unknown statusState or channel")
        before = self._state_of(email, number)
        if (before, state) == ("UNSUBSCRIBED", "SUBSCRIBED") and self._quirks.on(
            "refuses_resubscription"
        ):
            text = "The subscriber has opted out and cannot be subscribed again by the API"
            return RowRefused(text, "VALIDATION_ERROR")
        now = stamp(self._clock.now())
        basis, explanation = given.get("legalBasis"), given.get("legalBasisExplanation")
        if before != state:
            self._state.connection.execute(
                "INSERT OR REPLACE INTO hubspot_statuses VALUES (?, ?, ?, ?, ?, ?)",
                (email, number, state, basis, explanation, now),
            )
        told = _status(email, number, state, now, basis, explanation)
        if before == state:
            reason = "NO_STATUS_CHANGE"
        elif (before, state) == ("UNSUBSCRIBED", "SUBSCRIBED"):
            reason = "RESUBSCRIBE_OCCURRED"
        else:
            reason = "REQUESTED_CHANGE_OCCURRED"
        return {**told, "setStatusSuccessReason": reason}

    def unsubscribe_all(self, email: str) -> list[dict[str, Any]]:
        """Let an address take no e-mails at all."""
        now = stamp(self._clock.now())
        self._state.connection.execute(
            "INSERT OR REPLACE INTO hubspot_statuses VALUES (?, ?, 'UNSUBSCRIBED', NULL, NULL, ?)",
            (_normal(email), _EVERYTHING, now),
        )
        reason = "UNSUBSCRIBE_FROM_ALL_OCCURRED"
        return [{**one, "setStatusSuccessReason": reason} for one in self.statuses(email)]

    def records(self, number: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Return up to `limit` addresses with a status of that type, and how many there are."""
        rows = self._state.rows(
            "SELECT email, state FROM hubspot_statuses WHERE subscription = ? ORDER BY email",
            (int(number) if number.isdigit() else -1,),
        )
        return [{"email": email, "status": state} for email, state in rows[:limit]], len(rows)

    def _state_of(self, email: str, number: int) -> str:
        found = self._state.rows(
            "SELECT state FROM hubspot_statuses WHERE email = ? AND subscription IN (?, ?)"
            " ORDER BY subscription LIMIT 1",
            (email, number, _EVERYTHING),
        )
        return str(found[0][0]) if found else "NOT_SPECIFIED"


def as_v3(status: Mapping[str, Any]) -> dict[str, Any]:
    """Return a status as the older version of the API shows it."""
    _, name, about = next(one for one in TYPES if one[0] == status["subscriptionId"])
    shown = {
        "id": str(status["subscriptionId"]),
        "name": name,
        "description": about,
        "status": "SUBSCRIBED" if status["status"] == "SUBSCRIBED" else "NOT_SUBSCRIBED",
        "sourceOfStatus": "SUBSCRIPTION_STATUS",
    }
    basis = {k: status[k] for k in ("legalBasis", "legalBasisExplanation") if k in status}
    return shown | basis


def _status(  # noqa: PLR0913, PLR0917
    email: str, number: int, state: str, at: str, basis: str | None, explanation: str | None
) -> dict[str, Any]:
    name = next((name for known, name, _ in TYPES if known == number), "")
    shown: dict[str, Any] = {
        "subscriberIdString": email,
        "channel": "EMAIL",
        "subscriptionId": number,
        "subscriptionName": name,
        "status": state,
        "source": "API",
        "timestamp": at,
    }
    if basis:
        shown["legalBasis"] = basis
    if explanation:
        shown["legalBasisExplanation"] = explanation
    return shown


def _normal(email: str) -> str:
    return email.strip().lower()
