"""Settling what a dead run left, before anything is planned."""

from __future__ import annotations

import random

from activation.delivery.recovery import Recovery, settle
from activation.delivery.wire import ThreadWire
from activation.sync.parts import Parts


async def settle_unknown(parts: Parts, run_id: str) -> None:
    """
    Send again, as the very same bytes, what nobody answered.

    Raises what `delivery.recovery.settle` raises.
    """
    recovery = Recovery(contract=parts.contract, owner=run_id, headroom=parts.connection.headroom)
    with ThreadWire(requests=parts.contract.quota.concurrency) as wire:
        await settle(
            recovery,
            destination=parts.destination,
            actions_of=parts.actions,
            ledger=parts.ledger,
            clock=parts.clock,
            wire=wire,
            randomness=random.Random(),  # noqa: S311 - jitter, not a secret
        )
