"""Watches the kill switch while a delivery runs, so that rests and waits end when it is turned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from activation.clock import Clock
from activation.delivery.halt import Halt
from activation.delivery.ports import Wire
from activation.errors import Paused
from activation.governor.budget import Budget
from activation.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Watch:
    """Looks at the switch every so many seconds; the ledger reads it with each intent as well."""

    ledger: Ledger
    budget: Budget
    clock: Clock
    wire: Wire
    halt: Halt
    seconds: float

    async def look(self) -> None:
        """Halt everything if the switch is on, or cannot be read."""
        sync, connection = self.budget.sync, self.budget.connection
        try:
            await self.wire.run(partial(self.ledger.switches.check, sync, connection))
        except Paused as paused:
            self.halt.call(paused)

    async def keep(self) -> None:
        """Look until something halts the delivery."""
        while not self.halt.called:
            await self.halt.rest(self.clock, self.seconds)
            await self.look()
