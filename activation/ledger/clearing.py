"""
Decides about requests that want to leave, all that ask together in one transaction.

Breaker, the vendor's Retry-After, retry budget, the day's budget, permits: in this order.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import sqlalchemy as sa

from activation.destinations.traits import Bucket
from activation.errors import QuotaExhausted
from activation.governor import retries as retry_budget
from activation.governor.breaker import CLOSED, Breaker
from activation.governor.budget import Budget, Usage, day_of, refusal
from activation.governor.permits import cooled_at, cools_from, free_no_sooner, usable
from activation.governor.shares import ACTIVE, Claim, Demand, more
from activation.ledger import permits, quota, retries, signals
from activation.ledger.clearances import Answer, Ask, Backlog, Cause, Clearance, Wait
from activation.ledger.permits import Permit

_OFTEN = timedelta(seconds=1)
"""How often a sync says what it wants."""
_AT_ONCE = 64
"""Permits that one transaction looks at."""
_YIELD = 0.05
"""Seconds after which to ask again when it is somebody else's turn."""
_SPEAK_UP = ACTIVE.total_seconds() / 2
"""Seconds after which others would forget that a sync waits."""


def clear(
    connected: sa.Connection,
    asks: Sequence[Ask],
    budget: Budget,
    now: datetime,
    backlog: Backlog,
) -> list[Answer]:
    """Return what becomes of each of these requests; withdrawals go first."""
    desk = _Desk(connected, budget, now, backlog)
    answers: dict[int, Answer] = {}
    for i in sorted(range(len(asks)), key=lambda i: not asks[i].withdrawal):
        answers[i] = desk.answer(asks[i])
    desk.close()
    return [answers[i] for i in range(len(asks))]


@dataclass(slots=True)
class _Free:
    """What is left of a bucket while asks are decided one after the other."""

    ready: list[Permit]
    """Those that are free now."""
    coming: deque[datetime]
    """When the others may be free, as far as nobody here waits for them yet."""
    for_withdrawals: int
    """How many are free now."""
    mine: int
    """How many of them no other sync wants for withdrawals."""
    share: int
    """How many of them are this sync's by its weight; what is not to be divided may exceed it."""


