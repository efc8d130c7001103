"""The ledger: one object a project, and how it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa

from activation.clock import Clock, SystemClock
from activation.governor.budget import Budget
from activation.hash_keys import HashKeys
from activation.ledger import attempts
from activation.ledger.alerts import Alerts
from activation.ledger.approvals import Approvals
from activation.ledger.attempts import Answer, Entry
from activation.ledger.audit import Audit
from activation.ledger.batches import Batches
from activation.ledger.clearances import NOTHING_WAITS, Backlog
from activation.ledger.conservation import Tally
from activation.ledger.dead_letters import DeadLetters
from activation.ledger.doubts import Doubts
from activation.ledger.erasures import Erasures
from activation.ledger.fences import Fences
from activation.ledger.history import History
from activation.ledger.holds import Holds
from activation.ledger.leases import Lease, Leases
from activation.ledger.outcomes import tally
from activation.ledger.people import People
from activation.ledger.permits import Permits
from activation.ledger.phases import Phases
from activation.ledger.plans import Plans
from activation.ledger.quota import Quota
from activation.ledger.retention import Retention
from activation.ledger.runs import Runs
from activation.ledger.schema import migrate
from activation.ledger.store import Store, open_store
from activation.ledger.switches import Switches


class Ledger:
    """
    The durable store of plans, batches, dead letters, quota, controls and runs.

    Each table has a module of its own and is reached by its name: `ledger.switches.pause(...)`.
    What concerns several tables at once stands here.
    """

    def __init__(self, store: Store, hash_keys: HashKeys | None = None) -> None:
        self.store = store
        self.plans = Plans(store)
        self.approvals = Approvals(store)
        self.history = History(store)
        self.batches = Batches(store)
        self.fences = Fences(store)
        self.dead_letters = DeadLetters(store)
        self.doubts = Doubts(store)
        self.switches = Switches(store)
        self.holds = Holds(store)
        self.phases = Phases(store)
        self.quota = Quota(store)
        self.permits = Permits(store)
        self.leases = Leases(store)
        self.runs = Runs(store)
        self.retention = Retention(store)
        self.audit = Audit(store)
        self.alerts = Alerts(store)
        self.people = People(store, hash_keys)
        self.erasures = Erasures(store)

    def write(
        self,
        entries: Sequence[Entry],
        *,
        lease: Lease,
        budget: Budget,
        backlog: Backlog = NOTHING_WAITS,
    ) -> list[Answer]:
        """Write what came of attempts, and which requests are about to leave; see `attempts`."""
        return attempts.write(self.store, entries, lease=lease, budget=budget, backlog=backlog)

    def outcomes(self, plan_digest: str) -> dict[str, Tally]:
        """
        Return the rows of a plan by operation and outcome.

        Raises:
            UsageError: there is no such plan.
        """
        return tally(self.plans.get(plan_digest), self.batches.of_plan(plan_digest))

    def rejected_rows(self, sync: str) -> pa.Table:
        """Return what was rejected and does not go out unchanged: `key_hash`, `row_hash`."""
        return self.dead_letters.rejected_rows(sync)

    def close(self) -> None:
        """Let go of the database."""
        self.store.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_ledger(
    url: str,
    clock: Clock | None = None,
    *,
    kill_file: Path | None = None,
    hash_keys: HashKeys | None = None,
) -> Ledger:
    """
    Open the ledger behind a SQLAlchemy URL and bring its tables up to date.

    Nothing is sent through it while the kill file is there.
    People and rows are named by the hash keys; without, nobody can be named.

    Raises:
        ConfigurationError: the URL cannot be understood.
        Unavailable: the database is locked, corrupt, or made by a newer version.
    """
    store = replace(open_store(url, clock or SystemClock()), kill_file=kill_file)
    try:
        migrate(store)
    except BaseException:
        store.engine.dispose()
        raise
    return Ledger(store, hash_keys)
