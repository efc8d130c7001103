"""A plan, a ledger, a destination and time that passes only when nothing else can happen."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pyarrow as pa

from activation.contract.model import Contract
from activation.delivery import (
    Bounds,
    DeliveryOrder,
    Outcomes,
    Progress,
    Recovery,
    Settled,
    deliver,
    settle,
)
from activation.destinations.memory import MemoryDestination
from activation.gates.verdict import Gate, Verdict
from activation.ledger import Ledger
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile

T = TypeVar("T")

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SYNC = "contact_scores"
ALL = "all"


class Time:
    """A clock whose time passes in jumps, from one sleeper to the next."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        """Return the wall clock."""
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Sleep on the loop, whose time is this."""
        await asyncio.sleep(seconds)


class _Selector(selectors.DefaultSelector):
    time: Time

    def select(self, timeout: float | None = None) -> Any:
        """Jump to the next sleeper instead of waiting for it."""
        if timeout is None:
            message = "everybody waits for somebody else"
            raise RuntimeError(message)
        self.time.seconds += timeout
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, time: Time) -> None:
        selector = _Selector()
        selector.time = time
        self._virtual = time
        super().__init__(selector)

    def time(self) -> float:
        """Return virtual seconds."""
        return self._virtual.seconds


class InlineWire:
    """Runs calls on the loop, each after its latency in virtual time."""

    def __init__(self, latency: float = 0.01) -> None:
        self.latency = latency

    async def run(self, call: Callable[[], T]) -> T:
        """Let the latency pass, then call."""
        await asyncio.sleep(self.latency)
        return call()


class CrashError(BaseException):
    """The process is gone."""


@dataclass
class FrozenActions:
    """The actions of a plan in memory."""

    rows: pa.Table
    withdrawn: Callable[[], Iterable[int]] = tuple
    asked: int = 0

    def read(self, first: int, last: int) -> pa.Table:
        """Return a slice."""
        return self.rows.slice(first, last - first + 1)

    def revoked(self) -> frozenset[int]:
        """Return what has been withdrawn by now."""
        self.asked += 1
        return frozenset(self.withdrawn())


def contract(**changes: Any) -> Contract:
    """Return a contract; `changes` replace whole sections of it."""
    sections: dict[str, Any] = {
        "sync": SYNC,
        "objective": "Show each contact's score to the people who call.",
        "owner": "team:growth",
        "source": {"model": "scores", "grain": ["contact"], "version": "scored_at"},
        "destination": {"connection": "crm", "object": "Contact", "key": "Key__c"},
        "fields": [
            {
                "to": name,
                "column": name.lower(),
                "type": "text(80)",
                "nulls": "clear",
                "data_class": "none",
            }
            for name in ("Name", "Score")
        ],
        "consent": {"subject": "none"},
        "freshness": {"max_age": "30h"},
        "guards": dict.fromkeys(
            ("changed", "created", "cleared", "deleted", "lost", "grain"), "5%"
        ),
        "quota": {"requests_per_day": 1000, "concurrency": 4},
        "rollout": {"salt": "s", "phases": [{"name": ALL, "share": "100%"}]},
        "replay": {
            "attempts": 4,
            "within": "30m",
            "first_wait": "1s",
            "longest_wait": "60s",
            "keep_dead_letters": "30d",
        },
        "parity": {"unexplained": "0%"},
        "alerting": {
            "channel": "#crm",
            "severity": "low",
            "dead_letters": "1%",
            "runbook": "docs/runbook.md",
        },
    }
    return Contract.model_validate(sections | changes)


def actions(count: int, *, prefix: str = "k", value: str = "v1") -> pa.Table:
    """Return that many actions, every fifth of them a create."""
    numbers = range(count)
    return pa.table(
        {
            "sync_key": [f"{prefix}{n:05d}" for n in numbers],
            "operation": ["create" if n % 5 == 0 else "update" for n in numbers],
            "row_hash": pa.array(numbers, pa.int64()),
            "version": pa.array(numbers, pa.int64()),
            "Name": [f"Person {n:05d}" for n in numbers],
            "Score": [value for _ in numbers],
        }
    )


