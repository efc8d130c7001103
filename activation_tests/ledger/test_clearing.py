"""What the governor answers to requests of several syncs of one account."""

from __future__ import annotations

from datetime import timedelta

from activation.destinations.base import QuotaReading
from activation.governor.budget import Budget
from activation.governor.permits import ANY
from activation.ledger import Ledger
from activation.ledger.clearances import Answer, Ask, Backlog, Clearance
from activation.ledger.clearing import clear
from activation_tests.ledger.conftest import StandingClock


def asked(ledger: Ledger, clock: StandingClock, sync: str, *, waiting: int) -> Answer:
    """Ask for one request of a sync that has so many more to send."""
    budget = Budget("crm", sync, requests_per_day=100, headroom=0.2)
    ask = Ask(f"{sync}-1", "upsert", (ANY,), clock.now() + timedelta(seconds=60))
    with ledger.store.write() as connected:
        (answer,) = clear(connected, [ask], budget, clock.now(), Backlog(waiting))
    return answer


def test_a_repetition_has_a_share_too(ledger: Ledger, clock: StandingClock) -> None:
    """A sync that has only something to repeat does not wait for others until they have all."""
    ledger.permits.prepare("crm", [ANY])
    ledger.quota.told("crm", QuotaReading(used=0, limit=100))

    assert isinstance(asked(ledger, clock, "others", waiting=30), Clearance)
    assert isinstance(asked(ledger, clock, "ours", waiting=0), Clearance)
