"""
Lives through the days that a backlog takes, one scheduled run after the other.

The clock is the caller's to leap with; whoever answers in the vendor's place goes by it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from activation.contract.consent import Consent
from activation.contract.guards import Freshness
from activation.contract.model import Contract
from activation.contract.schedule import next_due
from activation.delivery.order import BOUNDS
from activation.errors import QuotaExhausted
from activation.sync.results import Delivered, Planned
from activation.sync.services import Services
from activation.sync.sync import Sync

HOURLY = "@hourly"
"""When a sync runs that has no schedule of its own."""
_AGELESS = timedelta(days=3650)
GLANCES = BOUNDS.watch_seconds
"""How often a delivery looks at the kill switch: what a clock that leaps must not leap over."""


@dataclass(frozen=True, slots=True)
class LivedRun:
    """One run of a rehearsal."""

    began: datetime
    settled_at: datetime
    """When its last request was answered."""
    planned: Planned
    delivered: Delivered

    @property
    def over(self) -> bool:
        """Tell whether nothing is left to send."""
        return self.delivered.stopped is None and self.delivered.outcomes.settled


def ageless(contract: Contract) -> Contract:
    """Return the contract for models that stay as they are while days are lived through."""
    freshness = Freshness(max_age=_AGELESS)
    consent = contract.consent
    if isinstance(consent, Consent):
        lasting = {"max_lag": _AGELESS}
        sources = tuple(source.model_copy(update=lasting) for source in consent.sources)
        consent = consent.model_copy(update={"sources": sources})
    return contract.model_copy(update={"freshness": freshness, "consent": consent})


def live_through(
    contract: Contract,
    services: Services,
    phase: str,
    *,
    leap: Callable[[datetime], None],
    until: datetime,
) -> Iterator[LivedRun]:
    """
    Yield the runs of a phase, at the times of its schedule, until all is sent.

    Where a day's requests are spent, the runs of its rest are left out: they would send nothing.

    Args:
        contract: the sync's.
        services: go by the clock that leaps.
        phase: an open one.
        leap: lets the time go on to a moment.
        until: after that moment no further run begins.

    Raises:
        Refused: a gate said no.
        Stopped: the vendor, the warehouse or the ledger is in trouble.
    """
    clock, ledger = services.clock, services.ledger
    number = 0
    while (began := clock.now()) <= until:
        number += 1
        # As a process of its own: what an account said yesterday must not count today.
        sync = Sync(contract, services)
        run_id = f"rehearsal-{number}"
        planned = sync.plan(phase, run_id=run_id)
        delivered = sync.deliver(phase, run_id=run_id)
        spent = isinstance(delivered.stopped, QuotaExhausted)
        if delivered.stopped is not None and not spent:
            raise delivered.stopped
        settled = [
            batch.settled_at
            for batch in ledger.batches.of_plan(delivered.plan_digest)
            if batch.settled_at is not None
        ]
        run = LivedRun(began, max(settled, default=began), planned, delivered)
        yield run
        if run.over:
            return
        now = clock.now()
        leap(next_due(contract.schedule or HOURLY, _tomorrow(now) if spent else now))


def _tomorrow(now: datetime) -> datetime:
    """Return the last second of an account's day: what is due next is due on the day after."""
    midnight = datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
    return midnight - timedelta(seconds=1)
