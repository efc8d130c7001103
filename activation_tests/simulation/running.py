"""One run of the sync, as `activation.sync` puts it together: settle, fold, plan, deliver, fold."""

from __future__ import annotations

from dataclasses import dataclass

from activation.contract.model import Contract
from activation.delivery import (
    DeliveryOrder,
    Recovery,
    deliver,
    mark_folded,
    outcomes,
    receipts,
    settle,
)
from activation.errors import Refused, Stopped
from activation.gates.verdict import Gate, Verdict
from activation_tests.simulation.judge import BOUNDS, HEADROOM, Judge
from activation_tests.simulation.planner import FrozenActions, Warehouse
from activation_tests.simulation.process import Process
from activation_tests.simulation.promise import CONNECTION, SYNC
from activation_tests.simulation.vendor import Account, Vendor


@dataclass(slots=True)
class Run:
    """What one process works with."""

    process: Process
    contract: Contract
    warehouse: Warehouse
    vendor: Vendor
    judge: Judge
    account: Account

    def newest(self, phase: str) -> str | None:
        """Return the digest of the phase's newest plan, if it has one."""
        plan = self.process.ledger.plans.latest(SYNC, phase)
        return None if plan is None else plan.digest

    async def plan(self, phase: str) -> str:
        """Settle, fold what arrived, make and judge a plan; return its digest."""
        process, ledger, stage = self.process, self.process.ledger, self.process.stage
        switch = ledger.switches.paused(SYNC, CONNECTION)
        if switch is None:
            settled = await settle(
                Recovery(self.contract, process.name, HEADROOM, BOUNDS),
                destination=self.account,
                actions_of=lambda plan: FrozenActions(self.warehouse, plan.table),
                ledger=ledger,
                clock=process.clock,
                wire=process.wire,
                randomness=process.randomness,
            )
            if settled.found > settled.in_doubt:
                stage.saw("a later run settled what was in doubt")
        seen = ledger.plans.last_attempt(SYNC)
        await self.fold()
        frozen = self.warehouse.make(ledger, self.contract, phase, process.clock.now())
        stage.tell(
            process.name,
            f"plans {frozen.plan.digest[:6]} of {phase}:"
            f" {[(row.key, row.version) for _, row in frozen.rows]}",
        )
        await process.breathe(0.5)
        process.hazard("before the plan is kept")
        paused = ledger.switches.paused(SYNC, CONNECTION) is not None
        frozen.passed = frozen.passed and not paused
        verdicts = [
            Verdict(gate, passed=frozen.passed or gate is not Gate.KILL_SWITCH, summary="said")
            for gate in Gate
        ]
        ledger.plans.record(frozen.plan, connection=CONNECTION, attempts_seen=seen)
        process.hazard("before the plan is judged")
        ledger.plans.record_verdicts(frozen.plan.digest, verdicts)
        return frozen.plan.digest

    async def deliver(self, digest: str) -> None:
        """
        Deliver a plan, and fold.

        Raises:
            Stopped: it ended early.
            Refused: nothing was sent.
        """
        process, ledger = self.process, self.process.ledger
        plan = ledger.plans.get(digest)
        if plan.table not in self.warehouse.tables:
            raise Refused("The plan has no actions any more.", hint="Plan again.")
        stopped: Stopped | None = None
        process.delivers, process.since = plan.digest, process.clock.now()
        try:
            await deliver(
                DeliveryOrder(plan.digest, self.contract, process.name, HEADROOM, BOUNDS),
                destination=self.account,
                actions=FrozenActions(self.warehouse, plan.table),
                ledger=ledger,
                clock=process.clock,
                wire=process.wire,
                randomness=process.randomness,
                progress=lambda _: None,
            )
        except Stopped as error:
            stopped = error
        outcomes(ledger, plan.digest)
        await process.breathe()
        await self.fold()
        self.warehouse.drop(ledger.plans.tables_in_use(SYNC))
        if stopped is not None:
            raise stopped

    async def fold(self) -> None:
        """Merge what the delivered state does not know of yet."""
        process = self.process
        for folded in receipts(process.ledger, SYNC):
            rows = self.warehouse.plans[folded.plan_digest].rows
            for receipt in folded.rows.to_pylist():
                row = rows[receipt["action_no"]][1]
                held = self.vendor.records.get(row.key)
                at = None if held is None else (held.version, held.id)
                self.judge.folds(row, receipt["destination_id"], at)
            self.warehouse.fold(folded)
            await process.breathe()
            process.hazard("between merge and mark")
            mark_folded(process.ledger, folded)
