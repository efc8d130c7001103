"""Rests that keep the lease and end when everything is halted."""

from __future__ import annotations

from dataclasses import dataclass

from activation.clock import Clock
from activation.delivery.halt import Halt
from activation.delivery.journal import Journal


@dataclass(frozen=True, slots=True)
class Resting:
    """Lets time pass for one delivery."""

    journal: Journal
    clock: Clock
    halt: Halt

    async def __call__(self, seconds: float, *, for_answer: bool = False) -> None:
        """
        Rest, but no longer than until the delivery is halted, or has had an answer if that helps.

        Raises:
            Busy: somebody else has taken the lease.
            Unavailable: the ledger cannot be written.
        """
        lease = self.journal.lease.seconds
        answer = self.journal.answer if for_answer else None
        while seconds > 0 and not self.halt.called and not (answer and answer.done()):
            some = min(seconds, lease / 3)
            await self.halt.rest(self.clock, some, or_until=answer)
            seconds -= some
            if seconds > 0:
                await self.journal.renew()
