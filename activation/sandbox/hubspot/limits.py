"""HubSpot's limits: 100 requests in any 10 seconds, so many a day, 5 searches a second."""

from __future__ import annotations

from collections.abc import Mapping

from activation.clock import Clock
from activation.sandbox.hubspot.errors import CallRefused, LimitReached, search_limit
from activation.sandbox.quota import DailyCounter
from activation.sandbox.state import State
from activation.sandbox.windows import RollingWindow, Window, take_all

BURST, BURST_SECONDS, OAUTH_BURST, DAILY, SEARCH = 100, 10, 110, 250_000, 5
DAILY_POLICY, BURST_POLICY = "DAILY", "TEN_SECONDLY_ROLLING"


class Limits:
    """The limits of one account, with the headers that tell of them."""

    def __init__(self, state: State, clock: Clock, system: str) -> None:
        self._daily = DailyCounter(state, clock, name=system, limit=DAILY)
        self._burst = RollingWindow(clock, limit=BURST, seconds=BURST_SECONDS)
        self._oauth = RollingWindow(clock, limit=OAUTH_BURST, seconds=BURST_SECONDS)
        self._search = RollingWindow(clock, limit=SEARCH, seconds=1)

    @property
    def windows(self) -> Mapping[str, Window]:
        """Return the limits by name, the daily one first."""
        return {
            "daily": self._daily,
            "burst": self._burst,
            "oauth_burst": self._oauth,
            "search": self._search,
        }

    @property
    def daily(self) -> DailyCounter:
        """Return the requests of the day."""
        return self._daily

    def take(self, *, oauth: bool, search: bool) -> None:
        """
        Count a request; a refused one does not count.

        An app that speaks for many accounts has no daily limit; searches have their own pace.

        Raises:
            CallRefused: one of the limits is reached.
        """
        pace: Window = self._search if search else self._oauth if oauth else self._burst
        full = take_all([pace] if oauth else [self._daily, pace])
        if full is self._daily:
            raise LimitReached(DAILY_POLICY)
        if full is self._search:
            raise search_limit()
        if full is not None:
            raise LimitReached(BURST_POLICY)

    def headers(self, *, oauth: bool, search: bool, interval: float) -> dict[str, str]:
        """Return the headers; searches carry none of a burst, OAuth none of a day."""
        told: dict[str, str] = {}
        if not oauth:
            told["X-HubSpot-RateLimit-Daily"] = str(self._daily.limit)
            told["X-HubSpot-RateLimit-Daily-Remaining"] = str(_left(self._daily))
        if not search:
            burst = self._oauth if oauth else self._burst
            # Still told, and not enforced any more.
            secondly = burst.limit // BURST_SECONDS
            told |= {
                "X-HubSpot-RateLimit-Interval-Milliseconds": str(round(interval * 1000)),
                "X-HubSpot-RateLimit-Max": str(burst.limit),
                "X-HubSpot-RateLimit-Remaining": str(_left(burst)),
                "X-HubSpot-RateLimit-Secondly": str(secondly),
                "X-HubSpot-RateLimit-Secondly-Remaining": str(max(secondly - burst.within(1), 0)),
            }
        return told


def refusal(name: str) -> CallRefused:
    """Return what a request meets that comes upon that limit."""
    return {
        "daily": lambda: LimitReached(DAILY_POLICY),
        "search": search_limit,
    }.get(name, lambda: LimitReached(BURST_POLICY))()


def _left(window: Window) -> int:
    return max(window.limit - window.used, 0)
