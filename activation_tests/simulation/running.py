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
from activation.errors import Busy, Stopped
from activation.gates.verdict import Gate, Verdict
from activation.ledger.plans import PlanState
from activation_tests.simulation.account import Account
from activation_tests.simulation.allowance import HEADROOM
from activation_tests.simulation.judge import BOUNDS, Judge
from activation_tests.simulation.planner import FrozenActions, Warehouse
from activation_tests.simulation.process import Process
from activation_tests.simulation.promise import CONNECTION
from activation_tests.simulation.vendor import Vendor


@dataclass(slots=True)
class Run:
    """What one process works with."""

    process: Process
    contract: Contract
    warehouse: Warehouse
    vendor: Vendor
    judge: Judge
    account: Account

    @property
    def sync(self) -> str:
        """Return the sync's name."""
        return self.contract.sync

    def newest(self, phase: str) -> str | None:
        """Return the digest of the phase's newest plan, if it has one."""
        plan = self.process.ledger.plans.latest(self.sync, phase)
        return None if plan is None else plan.digest

    async def plan(self, phase: str) -> str:
        """Settle, fold what arrived, make and judge a plan; return its digest."""
        process, ledger, stage = self.process, self.process.ledger, self.process.stage
        switch = ledger.switches.paused(self.sync, CONNECTION)
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
        seen = ledger.plans.last_attempt(self.sync)
        await self.fold()
        frozen = self.warehouse.make(ledger, self.contract, phase, process.clock.now())
        stage.tell(
            process.name,
            f"plans {frozen.plan.digest[:6]} of {phase}:"
            f" {[(a.operation.value, a.row.key, a.row.version) for a in frozen.actions]}",
        )
        await process.breathe(0.5)
        process.hazard("before the plan is kept")
        paused = ledger.switches.paused(self.sync, CONNECTION) is not None
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
        self.warehouse.table(plan.table)
        if plan.state is PlanState.DELIVERING:
            process.stage.saw("a plan taken up where it was left")
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
        self._drop_outlived()
        if stopped is not None:
            raise stopped

    def _drop_outlived(self) -> None:
        leases, plans = self.process.ledger.leases, self.process.ledger.plans
        try:
            lease = leases.acquire(self.sync, self.process.name, seconds=BOUNDS.lease_seconds)
        except Busy:
            return
        self.warehouse.drop(plans.tables_in_use(self.sync))
        leases.release(lease)

    async def fold(self) -> None:
        """Merge what the delivered state does not know of yet."""
        process = self.process
        for folded in receipts(process.ledger, self.sync):
            actions = self.warehouse.plans[folded.plan_digest].actions
            for receipt in folded.rows.to_pylist():
                self.judge.folds(
                    actions[receipt["action_no"]],
                    receipt["destination_id"],
                    self.vendor.objects[self.sync].get(actions[receipt["action_no"]].row.key),
                )
            self.warehouse.fold(folded)
            await process.breathe()
            process.hazard("between merge and mark")
            mark_folded(process.ledger, folded)
