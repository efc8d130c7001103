"""What the account and some of its endpoints allow, and the headers that tell of it."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from activation.sandbox.quirks import Quirks
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import Concurrency, FixedWindow, PerKey, RollingWindow, Window
from activation.sandbox.zendesk.account import Account
from activation.sandbox.zendesk.errors import CallRefused
from activation.sandbox.zendesk.quirks import PLAIN_TEXT_LIMITS, TOO_MANY_JOBS_STATUS

MINUTE = 60.0
MOST_JOBS = 30
_A_USER_A_MINUTE = 5
_MINUTE_TEXT = "Number of allowed API requests per minute exceeded"

_ENDPOINTS = {"exports": "incremental-exports", "search_exports": "search-export"}
"""The limits of endpoints that have a header of their own, and what stands in its name."""


class Limits:
    """
    Windows that begin with the minute, as recorded: a refused call was told the rest of it.

    The account's headers know nothing of an endpoint's own limit, which was recorded too.
    """

    def __init__(self, surroundings: Surroundings, account: Account, quirks: Quirks) -> None:
        clock = surroundings.clock
        self._surroundings = surroundings
        self._account = account
        self._quirks = quirks
        self.minute = FixedWindow(clock, limit=account.requests_a_minute, seconds=MINUTE)
        self.jobs = Concurrency(limit=MOST_JOBS)
        self.windows: Mapping[str, Window] = {
            "minute": self.minute,
            "jobs": self.jobs,
            # "Create Or Update User": one a second for the account, updates included.
            "single_writes": RollingWindow(clock, limit=1, seconds=1.0),
            "exports": FixedWindow(clock, limit=account.exports_a_minute, seconds=MINUTE),
            "search_exports": FixedWindow(clock, limit=100, seconds=MINUTE),
            "permanent_deletions": FixedWindow(clock, limit=700, seconds=10 * MINUTE),
        }
        self._users = PerKey(lambda: FixedWindow(clock, limit=_A_USER_A_MINUTE, seconds=MINUTE))
        self._organizations = PerKey(
            lambda: FixedWindow(clock, limit=_A_USER_A_MINUTE, seconds=MINUTE)
        )

    def follow_account(self) -> None:
        """Take over what the account's plan allows now."""
        self.minute.set(limit=self._account.requests_a_minute)
        self.windows["exports"].set(limit=self._account.exports_a_minute)

    def admit(self) -> None:
        """
        Count a call against the account's minute.

        Raises:
            CallRefused: 429.
        """
        if not self.minute.take().granted:
            raise self.refusal("minute")

    def take(self, name: str) -> None:
        """
        Count a call against an endpoint's limit.

        Raises:
            CallRefused: 429.
        """
        if not self.windows[name].take().granted:
            raise self.refusal(name)

    def touch_user(self, user: int) -> None:
        """
        Count an update of a user by itself.

        Raises:
            CallRefused: 429.
        """
        window = self._users.of(str(user))
        if not window.take().granted:
            raise self.refusal("user", window.resets_in())

    def touch_organization(self, organization: int) -> None:
        """
        Count an update of an organization by itself.

        Raises:
            CallRefused: 429.
        """
        window = self._organizations.of(str(organization))
        if not window.take().granted:
            raise self.refusal("organization", window.resets_in())

    def refusal(self, name: str, seconds: float | None = None, jobs: object = ()) -> CallRefused:
        """Return the 429 of a limit."""
        if name == "jobs":
            text = "Too many jobs are currently queued or running. Try again later."
            body = {"error": "TooManyJobs", "description": text, "current_job_ids": jobs}
            status = int(self._quirks.number(TOO_MANY_JOBS_STATUS))
            # A job's own length is the best that is known of when one will be free.
            return CallRefused(status, body, retry_after=self._surroundings.told(1.0))
        if seconds is None:
            window = self.windows.get(name)
            seconds = MINUTE if window is None else window.resets_in()
        wait = self._surroundings.told(seconds)
        if name == "organization":
            # The published description of "Update Organization".
            told = {"code": "TooManyRequests", "title": "Too many requests to update"}
            return CallRefused(429, {"errors": [told]}, retry_after=wait)
        text = _MINUTE_TEXT
        if name in ("user", "single_writes"):
            # Recorded, the blanks as well.
            text = (
                "You have exceeded the rate limit for updating a single unique user. "
                "user email:  id:  external_id: "
            )
        if self._quirks.on(PLAIN_TEXT_LIMITS):
            return CallRefused(429, text, text=True, retry_after=wait)
        return CallRefused(
            429, {"error": "APIRateLimitExceeded", "description": text}, retry_after=wait
        )

    def tell(self, answer: Response, endpoint: str | None = None) -> None:
        """Put the headers of the account's minute, and of one endpoint's limit, on an answer."""
        minute = self.minute
        left = max(minute.limit - minute.used, 0)
        headers = answer.headers
        headers["X-Rate-Limit"] = headers["ratelimit-limit"] = str(minute.limit)
        headers["X-Rate-Limit-Remaining"] = headers["ratelimit-remaining"] = str(left)
        headers["ratelimit-reset"] = self._seconds(minute.resets_in())
        if endpoint in _ENDPOINTS:
            window = self.windows[endpoint]
            headers[f"zendesk-ratelimit-{_ENDPOINTS[endpoint]}"] = self._told(
                window, window.resets_in()
            )
        elif endpoint == "jobs":
            headers["zendesk-ratelimit-inflight-jobs"] = self._told(self.jobs, MINUTE)

    def _told(self, window: Window, resets: float) -> str:
        left = max(window.limit - window.used, 0)
        return f"total={window.limit}; remaining={left}; resets={self._seconds(resets)}"

    def _seconds(self, seconds: float) -> str:
        return str(max(1, round(self._surroundings.told(seconds))))

    def reset(self) -> None:
        """Forget what was counted for each user and organization."""
        self._users.reset()
        self._organizations.reset()
        self.follow_account()
