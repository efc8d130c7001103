"""
The one writer of a delivery: what its batches have to write at the same moment goes together.

While one transaction is under way the next entries gather, so that twenty batches that come back
at once cost one commit and not twenty.
Whoever hands an entry in goes on when it is durable, and not before.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias

from activation.clock import Clock
from activation.delivery.ports import Wire
from activation.governor.budget import Budget
from activation.governor.retries import minute_of
from activation.ledger import Ledger
from activation.ledger.attempts import Answer, Departure, Entry, Settlement
from activation.ledger.clearances import Backlog, Clearance, Spent, Wait
from activation.ledger.leases import Lease

_MOST = 64
"""Entries in one transaction."""

_Entered: TypeAlias = "tuple[Entry | None, asyncio.Future[Answer]]"
"""An entry, and who waits for it; without one only the lease is renewed."""


@dataclass(slots=True)
class Journal:
    """Writes the entries of one delivery, in the order in which they came."""

    ledger: Ledger
    lease: Lease
    budget: Budget
    clock: Clock
    wire: Wire
    waiting: int = 0
    """Requests that the delivery has yet to make."""
    withdrawals: int = 0
    """Those among them that remove or erase."""
    _entries: list[_Entered] = field(default_factory=list)
    _writer: asyncio.Future[None] | None = None
    _begun: Counter[datetime] = field(default_factory=Counter)
    _answer: asyncio.Future[None] | None = None

    @property
    def answer(self) -> asyncio.Future[None]:
        """Return what is done once another request is over, and its permits are given back."""
        if self._answer is None or self._answer.done():
            self._answer = asyncio.get_running_loop().create_future()
        return self._answer

    async def record(self, settlement: Settlement) -> None:
        """
        Write what came of an attempt.

        Raises:
            Busy: the lease is lost.
            Unavailable: the ledger cannot be written.
        """
        await self._write(settlement)

    async def ask(self, departure: Departure) -> Clearance | Wait:
        """
        Ask for a request to leave; if it may, its intent is durable.

        Raises:
            Paused: the kill switch is on.
            QuotaExhausted: nothing is left of the day.
            Busy: the lease is lost.
            Unavailable: the ledger cannot be written.
        """
        answer = await self._write(departure)
        if isinstance(answer, Clearance | Wait):
            return answer
        assert isinstance(answer, Exception)  # noqa: S101 - a departure is never just written
        raise answer

    async def spend(self, spent: Spent) -> None:
        """
        Write that a request is over that changes nothing about its batch.

        Raises:
            Busy: the lease is lost.
            Unavailable: the ledger cannot be written.
        """
        await self._write(spent)

    async def renew(self) -> None:
        """
        Let the lease live on.

        Raises:
            Busy: somebody else has taken it.
            Unavailable: the ledger cannot be written.
        """
        await self._write(None)

    async def _write(self, entry: Entry | None) -> Answer:
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._entries.append((entry, answer))
        if self._writer is None:
            self._writer = asyncio.ensure_future(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._entries:
                taken, self._entries = self._entries[:_MOST], self._entries[_MOST:]
                await self._write_some(taken)
        finally:
            self._writer = None

    async def _write_some(self, taken: Sequence[_Entered]) -> None:
        try:
            answers = await self.wire.run(partial(self._transact, [entry for entry, _ in taken]))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - told to those who wait, each of them
            for _, waiting in taken:
                if not waiting.done():
                    waiting.set_exception(error)
            return
        for (entry, waiting), answer in zip(taken, answers, strict=True):
            self._keep(entry, answer)
            if not waiting.done():
                waiting.set_result(answer)
        if any(_is_over(entry) for entry, _ in taken):
            self.answer.set_result(None)

    def _transact(self, entries: Sequence[Entry | None]) -> list[Answer]:
        written = [entry for entry in entries if entry is not None]
        backlog = Backlog(self.waiting, self.withdrawals, self._untold(written))
        answers = iter(
            self.ledger.write(written, lease=self.lease, budget=self.budget, backlog=backlog)
        )
        return [None if entry is None else next(answers) for entry in entries]

    def _untold(self, entries: Sequence[Entry]) -> dict[datetime, int]:
        """Return the first attempts to be told now: once a minute, and before a repetition."""
        repeats = any(isinstance(e, Departure) and e.ask.repeated for e in entries)
        if not repeats and min(self._begun, default=None) in {None, minute_of(self.clock.now())}:
            return {}
        begun, self._begun = dict(self._begun), Counter()
        return begun

    def _keep(self, entry: Entry | None, answer: Answer) -> None:
        """Count what has left."""
        if not isinstance(entry, Departure) or not isinstance(answer, Clearance):
            return
        if entry.intent is None:
            return
        if entry.ask.repeated:
            return
        self._begun[minute_of(answer.at)] += 1
        self.waiting = max(0, self.waiting - entry.ask.requests)
        if entry.ask.withdrawal:
            self.withdrawals = max(0, self.withdrawals - entry.ask.requests)


def _is_over(entry: Entry | None) -> bool:
    """Return whether a request is over with this entry."""
    return isinstance(entry, Spent) or (isinstance(entry, Settlement) and entry.spent is not None)
