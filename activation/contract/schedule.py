"""When a cron schedule is due, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta

_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
}


def last_due(schedule: str, now: datetime) -> datetime:
    """Return the last time up to `now` at which a schedule was due."""
    from cronsim import CronSim

    # Backwards, cronsim begins strictly before.
    after = now + timedelta(seconds=1)
    return next(CronSim(_NAMED.get(schedule, schedule), after, reverse=True))


def next_due(schedule: str, now: datetime) -> datetime:
    """Return the first time after `now` at which a schedule is due."""
    from cronsim import CronSim

    return next(CronSim(_NAMED.get(schedule, schedule), now))
