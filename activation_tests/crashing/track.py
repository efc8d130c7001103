"""One project with its sandbox, whose runs are killed again and again, and what came of it."""

from __future__ import annotations

import math
import random
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from activation.ledger import RowsLostError, open_ledger
from activation.ledger.batches import UNKNOWN
from activation.ledger.conservation import check
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.crashing.steps import REPEATED, STEPS, Death
from activation_tests.crashing.witness import Witness
from activation_tests.crashing.worker import BROKEN, Ending, run
from activation_tests.sync.project import Project, make_project, opened_project, unguarded

ROWS = 450
"""Three requests, since Salesforce takes 200 rows in one."""
_LEASE = 301.0
_FENCE = 3600.0
"""Seconds after which a dead run keeps nobody away, and its requests cannot land any more."""
_PATIENCE = 60.0
_AUDIT_EVERY = 25
_UNDISTURBED = 3
"""Runs without a kill or a fault, after which all must be where it belongs."""
OVERTAKEN = "overtaken by a newer plan"
RANDOM = "at a random moment"
"""The step of a kill from outside."""
_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lost_request", {}),
    ("lost_response", {}),
    ("late_apply", {"seconds": 0.2}),
    ("slow", {"seconds": 0.1}),
    ("unavailable", {}),
    ("server_error_after_apply", {}),
    ("garbled_answer", {}),
    ("row_locked", {"share": 0.3}),
    ("whole_batch_refused", {}),
)


@dataclass(slots=True)
class Findings:
    """What a track has come to."""

    kills: Counter[str] = field(default_factory=Counter)
    """By the step at which the process was killed."""
    endings: Counter[str] = field(default_factory=Counter)
    """Of the runs that were not killed."""
    met_at: Counter[str] = field(default_factory=Counter)
    """Batches of unknown fate that each step's kills left, by the step."""
    met: set[str] = field(default_factory=set)
    """Batches that a kill left without anybody knowing their fate."""
    settled: Counter[str] = field(default_factory=Counter)
    """Those of them whose fate is known by now, by what it is."""
    requests: int = 0
    violations: list[str] = field(default_factory=list)


