"""Ordinary days: the company moves on, every contract is planned and judged, and all arrives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.gates.verdict import Gate
from activation.ledger.plans import PlanState
from activation.planning.actions import drop_plans
from activation.planning.fold import fold
from activation.planning.model import Disposition
from activation.sandbox.client import Sandbox
from activation.sandbox.company import generate
from activation.sandbox.rehearsal import make_ready
from activation.sandbox.server import running
from activation.settings import Settings
from activation.sync import Planned, Services, Sync, open_services
from activation_tests.ordinary_days.marts import Marts
from activation_tests.sync.project import ROOT, LeapingClock

MONDAY = datetime(2026, 1, 5, 7, tzinfo=UTC)
_BUILT = timedelta(minutes=45)
"""How long before the plans the models were built."""
_HOURLY = 3
"""So many of a day's runs of an hourly contract are played."""


@dataclass(frozen=True, slots=True)
class Day:
    """What one contract's plan of a day came to."""

    day: int
    sync: str
    stopped_by: Mapping[str, str]
    """Gate: what it said."""
    to_send: int
    nearness: Mapping[str, float]
    """How much of what was allowed was used, of each measure."""


@dataclass
class Company:
    """A company that moves on, in a folder of its own."""

    home: Path
    rows: int
    seed: int
    syncs: frozenset[str] = frozenset()
    """The contracts to play; all that ship if empty."""
    clock: LeapingClock = field(default_factory=lambda: LeapingClock(MONDAY))

    def live(self, days: int) -> Iterator[Day]:
        """Yield each plan of so many days."""
        marts = Marts()
        with running(self.home / "vendor", clock=self.clock) as address:
            make_ready(Sandbox(address))
            environment = {
                "ACTIVATION_PROJECT": str(ROOT),
                "ACTIVATION_HOME": str(self.home),
                "ACTIVATION_SANDBOX_PORT": address.rpartition(":")[2],
            }
            settings = Settings.load(environment)
            contracts = [
                contract
                for contract in load_contracts(settings.contracts).values()
                if not self.syncs or contract.sync in self.syncs
            ]
            with open_services(settings, clock=self.clock, environment=environment) as services:
                for contract in contracts:
                    services.ledger.phases.open(
                        contract.sync, "full", reason="ordinary days", author="tests"
                    )
                for day in range(1, days + 1):
                    self._build(marts, day)
                    for contract in contracts:
                        for _ in range(_HOURLY if _is_hourly(contract) else 1):
                            yield self._plan(services, contract, day)
                    self.clock.waited += timedelta(days=1).total_seconds()

    def _build(self, marts: Marts, day: int) -> None:
        database = self.home / "warehouse.duckdb"
        now = self.clock.now() - _BUILT
        generate(database, rows=self.rows, day=day, seed=self.seed, now=now, weekly=True)
        marts.build(database)

    def _plan(self, services: Services, contract: Contract, day: int) -> Day:
        planned = Sync(contract, services).plan("full", run_id=f"{contract.sync}-{day}")
        stopped = {v.gate.value: v.summary for v in planned.verdicts if not v.passed}
        if not stopped:
            carry_out(services, planned)
        to_send = planned.plan.rows(Disposition.SEND)
        return Day(day, contract.sync, stopped, to_send, nearness(planned))


def nearness(planned: Planned) -> dict[str, float]:
    """Return how much of what was allowed a plan has used, of each measure that was compared."""
    evidence = {verdict.gate: verdict.evidence for verdict in planned.verdicts}
    found: dict[str, float] = {}
    blast = evidence[Gate.BLAST_RADIUS]
    if blast["delivered_before"]:
        for name in ("changed", "created", "cleared", "deleted", "lost", "revoked"):
            for limit in (f"{name}_allowed", f"{name}_usual"):
                if limit in blast:
                    found[limit] = _used(blast[name], blast[limit])
    for name, value in evidence[Gate.DISTRIBUTION].items():
        if name.endswith("_moved"):
            found["distribution"] = max(found.get("distribution", 0.0), float(str(value)))
    grain = evidence[Gate.GRAIN]
    found["reminted"] = _used(grain["reminted_keys"], grain["reminted_allowed"])
    return found


def _used(part: Any, whole: Any) -> float:
    return 0.0 if not part else part / whole


def carry_out(services: Services, planned: Planned) -> None:
    """Let every action of the plan arrive, as a vendor that takes everything would have it."""
    plan = planned.plan
    numbers = range(plan.rows(Disposition.SEND))
    at = services.clock.now()
    receipts = pa.table(
        {
            "action_no": pa.array(numbers, pa.int64()),
            "destination_id": pa.array([f"id{n}" for n in numbers], pa.string()),
            "delivered_at": pa.array([at] * len(numbers), pa.timestamp("us", tz="UTC")),
            "created": pa.array([None] * len(numbers), pa.bool_()),
        }
    )
    with services.warehouse.session() as session:
        fold(session, plan.sync, plan.table, receipts, plan_digest=plan.digest)
        drop_plans(session, plan.sync, set())
    services.ledger.plans.mark(plan.digest, PlanState.SETTLED)
    services.ledger.phases.mark_loaded(plan.sync, plan.phase)


def _is_hourly(contract: Contract) -> bool:
    return contract.schedule is not None and contract.schedule.split()[1:2] == ["*"]