class _Desk:
    """Decides about asks in one transaction, and writes what it decided at the end."""

    def __init__(
        self, connected: sa.Connection, budget: Budget, now: datetime, backlog: Backlog
    ) -> None:
        self._connected = connected
        self._budget = budget
        self._now = now
        self._backlog = backlog
        self._known = signals.read(connected, budget.connection)
        self._others = self._known.others(budget.sync, now)
        self._breakers = dict(self._known.breakers)
        self._buckets: dict[str, _Free] = {}
        self._taken: list[tuple[Permit, str, datetime]] = []
        self._reserved = 0
        self._repeated = 0
        self._wanting = 0

    def answer(self, ask: Ask) -> Answer:
        """Decide about one request."""
        breaker = self._breakers.get(ask.endpoint, CLOSED)
        answer = self._held_back(ask, breaker) or self._of_the_day(ask) or self._permits(ask)
        if isinstance(answer, Clearance):
            if breaker.probing:
                self._breakers[ask.endpoint] = breaker.probed(ask.until)
            self._taken += [(p, ask.holder, _until(p.bucket, ask)) for p in answer.permits]
            self._reserved += ask.requests
            self._repeated += ask.repeated
        return answer

    def close(self) -> None:
        """Write down what was decided."""
        connected, budget, now = self._connected, self._budget, self._now
        permits.take(connected, budget.connection, self._taken, budget.sync)
        if self._reserved:
            quota.reserve(connected, budget, day_of(now), self._reserved)
        for minute, first in self._backlog.begun.items():
            retries.add(connected, budget.connection, minute, first=first)
        if self._repeated:
            retries.add(connected, budget.connection, now, repeated=self._repeated)
        for endpoint, breaker in self._breakers.items():
            if breaker != self._known.breaker(endpoint):
                signals.tell(connected, budget.connection, endpoint, breaker, now)
        self._say_what_is_wanted()

    def _held_back(self, ask: Ask, breaker: Breaker) -> Wait | None:
        now = self._now
        if seconds := breaker.wait(now):
            return Wait(seconds, Cause.BREAKER)
        if seconds := max(self._known.pace(bucket.name).rest(now) for bucket in ask.buckets):
            return Wait(seconds, Cause.RETRY_AFTER)
        if ask.repeated and retry_budget.left(self._minutes, now) <= self._repeated:
            return Wait(retry_budget.wait(self._minutes, now), Cause.RETRIES)
        return None

    def _of_the_day(self, ask: Ask) -> Wait | QuotaExhausted | None:
        usage, shares = self._day
        share = shares.get(self._budget.sync, 0) + self._reserved
        usage = usage.taken(self._reserved)
        withdrawal = ask.withdrawal
        reason = refusal(usage, share, self._budget, requests=ask.requests, withdrawal=withdrawal)
        if reason:
            return quota.exhausted(reason, self._budget)
        left = usage.left(self._budget.headroom)
        if left is None or withdrawal or not self._others:
            return None
        left -= sum(other.withdrawals for other in self._others)
        others = [Claim(o.sync, o.weight, shares.get(o.sync, 0), o.waiting) for o in self._others]
        # What is repeated or settled is not in the backlog, and wanted all the same.
        wanted = max(ask.requests, self._backlog.waiting)
        mine = Claim(self._budget.sync, self._budget.weight, share, wanted)
        total = left + share + sum(claim.held for claim in others)
        # What is not to be divided may exceed its share, or two syncs could wait for each other.
        if left < ask.requests or more(total, left, mine, others) <= 0:
            return Wait(1.0, Cause.SHARE)
        return None

    def _permits(self, ask: Ask) -> Clearance | Wait:
        found: list[Permit] = []
        waits: list[tuple[float, Cause]] = []
        for bucket in ask.buckets:
            free, needed = self._free(bucket), _needed(bucket, ask)
            allowed = free.for_withdrawals if ask.withdrawal else free.mine
            turn = ask.withdrawal or free.share > 0
            if turn and len(free.ready) >= needed <= allowed:
                found += free.ready[:needed]
            else:
                cause = Cause.ANSWER if bucket.seconds is None else Cause.PACE
                waits.append((self._until_free(bucket, free, needed), cause))
        if waits:
            self._wanting += 1
            return Wait(*max(waits))
        for bucket in ask.buckets:
            free, needed = self._free(bucket), _needed(bucket, ask)
            del free.ready[:needed]
            free.coming.extend([cools_from(bucket, self._now)] * needed)
            free.mine -= needed
            free.share -= needed
            free.for_withdrawals -= needed
        breaker = self._breakers.get(ask.endpoint, CLOSED)
        return Clearance(ask, tuple(found), self._now, breaker)

    def _until_free(self, bucket: Bucket, free: _Free, needed: int) -> float:
        """Return when to ask again: each who must wait a moment of its own, or all come at once."""
        missing = needed - len(free.ready)
        if missing <= 0:
            return _YIELD
        # A bucket that was slowed down gets permits back by time alone.
        slowed = self._known.pace(bucket.name).share(self._now) < 1
        often = max(0.25, (bucket.seconds or 0) / 10) if slowed else math.inf
        if missing > len(free.coming):
            return min(often, _SPEAK_UP)
        for _ in range(missing):
            at = free.coming.popleft()
            # Whoever waits behind this one waits for its request as well.
            free.coming.append(cools_from(bucket, at))
        seconds = min(often, (at - self._now).total_seconds())
        return min(seconds, _SPEAK_UP) if self._others else seconds

    def _free(self, bucket: Bucket) -> _Free:
        if bucket.name not in self._buckets:
            self._buckets[bucket.name] = self._look(bucket)
        return self._buckets[bucket.name]

    def _look(self, bucket: Bucket) -> _Free:
        connected, connection, now = self._connected, self._budget.connection, self._now
        limit = usable(bucket, self._known.pace(bucket.name).share(now))
        coming = permits.coming(connected, connection, bucket, usable=limit, some=_AT_ONCE)
        ready = [permit for permit in coming if permit.free_at <= now]
        free = len(ready)
        times = [free_no_sooner(bucket, p.free_at, now, held=p.held) for p in coming[free:]]
        share = mine = free - sum(min(o.withdrawals, o.wanting) for o in self._others)
        if any(other.wanting for other in self._others):
            held = permits.held(connected, connection, bucket, now)
            others = [Claim(o.sync, o.weight, held.get(o.sync, 0), o.wanting) for o in self._others]
            sync, weight = self._budget.sync, self._budget.weight
            share = more(limit, mine, Claim(sync, weight, held.get(sync, 0), _AT_ONCE), others)
        return _Free(ready, deque(sorted(times)), free, mine, share)

    def _say_what_is_wanted(self) -> None:
        budget, backlog, now = self._budget, self._backlog, self._now
        said = self._known.demands.get(budget.sync)
        wanted_at = now if self._wanting else None if said is None else said.wanted_at
        # One that had to wait lately wants all that it has, though it asks for a few at a time:
        # told by the last few alone, two syncs would each leave half to the other.
        wanting = self._wanting
        if wanted_at is not None and now - wanted_at < ACTIVE:
            wanting = max(wanting, min(backlog.waiting, _AT_ONCE))
        if said is not None and now - said.seen_at < _OFTEN and bool(said.wanting) == bool(wanting):
            return
        demand = Demand(
            budget.sync,
            budget.weight,
            backlog.waiting,
            backlog.withdrawals,
            wanting,
            now,
            wanted_at,
        )
        signals.tell(self._connected, budget.connection, budget.sync, demand, now)

    @cached_property
    def _day(self) -> tuple[Usage, Mapping[str, int]]:
        return quota.read(self._connected, self._budget.connection, day_of(self._now))

    @cached_property
    def _minutes(self) -> Sequence[retry_budget.Minute]:
        return retries.minutes(self._connected, self._budget.connection, self._now)


def _needed(bucket: Bucket, ask: Ask) -> int:
    """Return how many permits a request takes that is several on the wire, one after the other."""
    return 1 if bucket.seconds is None else min(ask.requests, bucket.requests)


def _until(bucket: Bucket, ask: Ask) -> datetime:
    """Return when a permit is free again if its holder dies."""
    return cooled_at(bucket, ask.until)
