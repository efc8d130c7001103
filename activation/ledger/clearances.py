"""
Clearances: the governor's answer to requests that want to leave.

`clearing` decides about them, `spending` takes them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from activation.destinations.base import QuotaReading
from activation.destinations.traits import Bucket
from activation.errors import QuotaExhausted
from activation.governor.breaker import Breaker
from activation.ledger.permits import Permit


class Cause(StrEnum):
    """Why a request must wait."""

    BREAKER = "breaker"  # the endpoint fails again and again
    RETRY_AFTER = "retry_after"  # the vendor asked not to be asked
    RETRIES = "retries"  # too many repetitions lately
    SHARE = "share"  # the others' turn to use what is left of the day
    PACE = "pace"  # no permit has cooled
    ANSWER = "answer"  # every permit is on the wire, and free as soon as it is answered
    PEOPLE = "people"  # somebody was suppressed or erased since its rows were looked at


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that wants to leave."""

    holder: str
    """The batch that it is for."""
    endpoint: str
    buckets: tuple[Bucket, ...]
    until: datetime
    """Nobody listens to it after that."""
    requests: int = 1
    """What it takes of the day."""
    withdrawal: bool = False
    repeated: bool = False
    intended: bool = False
    """An intent is written with it, which counts it among the batch's requests."""

    @property
    def counted(self) -> int:
        """Return the requests that the intent counts."""
        return int(self.intended)


@dataclass(frozen=True, slots=True)
class Clearance:
    """The right to make one request now."""

    ask: Ask
    permits: tuple[Permit, ...]
    at: datetime
    breaker: Breaker
    """As it was; anything but closed makes the request a probe, or the last one before it opens."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No clearance now; it is worth asking again after so many seconds."""

    seconds: float
    cause: Cause


class Sign(StrEnum):
    """What a request that is over says of the vendor's health."""

    ANSWERED = "answered"
    THROTTLED = "throttled"
    FAILED = "failed"
    UNSENT = "unsent"  # it never left


@dataclass(frozen=True, slots=True)
class Spent:
    """A request that is over."""

    clearance: Clearance
    over_at: datetime
    sign: Sign
    requests: int = 1
    """What it took of the day, as far as we know."""
    quota: QuotaReading | None = None
    retry_after: float | None = None
    laboured: bool = False
    """Answers take much longer than they used to."""

    @property
    def beyond_intent(self) -> int:
        """Return the requests that its batch's intent does not count."""
        return 0 if self.sign is Sign.UNSENT else self.requests - self.clearance.ask.counted


@dataclass(frozen=True, slots=True)
class Backlog:
    """What a delivery has to send yet, in requests."""

    waiting: int = 0
    withdrawals: int = 0
    begun: Mapping[datetime, int] = field(default_factory=dict)
    """First attempts by the minute that the ledger has not been told of."""


NOTHING_WAITS = Backlog()
Answer: TypeAlias = Clearance | Wait | QuotaExhausted