def with_removals(rows: pa.Table, count: int) -> pa.Table:
    """Return these actions after so many removals, as a plan orders them."""
    removed = actions(count, prefix="r")
    removals = removed.set_column(1, "operation", pa.array(["delete"] * count))
    verbs = pa.array(["remove"] * count + ["upsert"] * rows.num_rows)
    return pa.concat_tables([removals, rows]).append_column("verb", verbs)


@dataclass
class Rig:
    """Everything that a delivery is handed."""

    ledger: Ledger
    time: Time
    destination: MemoryDestination
    frozen: FrozenActions
    contract: Contract = field(default_factory=contract)
    wire: InlineWire = field(default_factory=InlineWire)
    digest: str = "a" * 64
    bounds: Bounds = field(default_factory=Bounds)
    told: list[Progress] = field(default_factory=list)
    on_progress: Callable[[Progress], None] = field(default=lambda _progress: None)

    def plan(
        self,
        *,
        digest: str | None = None,
        phase: str = ALL,
        extra: Sequence[ActionCount] = (),
        gates: Iterable[Gate] = tuple(Gate),
    ) -> None:
        """Record the plan of the frozen actions, with these gates passed."""
        self.digest = digest or self.digest
        operations = self.frozen.rows.column("operation").value_counts().to_pylist()
        counts = [
            ActionCount(entry["values"], Disposition.SEND, None, entry["counts"])
            for entry in operations
        ]
        plan = Plan(
            digest=self.digest,
            sync=self.contract.sync,
            phase=phase,
            created_at=self.time.now(),
            contract_digest=self.contract.digest,
            mapping_digest=self.contract.mapping_digest,
            table=f"plan_{self.digest[:12]}",
            source=SourceProfile(0, 0, 0, 0, None),
            blast=BlastRadius(0, 0, 0, 0, 0, 0, 0, 0),
            counts=(*counts, *extra),
        )
        self.ledger.plans.record(
            plan,
            connection=self.contract.destination.connection,
            attempts_seen=self.ledger.plans.last_attempt(self.contract.sync),
        )
        verdicts = [Verdict(gate, passed=True, summary="fine") for gate in gates]
        self.ledger.plans.record_verdicts(self.digest, verdicts)

    def deliver(self, *, owner: str = "run-1") -> Outcomes:
        """Deliver the plan to the end, in virtual time."""
        return self.run(self.delivery(owner=owner))

    def delivery(self, *, owner: str = "run-1") -> Coroutine[Any, Any, Outcomes]:
        """Return what delivers the plan, to be run beside others."""
        order = DeliveryOrder(self.digest, self.contract, owner, bounds=self.bounds)
        return deliver(
            order,
            destination=self.destination,
            actions=self.frozen,
            ledger=self.ledger,
            clock=self.time,
            wire=self.wire,
            randomness=random.Random(7),  # noqa: S311 - jitter
            progress=self._progress,
        )

    def settle(self, *, owner: str = "run-2") -> Settled:
        """Settle what a dead run has left."""
        return self.run(
            settle(
                Recovery(self.contract, owner, bounds=self.bounds),
                destination=self.destination,
                actions_of=lambda _plan: self.frozen,
                ledger=self.ledger,
                clock=self.time,
                wire=self.wire,
                randomness=random.Random(7),  # noqa: S311 - jitter
            )
        )

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on a loop whose time is this rig's."""
        # The loop adds what it waited to the time it knows; a new one must not start at zero.
        with asyncio.Runner(loop_factory=lambda: _Loop(self.time)) as runner:
            return runner.run(work)

    def totals(self) -> dict[str, int]:
        """Return the plan's rows by outcome, as the ledger counts them."""
        sums: dict[str, int] = {}
        for tally in self.ledger.outcomes(self.digest).values():
            for name, rows in tally.as_dict().items():
                sums[name] = sums.get(name, 0) + rows
        return sums

    def once_each(self) -> bool:
        """Return whether no record was made twice."""
        return max(self.destination.creates.values(), default=0) <= 1

    def later(self, **span: float) -> None:
        """Let time pass with nobody at work."""
        self.time.seconds += timedelta(**span).total_seconds()

    def with_rows(self, rows: pa.Table) -> Rig:
        """Return a rig with other actions, on the same ledger and destination."""
        return replace(self, frozen=FrozenActions(rows), told=[])

    def _progress(self, progress: Progress) -> None:
        self.told.append(progress)
        self.on_progress(progress)
