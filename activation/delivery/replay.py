"""The pace of replays: what of a sync's day dead letters may take from fresh rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time

from activation.contract.model import Contract
from activation.governor.budget import Budget
from activation.ledger import Ledger
from activation.ledger.plans import PlanRecord

SHARE = 0.2
"""Of the requests that a sync may make in a day."""


def replays_left(contract: Contract, ledger: Ledger) -> int:
    """Return the write requests that replays may still make today (UTC)."""
    now = ledger.store.clock.now().astimezone(UTC)
    midnight = datetime.combine(now.date(), time(), UTC)
    used = ledger.quota.of_replays(contract.sync, midnight)
    return max(0, int(SHARE * contract.quota.requests_per_day) - used)


def paced(budget: Budget, plan: PlanRecord, contract: Contract, ledger: Ledger) -> Budget:
    """Return the budget of a plan's delivery: a replay may go no further than its share."""
    if not plan.is_replay:
        return budget
    used = ledger.quota.share(budget.connection, budget.sync)
    most = min(budget.requests_per_day, used + replays_left(contract, ledger))
    return replace(budget, requests_per_day=most)
