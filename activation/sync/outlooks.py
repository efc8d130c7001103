"""When what a plan has in mind, or what is left of it, will be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from activation.contract.model import Contract
from activation.delivery.order import budget_of
from activation.destinations.base import QuotaReading
from activation.governor.forecast import Outlook, outlook
from activation.ledger.plans import PlanRecord
from activation.planning.capacity import read_backs
from activation.sync.costs import Cost, referenced_rows
from activation.sync.parts import Parts
from activation.sync.services import Services


def remembered(parts: Parts, cost: Cost) -> dict[str, Any]:
    """Return what the ledger keeps beside a plan, for whoever asks later how it stands."""
    return {
        "requests": cost.requests,
        "per_second": cost.per_second,
        "headroom": parts.connection.headroom,
    }


def outlook_of(
    services: Services,
    contract: Contract,
    known: Mapping[str, Any],
    requests: int,
    *,
    reading: QuotaReading | None = None,
) -> Outlook:
    """Return how a sync stands by what the vendor says, and when so many requests will be done."""
    quota, connection = services.ledger.quota, contract.destination.connection
    usage = quota.usage(connection)
    return outlook(
        usage if reading is None else usage.told(reading),
        quota.share(connection, contract.sync),
        budget_of(contract, known.get("headroom", 0.0)),
        requests=requests,
        per_second=known.get("per_second", 1.0),
        now=services.clock.now(),
    )


def requests_left(plan: PlanRecord, rows: int) -> int:
    """Return the requests that so many rows take which are left of a plan."""
    if not plan.to_send:
        return 0
    requests: int = plan.summary.get("requests", 0)
    return -(-requests * rows // plan.to_send)


def unaffordable(parts: Parts, rows: int) -> str | None:
    """Return why so many delivered rows cannot be read back today, or None."""
    contract = parts.contract
    reads = read_backs(contract, parts.facts.traits, rows, referenced=referenced_rows(parts))
    usage = parts.ledger.quota.usage(contract.destination.connection)
    if reading := parts.destination.quota():
        usage = usage.told(reading)
    left = usage.left(parts.connection.headroom)
    if left is None or reads <= left:
        return None
    return f"reading {rows:,} rows back takes {reads:,} requests, and {left:,} are left of the day"
