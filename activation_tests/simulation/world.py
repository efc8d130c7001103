"""One seed from beginning to end: faults are about, then they heal, and all must become current."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from activation.errors import ActivationError, Refused, Stopped
from activation.ledger import Ledger
from activation.ledger.conservation import RowsLostError, check
from activation_tests.simulation.books import Books
from activation_tests.simulation.judge import Judge
from activation_tests.simulation.loop import VirtualLoop, run
from activation_tests.simulation.planner import Warehouse
from activation_tests.simulation.process import CrashError, Process, ProcessClock
from activation_tests.simulation.promise import SYNC, contract
from activation_tests.simulation.rarities import from_books
from activation_tests.simulation.running import Run
from activation_tests.simulation.scenario import MARGIN, draw
from activation_tests.simulation.source import FINE, Source
from activation_tests.simulation.stage import Stage
from activation_tests.simulation.trace import Trace
from activation_tests.simulation.vendor import Account, Vendor

_PATIENCE = 6 * 3600.0
"""Seconds in which every run must have come to its end."""
_VISITS = (900.0, 3600.0, 3 * 3600.0, 6 * 3600.0, 6 * 3600.0, 7.8 * 3600.0)
"""Seconds between the runs after healing; the last begins when 24 hours are just over."""


_WRONG = MARGIN / 2
_LOITERING = (30.0, 200.0, 500.0, 700.0, 4000.0)
"""Seconds for which a plan may lie about."""
_REFUSALS = (
    "was stopped by its gates",
    "is older than",
    "is not the newest",
    "was overtaken",
    "has no actions",
    "another state of the contract",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a seed."""

    seed: int
    digest: str
    """Of every line of the trace and of the ledger as it was left."""
    violations: tuple[str, ...]
    states: frozenset[str]
    tail: tuple[str, ...]
    """The end of the trace, or all of it if it was asked for."""
    requests: int


@cache
def _books(*, direct: bool) -> Books:
    return Books(direct=direct)


def simulate(seed: int, *, keep_all: bool = False, direct: bool = True) -> Report:
    """
    Play one seed; the same seed gives the same report, in whatever process.

    Args:
        seed: what it is about.
        keep_all: whether to keep every line of the trace.
        direct: whether the ledger is reached the short way; the story is the same either way.
    """
    loop = VirtualLoop()
    trace = Trace(keep_all=keep_all)
    stage = Stage(draw(seed), loop, trace)
    world = World(stage, _books(direct=direct))
    run(loop, world.live())
    for row in world.books.ask("SELECT * FROM batch ORDER BY id"):
        trace.add(0, "ledger", repr(row[:-2]))
    return Report(
        seed,
        trace.digest,
        tuple(stage.violations),
        frozenset(stage.states),
        tuple(trace.lines),
        world.vendor.requests,
    )