class Track:
    """Kills runs of one project."""

    def __init__(self, root: Path, address: str, seed: str) -> None:
        self.findings = Findings()
        self._root = root
        self._sandbox = Sandbox(address)
        self._chance = random.Random(seed)  # noqa: S311 - what to try next
        self._witness = Witness(root / "vendor")
        self._ahead = 0.0
        self._state = 0
        self._runs = 0
        self._usual = 1.0
        """Seconds that a run usually takes."""
        self._states: dict[str, str] = {}
        self._withdrawn: set[str] = set()
        with self._project() as project:
            self._environment = dict(project.environment)
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["activation_tests.crashing.worker", "pytest"])

    def prepare(self) -> None:
        """Fill the models, open the phase, and deliver everything once."""
        self._sandbox.set_quota(limit=10_000_000)
        with self._project() as project:
            project.edit_contract(_never_mind_the_guards)
            project.fill(ROWS)
            project.open_phase()
        self._move(1.0)
        began = time.monotonic()
        self._audit()
        self._usual = time.monotonic() - began

    def kill(self, times: int, killed: Callable[[], None], *, seconds: float = math.inf) -> None:
        """Kill so many runs, or as many as there is time for; tell of each."""
        left, until = times, time.monotonic() + seconds
        while left and time.monotonic() < until and not self.findings.violations:
            self._trouble()
            death = self._death()
            was_killed = self._run(death)
            known = len(self.findings.met)
            self._look()
            if was_killed:
                self.findings.met_at[_step(death)] += len(self.findings.met) - known
                left -= 1
                killed()
                if left % _AUDIT_EVERY == 0 and left:
                    self._audit()
        if not self.findings.violations:
            self._audit()
        self.findings.requests = self._witness.requests()

    def close(self) -> None:
        """Let go of what the sandbox wrote."""
        self._witness.close()

    def _trouble(self) -> None:
        """Let time pass, the source move on, people change their minds, the vendor misbehave."""
        chance = self._chance
        self._ahead += chance.choice((0.0, _LEASE, _LEASE, _LEASE, _FENCE))
        if chance.random() < 0.85:
            self._move(chance.choice((0.1, 0.6, 1.0)))
        if chance.random() < 0.2:
            self._change_mind()
        self._sandbox.faults.clear()
        while chance.random() < 0.4:
            name, options = chance.choice(_FAULTS)
            times = chance.randint(1, 3)
            self._sandbox.faults.add(name, times=times, method="PATCH", **options)

    def _death(self) -> Death | float:
        """Draw a step, or a number of seconds after which the run is killed from outside."""
        if self._chance.random() < 0.25:
            return self._chance.uniform(0, self._usual)
        step = self._chance.choice(STEPS)
        return Death(step, self._chance.choice((1, 1, 2, 3)) if step in REPEATED else 1)

    def _run(self, death: Death | float | None) -> bool:
        """Run once; return whether it was killed."""
        self._runs += 1
        name = f"run-{self._runs}"
        step = death if isinstance(death, Death) else None
        process = self._context.Process(
            target=run, args=(self._environment, name, self._ahead, step)
        )
        process.start()
        if isinstance(death, float):
            process.join(death)
            process.kill()
        process.join(_PATIENCE)
        if process.exitcode is None:
            process.kill()
            process.join()
            self._violated(f"{name} did not end in {_PATIENCE:.0f} seconds")
        if process.exitcode == -signal.SIGKILL:
            self.findings.kills[_step(death)] += 1
            return True
        ending = Ending(process.exitcode or 0)
        self.findings.endings[ending.name.lower()] += 1
        if ending is Ending.BROKEN:
            self._violated((self._root / "home" / BROKEN).read_text())
        return False

    def _look(self) -> None:
        """See what the last run has done, once nothing of it is under way any more."""
        deadline = time.monotonic() + _PATIENCE
        while self._witness.under_way() and time.monotonic() < deadline:
            time.sleep(0.01)
        for violation in self._witness.violations(self._withdrawn):
            self._violated(violation)
        states = self._batches()
        unknown = {batch for batch, state in states.items() if state in UNKNOWN}
        self.findings.met |= unknown
        self.findings.settled = Counter(states[batch] for batch in self.findings.met - unknown)

    def _audit(self) -> None:
        """Let everybody agree and a few runs go undisturbed; then all must be where it belongs."""
        self._sandbox.faults.clear()
        self._withdrawn.clear()
        with self._project() as project:
            project.sql("UPDATE main_marts.customer_consent SET status = 'granted'")
        for _ in range(_UNDISTURBED):
            self._ahead += _FENCE
            self._run(None)
            self._look()
            states = self._witness.states()
            missing = {
                key: (state, held)
                for key, state in self._states.items()
                if (held := states.get(key)) != state
            }
            unsettled = [b for b, fate in self._batches().items() if fate in UNKNOWN]
            if not (missing or unsettled):
                break
        else:
            self._violated(f"lost or unsettled: {missing} {unsettled}")
        if extra := states.keys() - self._states.keys():
            self._violated(f"nobody's: {sorted(extra)}")
        with open_ledger(self._ledger) as ledger, self._books() as books:
            for (digest,) in books.execute("SELECT digest FROM plan").fetchall():
                try:
                    check(ledger.outcomes(digest))
                except RowsLostError as error:
                    self._violated(str(error))

    def _move(self, share: float) -> None:
        """Let that share of the rows have a new state."""
        self._state += 1
        state = f"state {self._state:06d}"
        at = (datetime.now(UTC) + timedelta(seconds=self._ahead)).replace(tzinfo=None)
        with self._project() as project:
            project.sql(
                "UPDATE main_marts.customer_churn SET churn_reason = $state, scored_at = $at"
                " WHERE hash(customer_id, $state) % 100 < $percent",
                {"state": state, "at": at, "percent": int(share * 100)},
            )
            project.sql("UPDATE main_marts.customer_churn SET scored_at = $at", {"at": at})
            project.sql("UPDATE main_marts.customer_consent SET loaded_at = $at", {"at": at})
            found = project.sql("SELECT customer_id, churn_reason FROM main_marts.customer_churn")
            self._states = dict(found)

    def _change_mind(self) -> None:
        """Let somebody withdraw consent, or grant it again."""
        key = self._chance.choice(sorted(self._states))
        self._withdrawn ^= {key}
        with self._project() as project:
            project.consent(key, "denied" if key in self._withdrawn else "granted")

    @contextmanager
    def _project(self) -> Iterator[Project]:
        # Never open while a run is: a DuckDB file is one process's at a time.
        with opened_project(self._root, self._sandbox) as project:
            yield project

    @property
    def _ledger(self) -> str:
        return f"sqlite:///{self._root / 'home' / 'ledger.db'}"

    @contextmanager
    def _books(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._root / "home" / "ledger.db", timeout=30)) as books:
            yield books

    def _batches(self) -> dict[str, str]:
        """Return the fate of each batch; what is in doubt may have been overtaken since."""
        with self._books() as books, open_ledger(self._ledger) as ledger:
            found = books.execute("SELECT id, state, plan_digest FROM batch ORDER BY id").fetchall()
            return {
                batch: OVERTAKEN if state in UNKNOWN and ledger.plans.overtaken_by(plan) else state
                for batch, state, plan in found
            }

    def _violated(self, what: str) -> None:
        self.findings.violations.append(what)


@contextmanager
def laid(folder: Path, seed: str) -> Iterator[Track]:
    """Lay a track in an empty folder: a project, its sandbox, everything delivered once."""
    migrated = folder / "migrated.db"
    open_ledger(f"sqlite:///{migrated}").close()
    root = make_project(folder / "project", migrated)
    with running(root / "vendor") as address, closing(Track(root, address, seed)) as track:
        track.prepare()
        yield track


def _step(death: Death | float | None) -> str:
    """Return the name under which a kill is counted."""
    return death.step if isinstance(death, Death) else RANDOM


def _never_mind_the_guards(attributes: dict[str, Any]) -> None:
    unguarded(attributes)
    attributes["quota"]["requests_per_day"] = 1_000_000
    attributes["replay"]["attempts"] = 3
