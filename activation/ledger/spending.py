"""Requests that are over: permits cool, the day is counted, and the vendor's health is told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from activation.destinations.traits import Bucket
from activation.governor.breaker import CLOSED, Breaker
from activation.governor.budget import Budget, day_of
from activation.governor.pace import FULL, Pace
from activation.governor.permits import cooled_at
from activation.ledger import permits, quota, signals
from activation.ledger.clearances import Sign, Spent


def settle(connected: sa.Connection, spent: Sequence[Spent], budget: Budget, now: datetime) -> None:
    """Give permits back, count the day, and keep what these requests said of the vendor."""
    connection = budget.connection
    back = [
        (permit, one.clearance.ask.holder, _free_again(permit.bucket, one))
        for one in spent
        for permit in one.clearance.permits
    ]
    permits.give_back(connected, connection, back)
    _count(connected, spent, budget, now)
    if any(_newsworthy(one) for one in spent):
        _tell(connected, spent, connection, now)


def _free_again(bucket: Bucket, spent: Spent) -> datetime:
    return spent.over_at if spent.sign is Sign.UNSENT else cooled_at(bucket, spent.over_at)


def _count(connected: sa.Connection, spent: Sequence[Spent], budget: Budget, now: datetime) -> None:
    connection, today = budget.connection, day_of(now)
    readings = [one.quota for one in spent if one.quota is not None]
    last = max(readings, key=lambda reading: reading.used, default=None)
    for day in sorted({today, *(day_of(one.clearance.at) for one in spent)}):
        of_day = [one for one in spent if day_of(one.clearance.at) == day]
        beyond = sum(max(0, one.requests - one.clearance.ask.requests) for one in of_day)
        if beyond:
            quota.reserve(connected, budget, day, beyond)
        taken = sum(max(one.requests, one.clearance.ask.requests) for one in of_day)
        if day == today and last is not None:
            quota.correct(connected, connection, last, now, answered=taken)
        elif of_day:
            quota.answered(connected, connection, day, taken)


def _newsworthy(spent: Spent) -> bool:
    steady = spent.sign is Sign.ANSWERED and spent.clearance.breaker == CLOSED
    return spent.laboured or not steady


def _tell(connected: sa.Connection, spent: Sequence[Spent], connection: str, now: datetime) -> None:
    known = signals.read(connected, connection)
    breakers, paces = dict(known.breakers), dict(known.paces)
    for one in spent:
        ask = one.clearance.ask
        breakers[ask.endpoint] = _breaker(breakers.get(ask.endpoint, CLOSED), one.sign, now)
        for bucket in ask.buckets:
            paces[bucket.name] = _pace(paces.get(bucket.name, FULL), one, now)
    for endpoint, breaker in breakers.items():
        if breaker != known.breaker(endpoint):
            signals.tell(connected, connection, endpoint, breaker, now)
    for name, pace in paces.items():
        if pace != known.pace(name):
            signals.tell(connected, connection, name, pace, now)


def _breaker(breaker: Breaker, sign: Sign, now: datetime) -> Breaker:
    match sign:
        case Sign.FAILED:
            return breaker.failed(now)
        case Sign.UNSENT:
            return breaker.released()
        case _:
            return breaker.answered()


def _pace(pace: Pace, spent: Spent, now: datetime) -> Pace:
    if spent.sign is Sign.THROTTLED:
        return pace.throttled(now, spent.retry_after)
    return pace.laboured(now) if spent.laboured else pace