class World:
    """Everything of one seed."""

    def __init__(self, stage: Stage, books: Books) -> None:
        books.renew()
        self.stage = stage
        self.books = books
        self.source = Source(stage)
        self.warehouse = Warehouse(stage, self.source)
        self.processes: list[Process] = []
        self.judge = Judge(stage, books, self.warehouse, self.processes)
        self.vendor = Vendor(stage, self.judge)
        # Whoever works the switches is a person, who neither dies nor stands still.
        self.ledger = Ledger(books.store(ProcessClock(stage)))

    async def live(self) -> None:
        """Let faults be about, heal them, and see that everything becomes current."""
        scenario = self.stage.scenario
        around = [
            asyncio.ensure_future(self._at_times("moves", scenario.moves, self.source.move)),
            asyncio.ensure_future(
                self._at_times("revocations", scenario.revocations, self.source.revoke)
            ),
            asyncio.ensure_future(self._at_times("jumps", scenario.jumps, self._jump)),
            asyncio.ensure_future(self._at_times("eaten", int(scenario.eaten > 0), self._eat)),
            asyncio.ensure_future(self._switch()),
        ]
        runs = []
        for number, gap in enumerate(scenario.gaps):
            phase, repeated = scenario.phases[number], scenario.repeated[number]
            runs.append(asyncio.ensure_future(self._run(phase, repeated=repeated)))
            await asyncio.sleep(gap)
        await asyncio.gather(*around)
        await asyncio.wait(runs, timeout=_PATIENCE)
        if not all(task.done() for task in runs):
            self.stage.violated("bounded time", "a run does not end")
            return
        await self._heal()
        self._audit()

    async def _heal(self) -> None:
        self.stage.faulty = False
        self.stage.tell("world", "faults heal")
        if self.judge.paused_at is not None:
            self._turn(paused=False)
        for visit in _VISITS:
            if self._behind() is None and not self.vendor.pending:
                break
            await asyncio.sleep(visit)
            await self._run("all")
        if behind := self._behind():
            self.stage.violated("eventually delivered", behind)

    def _behind(self) -> str | None:
        """Return what is not current, at the vendor or in what we know of it."""
        for key in self.source.cohort("all"):
            row = self.source.rows[key]
            if row.note != FINE or key in self.source.revoked_at:
                continue
            held, known = self.vendor.records.get(key), self.warehouse.delivered.get(key)
            if held is None or held.version != row.version:
                return f"{key} is {held and held.version} at the vendor, not {row.version}"
            if known is None or known.version != row.version:
                return f"{key} is {known and known.version} in the delivered state"
        return None

    def _audit(self) -> None:
        """Hold the books of all plans against the equation, and against what was planned."""
        for (digest,) in self.books.ask("SELECT digest FROM plan ORDER BY no"):
            frozen = self.warehouse.plans[digest]
            try:
                tallies = self.ledger.outcomes(digest)
                check(tallies)
            except RowsLostError as error:
                self.stage.violated("conservation", str(error))
                continue
            planned = sum(tally.planned for tally in tallies.values())
            if planned != frozen.plan.rows():
                self.stage.violated("conservation", f"{planned} of {frozen.plan.rows()} planned")
        for number, key in self.books.ask(
            "SELECT count(*), batch FROM watched WHERE old IN"
            " ('delivered', 'refused', 'split', 'blocked') GROUP BY batch"
        ):
            self.stage.violated("acknowledged once", f"{key} was touched {number} times")
        for state in from_books(self.books):
            self.stage.saw(state)

    async def _run(self, phase: str, *, repeated: bool = False) -> None:
        """Plan, unless the newest plan is taken up again, and deliver in a process of its own."""
        scenario, stage = self.stage.scenario, self.stage
        process = Process(stage, f"run-{len(self.processes) + 1}", self.books)
        self.processes.append(process)
        share = scenario.requests_per_day if stage.faulty else 1000
        promise = contract(share, scenario.concurrency)
        account = Account(self.vendor, process, promise)
        made = Run(process, promise, self.warehouse, self.vendor, self.judge, account)
        stage.tell(process.name, f"starts for {phase}")
        try:
            digest = made.newest(phase) if repeated else await made.plan(phase)
            if process.randomness.random() < scenario.loitering and stage.faulty:
                await asyncio.sleep(process.randomness.choice(_LOITERING))
            if digest is not None:
                await made.deliver(digest)
            stage.tell(process.name, "ends")
        except CrashError:
            stage.tell(process.name, "is gone")
        except RowsLostError as error:
            stage.violated("conservation", str(error))
        except (Stopped, Refused) as error:
            stage.tell(process.name, f"{type(error).__name__}: {error.message}")
            stage.saw(f"a run ended early: {_class(error)}")
        except Exception as error:  # noqa: BLE001 - whatever else comes out is a defect
            stage.violated("good order", f"{type(error).__name__}: {error}")

    async def _at_times(self, name: str, times: int, act: Callable[[], None]) -> None:
        """Act at random moments; some fall upon a run that is under way."""
        for at in self._moments(name, times):
            await asyncio.sleep(at - self.stage.now())
            act()

    def _moments(self, name: str, times: int) -> list[float]:
        chance, starts = self.stage.chance(name), [0.0]
        for gap in self.stage.scenario.gaps:
            starts.append(starts[-1] + gap)
        near = [chance.choice(starts[:-1]) + chance.expovariate(1 / 3) for _ in range(times)]
        far = [chance.uniform(0, starts[-1]) for _ in range(times)]
        return sorted(chance.choice(pair) for pair in zip(near, far, strict=True))

    async def _switch(self) -> None:
        """Pause at random moments, and resume some time later."""
        chance = self.stage.chance("switch")
        for at in self._moments("pauses", self.stage.scenario.pauses):
            await asyncio.sleep(at - self.stage.now())
            self._turn(paused=True)
            await asyncio.sleep(chance.choice((1.0, 20.0, 600.0)))
            self._turn(paused=False)

    def _turn(self, *, paused: bool) -> None:
        self.stage.tell("operator", "pauses" if paused else "resumes")
        turn = self.ledger.switches.pause if paused else self.ledger.switches.resume
        turn(f"sync:{SYNC}", reason="a drill", author="operator@example.com")
        self.judge.paused_at = self.stage.now() if paused else None

    def _jump(self) -> None:
        """Let the machines' clock be wrong by some seconds, to either side."""
        self.stage.jumped = self.stage.chance(f"jump {self.stage.now()}").uniform(-_WRONG, _WRONG)
        self.stage.tell("machine", f"the clock is wrong by {self.stage.jumped:.1f} s")

    def _eat(self) -> None:
        self.vendor.eat(self.stage.scenario.eaten)


def _class(error: ActivationError) -> str:
    """Return what ended a run early, without the names in it."""
    if isinstance(error, Refused):
        return next((words for words in _REFUSALS if words in error.message), "refused")
    return type(error).__name__
