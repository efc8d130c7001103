"""
The two writes around every request: the intent before it, what came of it after.

What several requests have to write at the same moment goes into one transaction: either all of it
is kept, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import sqlalchemy as sa

from activation.errors import Paused, Stopped
from activation.governor.budget import Budget
from activation.ledger import (
    batches,
    clearing,
    dead_letters,
    leases,
    people,
    receipts,
    spending,
    switches,
)
from activation.ledger.batches import BatchState, Cut, Ending, Intent
from activation.ledger.clearances import Ask, Backlog, Cause, Clearance, Spent, Wait
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.leases import Lease
from activation.ledger.receipts import Receipt
from activation.ledger.store import Store


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of an attempt."""

    cut: Cut
    state: BatchState
    delivered: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    receipts: tuple[Receipt, ...] = ()
    fence_until: datetime | None = None
    """Set if an attempt at this batch was never answered."""
    payload_digest: str | None = None
    """Set for a batch that is left in doubt: the bytes that may be sent again."""
    job: str | None = None
    """Set once the vendor has named the job that carries it; empty if no job has it any more."""
    children: tuple[tuple[Cut, BatchState], ...] = ()
    """Smaller batches in which the other rows travel on."""
    doubt_until: datetime | None = None
    """Until when the keys of those in doubt are fenced, if longer than its own."""
    letters: tuple[DeadLetter, ...] = ()
    closed_keys: tuple[str, ...] = ()
    """Hashes of delivered keys that had an open dead letter."""
    spent: Spent | None = None
    """The request that this came of; None if none was made."""


@dataclass(frozen=True, slots=True)
class Departure:
    """A request that wants to leave, and the batch that is written down before it does."""

    ask: Ask
    intent: Intent | None = None
    """None for a request that writes nothing at the vendor."""
    people_seen: int | None = None
    """The newest act about people that its rows were held against; None if it carries none."""


Entry: TypeAlias = Settlement | Departure | Spent
Answer: TypeAlias = Clearance | Wait | Stopped | None
"""What becomes of an entry; None: it is written."""


def write(
    store: Store,
    entries: Sequence[Entry],
    *,
    lease: Lease,
    budget: Budget,
    backlog: Backlog,
) -> list[Answer]:
    """
    Write what came of attempts, and which requests are about to leave, if they may.

    A departure that may not leave is answered by the reason: a wait, or Paused or QuotaExhausted,
    which are returned and not raised, because the other entries are written all the same.

    Raises:
        Busy: the lease is lost; the new owner settles the batches.
        Unavailable: the ledger cannot be written; nothing of this was.
    """
    now = store.clock.now()
    settlements = [entry for entry in entries if isinstance(entry, Settlement)]
    spent = [entry for entry in entries if isinstance(entry, Spent)]
    spent += [entry.spent for entry in settlements if entry.spent is not None]
    departures = [entry for entry in entries if isinstance(entry, Departure)]
    with store.write() as connected:
        leases.hold(connected, lease, now)
        _settle(connected, settlements, now)
        if spent:
            spending.settle(connected, spent, budget, now)
            batches.count(connected, [(s.clearance.ask.holder, s.beyond_intent) for s in spent])
        answers: dict[int, Answer] = dict(
            zip(
                map(id, departures),
                _depart(store, connected, departures, budget, now, backlog),
                strict=True,
            )
        )
    return [answers.get(id(entry)) for entry in entries]


def _depart(  # noqa: PLR0913, PLR0917 - the parts of one transaction
    store: Store,
    connected: sa.Connection,
    departures: Sequence[Departure],
    budget: Budget,
    now: datetime,
    backlog: Backlog,
) -> Sequence[Answer]:
    if not departures:
        return ()
    try:
        switches.check(store, connected, budget.sync, budget.connection)
    except Paused as paused:
        return [paused] * len(departures)
    known = people.latest(connected)
    looked_at = [departure.people_seen in {None, known} for departure in departures]
    asks = [d.ask for d, current in zip(departures, looked_at, strict=True) if current]
    decided = iter(clearing.clear(connected, asks, budget, now, backlog) if asks else ())
    answers = [next(decided) if current else Wait(0, Cause.PEOPLE) for current in looked_at]
    cleared = [
        departure.intent
        for departure, answer in zip(departures, answers, strict=True)
        if isinstance(answer, Clearance) and departure.intent is not None
    ]
    batches.intend(connected, cleared, now)
    return answers


def _settle(connected: sa.Connection, settlements: Sequence[Settlement], now: datetime) -> None:
    endings = [(one.cut, _ending(one)) for one in settlements]
    children = [(one, child, state) for one in settlements for child, state in one.children]
    endings += [
        (child, Ending(state, fence_until=one.doubt_until or one.fence_until))
        for one, child, state in children
        if state is not BatchState.PLANNED
    ]
    batches.settle(connected, endings, now)
    batches.put(connected, [child for _, child, state in children if state is BatchState.PLANNED])
    for one in settlements:
        dead_letters.overtake(connected, one.cut.sync, one.closed_keys)
        dead_letters.add(connected, one.letters)


def _ending(settlement: Settlement) -> Ending:
    return Ending(
        settlement.state,
        settlement.delivered,
        settlement.rejected,
        settlement.fence_until,
        receipts.pack(settlement.receipts) if settlement.receipts else None,
        settlement.payload_digest,
        settlement.job,
    )
