"""Calls: one request on the wire, with what the governor learns of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from activation.clock import Clock
from activation.delivery.halt import Halt
from activation.delivery.ports import Wire
from activation.destinations.base import Answer, JobStatus, RowResult
from activation.errors import AccessRefused, DestinationError, QuotaRefused, Throttled, Transient
from activation.governor.latency import Latency
from activation.ledger.clearances import Clearance, Sign, Spent

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Heard:
    """A vendor's answer about rows, and what it says of each."""

    answer: Answer
    results: tuple[RowResult, ...]


@dataclass(frozen=True, slots=True)
class Made(Generic[T]):
    """A call that was answered."""

    spent: Spent
    value: T


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that no answer came of, or one that says no to all of it."""

    spent: Spent
    error: DestinationError


@dataclass(slots=True)
class Calls:
    """Makes the calls of one delivery."""

    clock: Clock
    wire: Wire
    halt: Halt
    at_once: asyncio.Semaphore
    """Places on the wire; whoever makes a call holds one from before it is cleared."""
    shut: bool = False
    """The vendor has turned us away: what is cleared would be turned away as well."""
    _latencies: dict[str, Latency] = field(default_factory=dict)

    async def make(
        self, clearance: Clearance, deadline: datetime, call: Callable[[float], T]
    ) -> Made[T] | Missed:
        """
        Make a call that was cleared, unless its time is over or everything was stopped meanwhile.

        Args:
            clearance: the right to make it.
            deadline: when nobody listens any more; `call` is told how many seconds are left.
            call: returns the vendor's answer, or raises a DestinationError.
        """
        if self.shut or self.halt.urgent:
            error = Transient("The delivery was stopped before it left.", code="HALTED")
            return self._unsent(clearance, error)
        made = await self.wire.run(partial(self._make, clearance, deadline, call))
        if isinstance(made, Missed) and isinstance(made.error, QuotaRefused | AccessRefused):
            self.shut = True
        return made

    def _make(
        self, clearance: Clearance, deadline: datetime, call: Callable[[float], T]
    ) -> Made[T] | Missed:
        began = self.clock.now()
        seconds = (deadline - began).total_seconds()
        if seconds <= 0:
            error = Transient("The request's time ran out before it began.", code="TOO_LATE")
            return self._unsent(clearance, error)
        try:
            value = call(seconds)
        except DestinationError as error:
            return Missed(self._failed(clearance, error), error)
        over_at = self.clock.now()
        answer = value.answer if isinstance(value, Heard) else value
        latency = self._latencies.setdefault(clearance.ask.endpoint, Latency())
        spent = Spent(
            clearance,
            over_at,
            Sign.ANSWERED,
            requests=answer.requests if isinstance(answer, Answer) else 1,
            quota=answer.quota if isinstance(answer, Answer | JobStatus) else None,
            laboured=latency.told((over_at - began).total_seconds()),
        )
        return Made(spent, value)

    def _unsent(self, clearance: Clearance, error: Transient) -> Missed:
        return Missed(Spent(clearance, self.clock.now(), Sign.UNSENT), error)

    def _failed(self, clearance: Clearance, error: DestinationError) -> Spent:
        sign, retry_after = Sign.ANSWERED, None
        if isinstance(error, Transient):
            asked = isinstance(error, Throttled) or error.retry_after is not None
            sign = Sign.THROTTLED if asked else Sign.FAILED
            retry_after = error.retry_after
        return Spent(clearance, self.clock.now(), sign, retry_after=retry_after)
