"""What commands tell of quota and backlog: used, reserved, left, and when it will be done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from activation.contract.model import Contract
from activation.governor.forecast import Outlook
from activation.sync import Services
from activation.sync.outlooks import outlook_of, requests_left


def backlog(services: Services, contract: Contract) -> tuple[int, Outlook]:
    """Return the rows that the newest plan of the widest open phase has not settled."""
    ledger = services.ledger
    opened = {phase.phase for phase in ledger.phases.opened(contract.sync)}
    widest = [phase.name for phase in contract.rollout.phases if phase.name in opened]
    plan = ledger.plans.latest(contract.sync, widest[-1]) if widest else None
    if plan is None:
        return 0, outlook_of(services, contract, {}, 0)
    rows = max(0, plan.to_send - ledger.batches.settled_rows(plan.digest))
    return rows, outlook_of(services, contract, plan.summary, requests_left(plan, rows))


def quota(outlook: Outlook) -> dict[str, Any]:
    """Return the requests of today."""
    return {
        "used": outlook.used,
        "reserved": outlook.reserved,
        "allowed": outlook.allowed,
        "left": outlook.left,
        "account_used": outlook.account_used,
        "account_limit": outlook.account_limit,
        "account_left": outlook.account_left,
    }


def forecast(outlook: Outlook) -> dict[str, Any]:
    """Return when what waits will be done, if a run is under way whenever requests are left."""
    return {"requests": outlook.requests, "done_at": moment(outlook.done_at)}


def moment(at: datetime | None) -> str | None:
    """Return a moment as reports write it."""
    return None if at is None else at.strftime("%Y-%m-%d %H:%M:%SZ")


def sentence(report: dict[str, Any]) -> str:
    """Return the forecast in words."""
    told = report["forecast"]
    if not told["requests"]:
        return "nothing waits"
    when = told["done_at"]
    if when is None:
        return "what waits has no date: nothing is left of any day"
    return f"what waits takes {told['requests']:,} requests, done at {when} at the earliest"
