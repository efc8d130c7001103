"""
When a backlog will be done: eventual delivery is a promise with a date.

What a day cannot hold stays planned and goes out on the days after.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from activation.governor.budget import Budget, Usage, day_of

_LONGEST_DAYS = 3650
"""A date further away than that is none."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What an account's days hold for one sync, and when its backlog will be done."""

    used: int
    """Requests that the sync has taken today."""
    reserved: int
    """Requests of the account that are about to leave, or not answered yet."""
    allowed: int
    """What the contract allows a day."""
    left: int
    """What the sync may still take today."""
    account_used: int
    account_limit: int | None
    account_left: int | None
    """What is left to us of the account's day, without what is kept for people."""
    requests: int
    """The backlog."""
    done_at: datetime | None
    """At the earliest, with a run always under way; None if it cannot be foreseen."""
    days: int | None
    """The days that it takes, today among them."""


def outlook(  # noqa: PLR0913 - each is named
    usage: Usage,
    share: int,
    budget: Budget,
    *,
    requests: int,
    per_second: float,
    now: datetime,
) -> Outlook:
    """
    Return how a sync stands and when so many requests of it will be done.

    Args:
        usage: what is known of the account's day.
        share: what the sync has taken of it.
        budget: what the sync may take.
        requests: those that wait.
        per_second: how many the vendor's paces let out.
        now: the time.
    """
    account_left = usage.left(budget.headroom)
    left = max(0, budget.requests_per_day - share)
    if account_left is not None:
        left = min(left, account_left)
    end = done_at(requests, left=left, a_day=_a_day(usage, budget), per_second=per_second, now=now)
    return Outlook(
        used=share,
        reserved=usage.under_way,
        allowed=budget.requests_per_day,
        left=left,
        account_used=usage.used,
        account_limit=usage.limit,
        account_left=account_left,
        requests=requests,
        done_at=end,
        days=None if end is None else (day_of(end) - day_of(now)).days + bool(requests),
    )


def done_at(
    requests: int, *, left: int, a_day: int, per_second: float, now: datetime
) -> datetime | None:
    """Return when so many requests are done that today holds `left` of, and later days `a_day`."""
    if requests <= left:
        return now + timedelta(seconds=requests / per_second)
    if a_day <= 0:
        return None
    days, last = divmod(requests - left - 1, a_day)
    if days > _LONGEST_DAYS:
        return None
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # What is over a day's pace runs into the next one; the vendor's pace is rarely that slow.
    return midnight + timedelta(days=1 + days, seconds=(last + 1) / per_second)


def _a_day(usage: Usage, budget: Budget) -> int:
    """Return what a later day holds, if others take as much as they have taken today."""
    if usage.limit is None:
        return budget.requests_per_day
    ours = int(usage.limit * (1 - budget.headroom)) - usage.elsewhere
    return min(budget.requests_per_day, ours)
