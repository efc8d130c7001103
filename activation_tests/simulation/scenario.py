"""What a seed is about: how much there is to do, and which faults are about."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

HORIZON = timedelta(minutes=10)
MARGIN = 30.0
"""Seconds by which clocks may be wrong; a late request lands that much before its horizon."""


class Fault(StrEnum):
    """What may happen to one request."""

    UNREACHED = "unreached"  # the connection is refused, and we know that nothing arrived
    LOST_REQUEST = "lost_request"  # it never arrives, and we wait for an answer
    LOST_ANSWER = "lost_answer"  # it is applied, and we wait for an answer
    LATE = "late"  # it is applied after we have stopped listening, within the horizon
    RATE_LIMITED = "rate_limited"
    BROKEN_BEFORE = "broken_before"  # a 5xx; nothing was applied
    BROKEN_AFTER = "broken_after"  # a 5xx; all was applied
    GARBLED = "garbled"  # all was applied, and the answer cannot be read
    PARTIAL = "partial"  # all was applied, and the answer does not speak of every row
    LOCKED = "locked"  # some rows are held by somebody else for the moment
    EXPIRED = "expired"  # the token is no longer good for this process


_DOUBTFUL = (Fault.LATE, Fault.LATE, Fault.LOST_ANSWER, Fault.LOST_REQUEST)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One seed's parameters; every number is drawn before anything starts."""

    seed: int
    start: datetime
    rows: int
    batch_rows: int
    concurrency: int
    requests_per_day: int
    daily_limit: int
    faults: Mapping[Fault, float]
    """By fault, the share of requests that it befalls."""
    runs: int
    gaps: tuple[float, ...]
    """Seconds between the starts of the runs."""
    phases: tuple[str, ...]
    """What each run plans and delivers."""
    repeated: tuple[bool, ...]
    """Whether a run delivers what is planned already instead of planning anew."""
    moves: int
    """Times the source moves on while faults are about."""
    revocations: int
    pauses: int
    jumps: int
    eaten: int
    """Requests that other tools take of the account's day."""
    crash: float
    """The chance that a process dies at a scheduling point."""
    freeze: float
    """The chance that a process stands still at a scheduling point."""
    deaf: float
    """The chance that a transaction finds the ledger out of reach."""
    gate: float
    """The chance that a plan does not pass its gates."""
    loitering: float
    """The chance that a plan lies about before it is delivered."""
    bad: float
    """The chance that a new row is one that the vendor refuses for good."""
    poison: float
    """The chance that a new row is one for which the vendor refuses the whole request."""


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed; most faults are absent from most, so that others show."""
    r = random.Random(f"{seed}/scenario")  # noqa: S311 - replayable
    runs = r.choice((2, 2, 3, 3, 4))
    # In one seed of four, hardly any request is answered, and plans lie about meanwhile.
    doubtful = r.random() < 0.25
    return Scenario(
        seed=seed,
        start=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=r.randrange(86_400)),
        rows=r.randint(2, 9),
        batch_rows=r.choice((1, 2, 3, 3, 4, 6)),
        concurrency=r.choice((1, 2, 3)),
        requests_per_day=r.choice((3, 8, 500, 500, 500)),
        daily_limit=r.choice((8, 15, 1000, 1000)),
        faults=_faults(r, doubtful=doubtful),
        runs=runs,
        gaps=tuple(r.uniform(0, 300) if doubtful else _gap(r) for _ in range(runs)),
        phases=tuple(r.choice(("all", "all", "some")) for _ in range(runs)),
        repeated=tuple(r.random() < 0.2 for _ in range(runs)),
        moves=3 if doubtful else r.choice((1, 2, 3)),
        revocations=r.choice((0, 1, 4)),
        pauses=r.choice((0, 0, 0, 1, 2)),
        jumps=r.choice((0, 0, 0, 2)),
        eaten=r.choice((0, 0, 0, 5, 20)),
        crash=r.choice((0, 0, 0.01, 0.03)),
        freeze=r.choice((0, 0, 0, 0.02)),
        deaf=r.choice((0, 0, 0, 0.01)),
        gate=r.choice((0, 0, 0, 0.3)),
        loitering=0.6 if doubtful else r.choice((0, 0.1, 0.3)),
        bad=r.choice((0, 0, 0.15)),
        poison=r.choice((0, 0, 0.15)),
    )


def _faults(r: random.Random, *, doubtful: bool) -> dict[Fault, float]:
    if doubtful:
        return {r.choice(_DOUBTFUL): r.uniform(0.3, 0.95) for _ in range(2)}
    return {fault: r.uniform(0.05, 0.5) for fault in Fault if r.random() < 0.25}


def _gap(r: random.Random) -> float:
    """Return a gap: runs meet, or the fence stands yet, or a dead run's lease is over."""
    return r.choice(
        (r.uniform(0, 3), r.uniform(60, 240), r.uniform(240, 700), r.uniform(600, 4000))
    )
