"""What a seed is about: how much there is to do, and which faults are about."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from activation.contract.destination import Mode
from activation.destinations.traits import Bucket, EndpointClass

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
_DOUBTING, _GRUDGING = 0.25, 0.18
"""Shares of the seeds in which hardly any request, or hardly any row, gets through."""
_BUCKETS = (
    (),
    (),
    (),
    (Bucket("burst", 3, 10.0),),
    (Bucket("burst", 6, 60.0), Bucket("second", 1, 1.0)),
    (Bucket("burst", 5, 20.0), Bucket("at once", 2, None)),
)
_CLASSES = (
    EndpointClass.JOB,
    EndpointClass.KEYED_UPSERT,
    EndpointClass.KEYED_UPSERT,
    EndpointClass.IDEMPOTENT_CREATE,
    EndpointClass.UNKEYED,
)


@dataclass(frozen=True, slots=True)
class Work:
    """What one sync has to do, and over what kind of endpoint."""

    sync: str
    kind: EndpointClass
    mode: Mode
    rows: int
    batch_rows: int
    concurrency: int
    requests_per_day: int
    moves: int
    """Times the source moves on while faults are about."""
    revocations: int
    vanishing: float
    """The chance that a row is gone, or there again, when the source moves on."""
    gate: float
    """The chance that a plan does not pass its gates."""
    bad: float
    """The chance that a new row is one that the vendor refuses for good."""
    poison: float
    """The chance that a new row is one for which the vendor refuses the whole request."""
    key_life: timedelta
    """How long the vendor remembers an idempotency key."""
    job_rows: int
    """Rows from which on a job is made, where there are jobs."""


@dataclass(frozen=True, slots=True)
class Start:
    """One run: what it plans and delivers, and how long after the one before."""

    work: int
    """Whose run it is: the number of the sync."""
    phase: str
    repeated: bool
    """Whether it delivers what is planned already instead of planning anew."""
    machine: int
    gap: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One seed's parameters; every number is drawn before anything starts."""

    seed: int
    start: datetime
    works: tuple[Work, ...]
    starts: tuple[Start, ...]
    daily_limit: int
    buckets: tuple[Bucket, ...]
    faults: Mapping[Fault, float]
    """By fault, the share of requests that it befalls."""
    pauses: int
    jumps: int
    skew: float
    """Seconds by which the second machine's clock is ahead of the first one's."""
    eaten: int
    """Requests that other tools take of the account's day."""
    crash: float
    """The chance that a process dies at a scheduling point."""
    freeze: float
    """The chance that a process stands still at a scheduling point."""
    deaf: float
    """The chance that a transaction finds the ledger out of reach."""
    loitering: float
    """The chance that a plan lies about before it is delivered."""

    @property
    def in_step(self) -> bool:
        """Return whether all machines tell the same time, as rates need it."""
        return not (self.jumps or self.skew)


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed; most faults are absent from most, so that others show."""
    r = random.Random(f"{seed}/scenario")  # noqa: S311 - replayable
    # In some seeds hardly any request is answered, and plans lie about meanwhile.
    doubtful = r.random() < _DOUBTING
    works = tuple(_work(r, name, doubtful=doubtful) for name in r.choice(_SYNCS))
    return Scenario(
        seed=seed,
        start=datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=r.randrange(86_400)),
        works=works,
        starts=_starts(r, len(works), doubtful=doubtful),
        daily_limit=r.choice((8, 15, 1000, 1000)),
        buckets=r.choice(_BUCKETS),
        faults=_faults(r, doubtful=doubtful),
        pauses=r.choice((0, 0, 0, 1, 2)),
        jumps=r.choice((0, 0, 0, 2)),
        skew=r.choice((0, 0, 0, r.uniform(-1, 1) * MARGIN / 3)),
        eaten=r.choice((0, 0, 0, 5, 20)),
        crash=r.choice((0, 0, 0.01, 0.03)),
        freeze=r.choice((0, 0, 0, 0.02)),
        deaf=r.choice((0, 0, 0, 0.01)),
        loitering=0.6 if doubtful else r.choice((0, 0.1, 0.3)),
    )


_SYNCS = (("scores",), ("scores",), ("scores", "flags"))


def _work(r: random.Random, sync: str, *, doubtful: bool) -> Work:
    kind = r.choice(_CLASSES)
    creates = kind in {EndpointClass.IDEMPOTENT_CREATE, EndpointClass.UNKEYED}
    keyed = r.choice((Mode.MIRROR if doubtful else Mode.UPSERT, Mode.MIRROR, Mode.MIRROR))
    if kind is EndpointClass.JOB and r.random() < 0.3:
        keyed = Mode.CREATE_ONLY
    mode = Mode.CREATE_ONLY if creates else keyed
    return Work(
        sync=sync,
        kind=kind,
        mode=mode,
        rows=r.randint(2, 8),
        batch_rows=r.choice((1, 2, 3, 3, 4, 6)),
        concurrency=r.choice((1, 2, 3)),
        requests_per_day=r.choice((3, 8, 500, 500, 500)),
        moves=3 if doubtful or mode is Mode.MIRROR else r.choice((1, 2, 3)),
        revocations=r.choice((0, 1, 4)),
        vanishing=r.choice((0.8, 0.8) if doubtful else (0.4, 0.8)) if mode is Mode.MIRROR else 0,
        gate=r.choice((0, 0, 0, 0.3)),
        bad=r.choice((0, 0, 0.15)),
        poison=r.choice((0, 0.15, 0.3) if doubtful else (0, 0, 0.15)),
        key_life=timedelta(minutes=r.choice((10, 30, 120))),
        job_rows=1 if mode is Mode.CREATE_ONLY else r.choice((1, 4)),
    )


def _starts(r: random.Random, works: int, *, doubtful: bool) -> tuple[Start, ...]:
    runs = r.choice((2, 2, 3, 3, 4)) + works - 1
    return tuple(
        Start(
            work=number % works,
            phase=r.choice(("all", "all", "some")),
            repeated=r.random() < 0.2,
            machine=r.randrange(2),
            gap=r.uniform(0, 300) if doubtful else _gap(r),
        )
        for number in range(runs)
    )


def _faults(r: random.Random, *, doubtful: bool) -> dict[Fault, float]:
    if doubtful:
        return {r.choice(_DOUBTFUL): r.uniform(0.3, 0.95) for _ in range(2)}
    if r.random() < _GRUDGING:
        return {Fault.LOCKED: r.uniform(0.6, 0.95), Fault.PARTIAL: r.uniform(0, 0.5)}
    return {fault: r.uniform(0.05, 0.5) for fault in Fault if r.random() < 0.25}


def _gap(r: random.Random) -> float:
    """Return a gap: runs meet, or the fence stands yet, or a dead run's lease is over."""
    return r.choice(
        (r.uniform(0, 3), r.uniform(60, 240), r.uniform(240, 700), r.uniform(600, 4000))
    )
