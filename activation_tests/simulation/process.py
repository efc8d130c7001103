"""A process that may die or stand still: its clock, its wire, and its hold on the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import sqlalchemy as sa

from activation.errors import Unavailable
from activation.ledger import Ledger
from activation_tests.hash_keys import HASH_KEYS
from activation_tests.simulation.books import Books, BooksStore
from activation_tests.simulation.scenario import Start
from activation_tests.simulation.stage import Stage

T = TypeVar("T")


class CrashError(BaseException):
    """The process is gone."""


class Process:
    """One simulated process; a dead one neither writes nor sends any more."""

    def __init__(self, stage: Stage, name: str, books: Books, start: Start) -> None:
        self.stage = stage
        self.name = name
        self.sync = stage.scenario.works[start.work].sync
        self.machine = start.machine
        self.alive = True
        self.frozen_until = 0.0
        self.in_flight = 0
        """Requests that it still listens to."""
        self.delivers: str | None = None
        """The digest of the plan that it delivers."""
        self.since: datetime | None = None
        """When it began to, on its own clock."""
        self.listening = 0.0
        """Seconds for which the request that was just made is listened to."""
        self.randomness = stage.chance(name)
        self.clock = ProcessClock(self)
        self.wire = ProcessWire(self)
        self.ledger = Ledger(ProcessStore(books.engine, self.clock, books.direct, self), HASH_KEYS)

    def hazard(self, where: str) -> None:
        """
        Be somewhere where the process may die.

        Raises:
            CrashError: it did, or it is dead already.
        """
        stage = self.stage
        if self.alive and stage.faulty and self.randomness.random() < stage.scenario.crash:
            self.alive = False
            stage.tell(self.name, f"dies {where}")
        if not self.alive:
            raise CrashError

    async def breathe(self, longest: float = 0.05) -> None:
        """Let others go on; this process may stand still or die meanwhile."""
        stage = self.stage
        await asyncio.sleep(self.randomness.random() * longest)
        if stage.faulty and self.randomness.random() < stage.scenario.freeze:
            seconds = self.randomness.choice((5, 70, 400))
            self.frozen_until = max(self.frozen_until, stage.now() + seconds)
            stage.tell(self.name, f"stands still for {seconds} s")
        if (left := self.frozen_until - stage.now()) > 0:
            await asyncio.sleep(left)


@dataclass(frozen=True, slots=True)
class ProcessClock:
    """
    The clock of the process's machine, which may be wrong by some seconds; spans are right.

    What a blocking call does after its answer has come, it does then, although the others get
    their turn only afterwards.
    """

    process: Process

    def now(self) -> datetime:
        """Return the wall clock."""
        process = self.process
        wall = process.stage.wall(process.machine)
        return wall + timedelta(seconds=process.listening) if process.listening else wall

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return self.process.stage.now() + self.process.listening

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class ProcessWire:
    """Runs blocking calls after some time; each is a point where anything may happen."""

    process: Process

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns, or raise what it raises."""
        process = self.process
        await process.breathe()
        process.hazard("before a call")
        try:
            return call()
        finally:
            if process.listening:
                seconds, process.listening = process.listening, 0.0
                try:
                    await asyncio.sleep(seconds)
                finally:
                    process.in_flight -= 1
            process.hazard("after a call")


@dataclass(frozen=True, slots=True)
class ProcessStore(BooksStore):
    """The ledger's database as one process reaches it, or does not."""

    process: Process

    def read(self) -> AbstractContextManager[sa.Connection]:  # type: ignore[override]
        """Open a consistent view."""
        self._reach()
        return BooksStore.read(self)

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction; the process may die before it or after its commit."""
        self._reach()
        self.process.hazard("before a transaction")
        with BooksStore.write(self) as connection:
            yield connection
        self.process.hazard("after a transaction")

    def _reach(self) -> None:
        process, stage = self.process, self.process.stage
        if not process.alive:
            raise CrashError
        if stage.faulty and process.randomness.random() < stage.scenario.deaf:
            stage.tell(process.name, "cannot reach the ledger")
            stage.saw("the ledger was out of reach")
            raise Unavailable("The ledger cannot be reached.", hint="Repeat.")
