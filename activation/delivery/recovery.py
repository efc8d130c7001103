"""Settles what a dead run has left: batches that may have been applied without our knowing."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby

from activation.clock import Clock
from activation.contract.model import Contract
from activation.delivery.carrying import Means, Parcels, carry_all, open_path, reopened
from activation.delivery.order import BOUNDS, Bounds
from activation.delivery.ports import Actions, Wire
from activation.delivery.sending import SendPath
from activation.destinations.base import Destination
from activation.errors import Stopped, Unavailable
from activation.ledger import Ledger
from activation.ledger.attempts import Settlement
from activation.ledger.batches import BatchRecord
from activation.ledger.conservation import check
from activation.ledger.plans import PlanRecord


@dataclass(frozen=True, slots=True)
class Recovery:
    """Whose left-overs are settled, by whom, within which bounds."""

    contract: Contract
    owner: str
    headroom: float = 0.2
    bounds: Bounds = BOUNDS


@dataclass(frozen=True, slots=True)
class Settled:
    """What the settling came to, in batches."""

    found: int
    in_doubt: int
    """Those that are still in doubt; the fence keeps newer versions of their keys back."""
    stopped: Stopped | None = None
    """Why it ended early, if it did; a plan can be made all the same."""


async def settle(  # noqa: PLR0913 - everything is handed in, so that a simulator can be
    recovery: Recovery,
    *,
    destination: Destination,
    actions_of: Callable[[PlanRecord], Actions],
    ledger: Ledger,
    clock: Clock,
    wire: Wire,
    randomness: random.Random,
) -> Settled:
    """
    Send again, as the very same bytes, what nobody answered; before a new plan is made.

    Whatever cannot go again stays in doubt: the endpoint does not allow it, the bytes would
    differ, or a later plan has begun to send.

    Raises:
        Busy: a run of the sync is under way.
        Unavailable: the ledger cannot be reached.
    """
    sync = recovery.contract.sync
    if not ledger.batches.unknown(sync):
        return Settled(0, 0)
    seconds = recovery.bounds.lease_seconds
    lease = ledger.leases.acquire(sync, recovery.owner, seconds=seconds)
    means = Means(destination, ledger, clock, wire, randomness)
    stopped: Stopped | None = None
    try:
        found = ledger.batches.unknown(sync)
        for digest, batches in groupby(found, key=_plan_digest):
            plan = ledger.plans.get(digest)
            actions = actions_of(plan)
            path = open_path(means, recovery, lease, actions, plan=plan, recorded=_untold)
            parcels = _parcels(plan, list(batches), actions, path)
            await carry_all(parcels, path, recovery)
            check(ledger.outcomes(digest))
            if isinstance(path.halt.reason, Stopped):
                stopped = path.halt.reason
                break
            if path.halt.reason is not None:
                raise path.halt.reason
    finally:
        with suppress(Unavailable):  # it runs out by itself
            ledger.leases.release(lease)
    return Settled(len(found), len(ledger.batches.unknown(sync)), stopped)


async def _parcels(
    plan: PlanRecord, batches: Sequence[BatchRecord], actions: Actions, path: SendPath
) -> Parcels:
    overtaken = path.journal.ledger.plans.overtaken_by(plan.digest) is not None
    for batch in batches:
        if overtaken and not batch.job:
            # What that plan sent may be newer; the same bytes could now be the older ones.
            await path.settling.doubt(batch.cut, batch.fence_until)
        elif parcel := await reopened(batch, actions, path):
            yield replace(parcel, only_adopt=overtaken)


def _plan_digest(batch: BatchRecord) -> str:
    return batch.cut.plan_digest


def _untold(_settlement: Settlement) -> None:
    """Nobody follows the settling."""
