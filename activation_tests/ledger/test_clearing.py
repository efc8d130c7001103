"""What the governor answers to requests of several syncs of one account."""

from __future__ import annotations

from datetime import timedelta

import pytest

from activation.destinations.base import QuotaReading
from activation.destinations.traits import Bucket
from activation.governor.budget import Budget
from activation.governor.permits import ANY
from activation.ledger import Ledger, spending
from activation.ledger.clearances import (
    Answer,
    Ask,
    Backlog,
    Cause,
    Clearance,
    Sign,
    Spent,
    Wait,
)
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


def cleared(ledger: Ledger, clock: StandingClock, bucket: Bucket, asks: int) -> list[Answer]:
    """Ask for so many requests of one bucket at once."""
    budget = Budget("crm", "ours", requests_per_day=100, headroom=0.2)
    until = clock.now() + timedelta(seconds=60)
    with ledger.store.write() as connected:
        wanted = [Ask(f"b{no}", "upsert", (bucket,), until) for no in range(asks)]
        return clear(connected, wanted, budget, clock.now(), Backlog(asks))


def test_each_who_must_wait_is_told_when_a_permit_cools(
    ledger: Ledger, clock: StandingClock
) -> None:
    """Nobody asks again before a permit can be free, and no two are told of the same one."""
    bucket = Bucket("burst", 2, 10.0)
    ledger.permits.prepare("crm", [bucket])
    first, second = cleared(ledger, clock, bucket, 2)
    assert isinstance(first, Clearance)
    assert isinstance(second, Clearance)
    clock.later(seconds=1)
    budget = Budget("crm", "ours", requests_per_day=100, headroom=0.2)
    with ledger.store.write() as connected:
        spending.settle(connected, [Spent(first, clock.now(), Sign.ANSWERED)], budget, clock.now())
    clock.later(seconds=3)

    waits = cleared(ledger, clock, bucket, 3)

    # One was answered 3 s ago; the other is on the wire yet; the third comes after the first.
    assert [wait.seconds for wait in waits if isinstance(wait, Wait)] == [
        pytest.approx(7.02),
        pytest.approx(10.0),
        pytest.approx(17.02),
    ]


def test_who_waits_for_an_answer_is_told_so(ledger: Ledger, clock: StandingClock) -> None:
    """A permit of so many requests at once is free with an answer, whenever that comes."""
    bucket = Bucket("at once", 1, None)
    ledger.permits.prepare("crm", [bucket])

    taken, waits = cleared(ledger, clock, bucket, 2)

    assert isinstance(taken, Clearance)
    assert isinstance(waits, Wait)
    assert waits.cause is Cause.ANSWER
