"""One seed from beginning to end: faults are about, then they heal, and all must become current."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from activation.contract.destination import Mode
from activation.destinations.traits import EndpointClass, Verb
from activation.errors import ActivationError, Refused, Stopped
from activation.ledger import Ledger
from activation.ledger.conservation import RowsLostError, check
from activation.ledger.ranges import unpack
from activation.ledger.switches import EVERYTHING
from activation.planning.dispositions import VERBS
from activation_tests.hash_keys import HASH_KEYS
from activation_tests.simulation.account import Account
from activation_tests.simulation.books import Books
from activation_tests.simulation.jobs import HORIZON as JOB_HORIZON
from activation_tests.simulation.jobs import Jobs
from activation_tests.simulation.judge import Judge
from activation_tests.simulation.loop import VirtualLoop, run
from activation_tests.simulation.planner import Warehouse
from activation_tests.simulation.process import CrashError, Process
from activation_tests.simulation.promise import CONNECTION, contract
from activation_tests.simulation.rarities import from_books
from activation_tests.simulation.running import Run
from activation_tests.simulation.scenario import MARGIN, Start, draw
from activation_tests.simulation.source import FINE, GONE, Source
from activation_tests.simulation.stage import DISORDER, Stage, StageClock
from activation_tests.simulation.trace import Trace
from activation_tests.simulation.vendor import Vendor

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
        trace.add(0, "ledger", repr(row))
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
        self.warehouses = {
            work.sync: Warehouse(stage, Source(stage, work), work.gate)
            for work in stage.scenario.works
        }
        self.processes: list[Process] = []
        self.judge = Judge(stage, books, self.warehouses, self.processes)
        self.vendor = Vendor(stage, self.judge)
        # Whoever works the switches is a person, who neither dies nor stands still.
        self.ledger = Ledger(books.store(StageClock(stage)), HASH_KEYS)

    async def live(self) -> None:
        """Let faults be about, heal them, and see that everything becomes current."""
        scenario = self.stage.scenario
        self.stage.wrong[1] = scenario.skew
        around = [
            self._at_times("jumps", scenario.jumps, self._jump),
            self._at_times("eaten", int(scenario.eaten > 0), self._eat),
            self._switch(),
        ]
        for work in scenario.works:
            source = self.warehouses[work.sync].source
            around.append(self._at_times(f"{work.sync} moves", work.moves, source.move))
            around.append(self._at_times(f"{work.sync} consent", work.revocations, source.revoke))
        happening = [asyncio.ensure_future(one) for one in around]
        runs = []
        for start in scenario.starts:
            runs.append(asyncio.ensure_future(self._run(start)))
            await asyncio.sleep(start.gap)
        await asyncio.gather(*happening)
        await asyncio.wait(runs, timeout=_PATIENCE)
        if not all(task.done() for task in runs):
            self.stage.violated("bounded time", "a run does not end")
            return
        await self._heal()
        self._audit()

    async def _heal(self) -> None:
        self.stage.faulty = False
        self.stage.tell("world", "faults heal")
        for scope in list(self.judge.paused):
            self._turn(scope, paused=False)
        for visit in _VISITS:
            if self._behind() is None and not self.vendor.pending:
                break
            await asyncio.sleep(visit)
            self._settle_by_hand()
            for number in range(len(self.stage.scenario.works)):
                await self._run(Start(number, "all", repeated=False, machine=0, gap=0))
        if behind := self._behind():
            self.stage.violated("eventually delivered", behind)

    def _behind(self) -> str | None:
        """Return what is not current, at the vendor or in what we know of it."""
        for work in self.stage.scenario.works:
            warehouse = self.warehouses[work.sync]
            held_for_humans = self._held_for_humans(work.sync)
            for key in warehouse.source.cohort("all"):
                if key not in held_for_humans and (behind := self._of_key(work.sync, key)):
                    return behind
        return None

    def _of_key(self, sync: str, key: str) -> str | None:
        warehouse = self.warehouses[sync]
        row, known = warehouse.source.rows[key], warehouse.delivered.get(key)
        held = self.vendor.objects[sync].get(key)
        if row.note == GONE:
            return f"{key} is in the delivered state still" if known is not None else None
        if row.note != FINE or key in warehouse.source.revoked_at:
            return None
        create_only = self._mode(sync) is Mode.CREATE_ONLY
        if held is None or not held.alive or not (create_only or held.version == row.version):
            return f"{key} is {held and held.version} at the vendor, not {row.version}"
        if known is None or not (create_only or known.version == row.version):
            return f"{key} is {known and known.version} in the delivered state"
        return None

    def _mode(self, sync: str) -> Mode:
        return next(work.mode for work in self.stage.scenario.works if work.sync == sync)

    def _settle_by_hand(self) -> None:
        """Let people look up what became of creations in doubt, once nothing is under way."""
        if self.vendor.pending:
            return
        for work in self.stage.scenario.works:
            held = self.vendor.objects[work.sync]
            for batch in self.ledger.doubts.list(work.sync):
                if batch.verb != Verb.CREATE:
                    continue
                actions = self.warehouses[work.sync].plans[batch.cut.plan_digest].actions
                rows = [actions[number].row for number in unpack(batch.cut.actions)]
                there = {row.key in held and held[row.key].version == row.version for row in rows}
                if len(there) == 1:
                    self.stage.saw("a human settled a creation")
                    self.judge.by_hand.update(row.key for row in rows)
                    self.ledger.doubts.settle(
                        work.sync,
                        batch.cut.id,
                        applied=there == {True},
                        reason="looked it up",
                        author="operator@example.com",
                    )

    def _held_for_humans(self, sync: str) -> set[str]:
        """Return the keys whose fate only a human can settle."""
        keys: set[str] = set()
        for fenced in self.ledger.fences.of(sync):
            if fenced.until.year > 9000:
                actions = self.warehouses[sync].plans[fenced.plan_digest].actions
                for first, last in fenced.actions:
                    keys.update(action.row.key for action in actions[first : last + 1])
        return keys

    def _audit(self) -> None:
        """Hold the books of all plans against the equation, and against what was planned."""
        for sync, digest in self.books.ask("SELECT sync, digest FROM plan ORDER BY no"):
            frozen = self.warehouses[sync].plans[digest]
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
            "SELECT count(*), batch FROM watched WHERE old <> new AND old IN"
            " ('delivered', 'refused', 'split', 'blocked') GROUP BY batch"
        ):
            self.stage.violated("acknowledged once", f"{key} was touched {number} times")
        self.judge.audit()
        for state in from_books(self.books):
            self.stage.saw(state)

    async def _run(self, start: Start) -> None:
        """Plan, unless the newest plan is taken up again, and deliver in a process of its own."""
        scenario, stage = self.stage.scenario, self.stage
        work = scenario.works[start.work]
        process = Process(stage, f"run-{len(self.processes) + 1}", self.books, start)
        self.processes.append(process)
        promise = contract(work, stage.allowed(work.sync))
        account = Account(self.vendor, process, work)
        if work.kind is EndpointClass.JOB:
            verb = VERBS[work.mode]
            traits = account.traits(EndpointClass.JOB, verb)
            account.offer(Jobs(account, replace(traits, name="jobs", horizon=JOB_HORIZON)))
        warehouse = self.warehouses[work.sync]
        made = Run(process, promise, warehouse, self.vendor, self.judge, account)
        stage.tell(process.name, f"starts for {work.sync}, {start.phase}")
        try:
            digest = made.newest(start.phase) if start.repeated else await made.plan(start.phase)
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
            stage.violated(DISORDER, f"{type(error).__name__}: {error}")

    async def _at_times(self, name: str, times: int, act: Callable[[], None]) -> None:
        """Act at random moments; some fall upon a run that is under way."""
        for at in self._moments(name, times):
            await asyncio.sleep(at - self.stage.now())
            act()

    def _moments(self, name: str, times: int) -> list[float]:
        chance, starts = self.stage.chance(name), [0.0]
        for start in self.stage.scenario.starts:
            starts.append(starts[-1] + start.gap)
        near = [chance.choice(starts[:-1]) + chance.expovariate(1 / 3) for _ in range(times)]
        far = [chance.uniform(0, starts[-1]) for _ in range(times)]
        return sorted(chance.choice(pair) for pair in zip(near, far, strict=True))

    async def _switch(self) -> None:
        """Pause at random moments, and resume some time later."""
        chance, works = self.stage.chance("switch"), self.stage.scenario.works
        scopes = (EVERYTHING, f"connection:{CONNECTION}", f"sync:{works[0].sync}")
        for at in self._moments("pauses", self.stage.scenario.pauses):
            await asyncio.sleep(at - self.stage.now())
            scope = chance.choice(scopes)
            self._turn(scope, paused=True)
            await asyncio.sleep(chance.choice((1.0, 20.0, 600.0)))
            self._turn(scope, paused=False)

    def _turn(self, scope: str, *, paused: bool) -> None:
        self.stage.tell("operator", f"{'pauses' if paused else 'resumes'} {scope}")
        turn = self.ledger.switches.pause if paused else self.ledger.switches.resume
        turn(scope, reason="a drill", author="operator@example.com")
        if paused:
            self.judge.paused[scope] = self.stage.now()
        else:
            self.judge.paused.pop(scope, None)

    def _jump(self) -> None:
        """Let a machine's clock be wrong by some seconds, to either side."""
        chance = self.stage.chance(f"jump {self.stage.now()}")
        machine = chance.randrange(2)
        self.stage.wrong[machine] = chance.uniform(-_WRONG, _WRONG)
        wrong = f"{self.stage.wrong[machine]:.1f}"
        self.stage.tell("machine", f"the clock of {machine} is wrong by {wrong} s")

    def _eat(self) -> None:
        self.vendor.eat(self.stage.scenario.eaten)


def _class(error: ActivationError) -> str:
    """Return what ended a run early, without the names in it."""
    if isinstance(error, Refused):
        return next((words for words in _REFUSALS if words in error.message), "refused")
    return type(error).__name__
