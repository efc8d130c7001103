"""The requests of an account's day: what is used, what is left, and for whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from activation.destinations.base import QuotaReading

WITHDRAWAL_HEADROOM = 0.05
"""What removals and erasures leave of the limit to people: they cannot wait for tomorrow."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one sync may take of an account on one day."""

    connection: str
    sync: str
    requests_per_day: int
    headroom: float
    """The share of the account's limit that is left to people and other tools."""
    weight: int = 1
    """Its share where several syncs want more than there is."""

    def kept(self, *, withdrawal: bool) -> float:
        """Return the share of the account's limit that such a request must leave."""
        return min(self.headroom, WITHDRAWAL_HEADROOM) if withdrawal else self.headroom


@dataclass(frozen=True, slots=True)
class Usage:
    """What is known of an account's requests on one day (UTC)."""

    day: date
    reserved: int = 0
    """Requests that we sent or are about to send."""
    answered: int = 0
    elsewhere: int = 0
    """Requests of others, as far as the vendor's count shows them."""
    limit: int | None = None
    """What the vendor allows; None if it has not said."""

    @property
    def used(self) -> int:
        """Return the higher of what we counted and what the vendor reported."""
        return self.reserved + self.elsewhere

    @property
    def under_way(self) -> int:
        """Return the requests that are reserved and not answered."""
        return max(0, self.reserved - self.answered)

    def left(self, headroom: float) -> int | None:
        """Return the requests that may still be sent; None if the vendor named no limit."""
        if self.limit is None:
            return None
        return max(0, int(self.limit * (1 - headroom)) - self.used)

    def taken(self, requests: int) -> Usage:
        """Return the usage with so many more requests reserved."""
        return replace(self, reserved=self.reserved + requests)

    def told(self, reading: QuotaReading) -> Usage:
        """Return the usage as corrected by what the vendor says."""
        return Usage(
            self.day,
            self.reserved,
            self.answered,
            max(self.elsewhere, reading.used - self.answered),
            reading.limit,
        )


def refusal(
    usage: Usage, share: int, budget: Budget, *, requests: int = 1, withdrawal: bool = False
) -> str | None:
    """
    Return why so many more requests may not be sent, or None; `share` is what the sync has used.

    A withdrawal counts against the sync's own share, but is not held back by it.
    """
    if share + requests > budget.requests_per_day and not withdrawal:
        return (
            f"{budget.sync} has used its {budget.requests_per_day:,} requests of "
            f"{usage.day:%Y-%m-%d} (UTC)."
        )
    kept = budget.kept(withdrawal=withdrawal)
    left = usage.left(kept)
    if left is not None and left < requests:
        return (
            f"{budget.connection} has used {usage.used:,} of {usage.limit:,} requests, and "
            f"{kept:.0%} are kept for people and other tools."
        )
    return None


def day_of(now: datetime) -> date:
    """Return the day of an account that a moment is in."""
    return now.astimezone(UTC).date()
