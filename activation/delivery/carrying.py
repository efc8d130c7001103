"""Carries parcels along the send path, several at once, and stops in good order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace

import pyarrow as pa

from activation.clock import Clock
from activation.delivery.calls import Calls
from activation.delivery.consent import Consent
from activation.delivery.doubt import fence_of_doubt
from activation.delivery.halt import Halt
from activation.delivery.jobs import Jobs
from activation.delivery.journal import Journal
from activation.delivery.order import Terms, budget_of
from activation.delivery.parcels import Parcel, again
from activation.delivery.people import People
from activation.delivery.ports import Actions, Wire
from activation.delivery.replay import paced
from activation.delivery.resting import Resting
from activation.delivery.retry import Patience
from activation.delivery.routes import Routes
from activation.delivery.sending import SendPath
from activation.delivery.settling import Settling
from activation.delivery.watch import Watch
from activation.destinations.base import Destination
from activation.destinations.traits import EndpointClass
from activation.errors import Refused
from activation.ledger import Ledger
from activation.ledger.attempts import Settlement
from activation.ledger.batches import UNKNOWN, BatchRecord, BatchState
from activation.ledger.leases import Lease
from activation.ledger.plans import PlanRecord

Parcels = AsyncGenerator[Parcel, None]


@dataclass(frozen=True, slots=True)
class Means:
    """What is handed in, so that the engine runs unchanged inside a simulator."""

    destination: Destination
    ledger: Ledger
    clock: Clock
    wire: Wire
    randomness: random.Random


def open_path(  # noqa: PLR0913 - each is named
    means: Means,
    terms: Terms,
    lease: Lease,
    actions: Actions,
    *,
    plan: PlanRecord,
    recorded: Callable[[Settlement], None],
) -> SendPath:
    """Return the send path for the actions of one plan."""
    contract, bounds = terms.contract, terms.bounds
    halt, clock, wire, ledger = Halt(), means.clock, means.wire, means.ledger
    budget = paced(budget_of(contract, terms.headroom), plan, contract, ledger)
    rows: Counter[str] = Counter()
    for count in plan.counts:
        rows[count.operation] += count.rows if count.disposition == "send" else 0
    journal = Journal(ledger, lease, budget, clock, wire)
    patience = Patience.of(contract.replay)
    calls = Calls(clock, wire, halt, asyncio.Semaphore(contract.quota.concurrency))
    open_letters = ledger.dead_letters.open_keys(contract.sync)
    names = ledger.people.keys
    settling = Settling(journal, clock, means.randomness, patience, recorded, open_letters, names)
    rest = Resting(journal, clock, halt)
    consent = Consent(actions, clock=clock, wire=wire, seconds=bounds.recheck_seconds)
    people = People(ledger, terms, wire)
    return SendPath(
        routes=Routes(means.destination, contract, ledger, rows),
        journal=journal,
        calls=calls,
        settling=settling,
        jobs=Jobs(journal, calls, settling, consent, people, clock, halt, bounds, rest),
        rest=rest,
        budget=budget,
        consent=consent,
        people=people,
        clock=clock,
        wire=wire,
        patience=patience,
        request_seconds=bounds.request_seconds,
        halt=halt,
    )


async def carry_all(parcels: Parcels, path: SendPath, terms: Terms) -> None:
    """
    Send parcels, some at once, while the next ones are read and encoded.

    There are more carriers than requests at once, so that one intent is written and one outcome
    recorded while others are on the wire.
    The first error halts everything in good order and stands in `path.halt` afterwards.
    """
    at_once = terms.contract.quota.concurrency
    carriers = at_once + at_once // 2 + 1
    queue: asyncio.Queue[Parcel | None] = asyncio.Queue(maxsize=at_once)
    watch = Watch(
        path.journal.ledger,
        path.budget,
        path.clock,
        path.wire,
        path.halt,
        terms.bounds.watch_seconds,
    )
    await watch.look()
    tasks = [asyncio.ensure_future(_feed(parcels, queue, path.halt, consumers=carriers))]
    tasks += [asyncio.ensure_future(_work(queue, path)) for _ in range(carriers)]
    watching = asyncio.ensure_future(watch.keep())
    carried = asyncio.ensure_future(_all(tasks))
    try:
        await asyncio.wait((carried, watching), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
        await carried
    finally:
        for task in (*tasks, watching, carried):
            task.cancel()
        await asyncio.gather(*tasks, watching, carried, return_exceptions=True)


async def _all(tasks: Iterable[asyncio.Future[None]]) -> None:
    await asyncio.gather(*tasks)


async def _feed(
    parcels: Parcels,
    queue: asyncio.Queue[Parcel | None],
    halt: Halt,
    *,
    consumers: int,
) -> None:
    try:
        async with aclosing(parcels) as source:
            async for parcel in source:
                if halt.called:
                    break
                await queue.put(parcel)
    except Exception as error:  # noqa: BLE001 - told after what is under way is recorded
        halt.call(error)
    for _ in range(consumers):
        await queue.put(None)


async def _work(queue: asyncio.Queue[Parcel | None], path: SendPath) -> None:
    while (parcel := await queue.get()) is not None:
        if path.halt.called:
            continue  # it was not touched; the feeder must not wait for room
        try:
            await path.send(parcel)
        except Exception as error:  # noqa: BLE001 - told after what is under way is recorded
            path.halt.call(error)


async def reopened(batch: BatchRecord, actions: Actions, path: SendPath) -> Parcel | None:
    """
    Return the parcel of a batch that the ledger holds open, or None if it must stay in doubt.

    What may have been applied is sent again only to an endpoint where that does no harm, and
    only as the very same bytes.
    """
    cut = batch.cut
    rows = await read(actions, cut.first_action, cut.last_action, path.wire)
    parcel = again(batch, rows, path.routes)
    if batch.state not in UNKNOWN or parcel.job:
        return parcel
    is_job = parcel.route.traits.endpoint_class is EndpointClass.JOB
    if is_job and batch.state is not BatchState.IN_DOUBT:
        return replace(parcel, fence=None)  # nothing is carried out before a job has an id
    if path.may_go_again(parcel) and parcel.digest == batch.payload_digest:
        return parcel
    await path.settling.doubt(cut, fence_of_doubt(parcel.route.traits, batch.fence_until))
    return None


async def read(actions: Actions, first: int, last: int, wire: Wire) -> pa.Table:
    """
    Return the actions of these numbers.

    Raises:
        Refused: the frozen plan does not have them.
    """
    rows = await wire.run(lambda: actions.read(first, last))
    if rows.num_rows != last - first + 1:
        raise Refused(
            f"The plan's table has {rows.num_rows} of the actions {first} to {last}.",
            hint="It was changed after it was frozen. Plan the sync again.",
        )
    return rows
