"""Carries parcels along the send path, several at once, and stops in good order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from activation.clock import Clock
from activation.contract.model import Contract
from activation.delivery.consent import Consent
from activation.delivery.halt import Halt
from activation.delivery.order import Bounds, budget_of, target_of
from activation.delivery.parcels import Parcel, again, encoder
from activation.delivery.ports import Actions, Wire
from activation.delivery.retry import Patience
from activation.delivery.sending import SendPath
from activation.destinations.base import Destination, RequestEndpoint
from activation.destinations.traits import EndpointClass
from activation.errors import Refused
from activation.ledger import Ledger
from activation.ledger.attempts import Settlement
from activation.ledger.batches import UNKNOWN, BatchRecord
from activation.ledger.leases import Lease

Parcels = AsyncGenerator[Parcel, None]


@dataclass(frozen=True, slots=True)
class Means:
    """What is handed in, so that the engine runs unchanged inside a simulator."""

    destination: Destination
    ledger: Ledger
    clock: Clock
    wire: Wire
    randomness: random.Random


class Terms(Protocol):
    """On whose behalf and within which bounds something is sent."""

    @property
    def contract(self) -> Contract: ...  # noqa: D102 - told by the class
    @property
    def headroom(self) -> float: ...  # noqa: D102
    @property
    def bounds(self) -> Bounds: ...  # noqa: D102


def open_path(  # noqa: PLR0913 - each is named
    means: Means,
    terms: Terms,
    lease: Lease,
    actions: Actions,
    *,
    rows: int,
    recorded: Callable[[Settlement], None],
) -> SendPath:
    """Return the send path for the actions of one plan, of which so many rows are to be sent."""
    contract, bounds = terms.contract, terms.bounds
    target = target_of(contract)
    endpoint = means.destination.endpoint(target, rows=rows)
    if not isinstance(endpoint, RequestEndpoint):
        raise Refused(
            f"{contract.destination.connection} wants a job for {rows} rows, which this version "
            "cannot run.",
            hint="Choose a smaller phase.",
            sync=contract.sync,
        )
    return SendPath(
        endpoint=endpoint,
        target=target,
        encode=encoder(endpoint.encode, target),
        ledger=means.ledger,
        lease=lease,
        budget=budget_of(contract, terms.headroom),
        consent=Consent(
            actions, clock=means.clock, wire=means.wire, seconds=bounds.recheck_seconds
        ),
        clock=means.clock,
        wire=means.wire,
        randomness=means.randomness,
        patience=Patience.of(contract.replay),
        request_seconds=bounds.request_seconds,
        halt=Halt(),
        recorded=recorded,
        open_letters=means.ledger.dead_letters.open_keys(contract.sync),
    )


async def carry_all(parcels: Parcels, path: SendPath, *, at_once: int) -> None:
    """
    Send parcels, some at once, while the next ones are read and encoded.

    The first error halts everything in good order and stands in `path.halt` afterwards.
    """
    queue: asyncio.Queue[Parcel | None] = asyncio.Queue(maxsize=at_once)
    tasks = [asyncio.ensure_future(_feed(parcels, queue, path.halt, consumers=at_once))]
    tasks += [asyncio.ensure_future(_work(queue, path)) for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


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
    parcel = again(batch, rows, path.encode)
    upsert = path.endpoint.traits.endpoint_class is EndpointClass.KEYED_UPSERT
    if batch.state not in UNKNOWN or (upsert and parcel.digest == batch.payload_digest):
        return parcel
    await path.doubt(cut, batch.fence_until)
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
