"""A vendor's requests of a day, kept on disk: rolling over 24 hours, or from midnight on."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from activation.clock import Clock
from activation.sandbox.state import State
from activation.sandbox.windows import Taken

_BUCKET_SECONDS = 60


class _Kept:
    """The limit of a quota, as set by hand earlier or as the vendor gives it."""

    def __init__(self, state: State, name: str, default: int) -> None:
        self._state = state
        self._name = name
        self._default = default
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS quota_limit (system TEXT PRIMARY KEY, value INTEGER)"
        )
        stored = state.rows("SELECT value FROM quota_limit WHERE system = ?", (name,))
        self.limit = int(stored[0][0]) if stored else default

    def _keep_limit(self, limit: int) -> None:
        self.limit = limit
        self._state.connection.execute(
            "INSERT OR REPLACE INTO quota_limit VALUES (?, ?)", (self._name, limit)
        )


class DailyCounter(_Kept):
    """Requests since the last midnight of an account's time zone."""

    def __init__(  # noqa: PLR0913
        self,
        state: State,
        clock: Clock,
        *,
        name: str,
        limit: int,
        zone: str = "UTC",
        midnight: time = time(0),
    ) -> None:
        """
        Read what was used before; a limit set by hand earlier wins over `limit`.

        Args:
            state: where the count is kept.
            clock: what tells the time.
            name: the count's own name in the state, such as the vendor's.
            limit: what a day allows.
            zone: the account's time zone.
            midnight: when the day begins there.
        """
        super().__init__(state, name, limit)
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._midnight = midnight
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS quota_day"
            " (name TEXT PRIMARY KEY, begins REAL, used INTEGER)"
        )
        stored = state.rows("SELECT begins, used FROM quota_day WHERE name = ?", (name,))
        self._begins, self._count = (float(stored[0][0]), int(stored[0][1])) if stored else (0.0, 0)
        self._ends = 0.0

    def _roll(self) -> float:
        """Begin a new day if it is time; return the time."""
        now = self._clock.now().timestamp()
        if not self._begins <= now < self._ends:
            begins, self._ends = self._day(now)
            if begins != self._begins:
                self._begins, self._count = begins, 0
        return now

    def _day(self, now: float) -> tuple[float, float]:
        local = datetime.fromtimestamp(now, self._zone)
        date = local.date()
        if local.time() < self._midnight:
            date -= timedelta(days=1)
        days = (date, date + timedelta(days=1))
        # By way of UTC: a day in which the clocks change has 23 or 25 hours.
        begins, ends = (
            datetime.combine(day, self._midnight, self._zone).astimezone(UTC) for day in days
        )
        return begins.timestamp(), ends.timestamp()

    @property
    def used(self) -> int:
        """Return the requests of the day."""
        self._roll()
        return self._count

    def resets_in(self) -> float:
        """Return the seconds until midnight."""
        now = self._roll()
        return self._ends - now

    def take(self) -> Taken:
        """Count one request if the day allows it."""
        resets_in = self.resets_in()
        granted = self._count < self.limit
        if granted:
            self._keep(self._count + 1)
        return Taken(granted, self.limit, max(self.limit - self._count, 0), resets_in)

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or what counts as used today, or both."""
        self._roll()
        if limit is not None:
            self._keep_limit(limit)
        if used is not None:
            self._keep(used)

    def reset(self) -> None:
        """Return to the default limit with nothing used."""
        self.set(limit=self._default, used=0)

    def _keep(self, count: int) -> None:
        self._count = count
        self._state.connection.execute(
            "INSERT OR REPLACE INTO quota_day VALUES (?, ?, ?)", (self._name, self._begins, count)
        )


class RollingPool(_Kept):
    """Requests used in the last `window_seconds`, counted by the minute."""

    def __init__(
        self, state: State, clock: Clock, *, system: str, limit: int, window_seconds: int
    ) -> None:
        """Read what was used before; a limit set by hand earlier wins over `limit`."""
        super().__init__(state, system, limit)
        self._clock = clock
        self._system = system
        self._window = window_seconds
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS quota_used"
            " (system TEXT, minute INTEGER, used INTEGER, PRIMARY KEY (system, minute))"
        )
        self._buckets: deque[tuple[int, int]] = deque(
            state.rows(
                "SELECT minute, used FROM quota_used WHERE system = ? ORDER BY minute", (system,)
            )
        )
        self._sum = sum(used for _, used in self._buckets)

    def _minute(self) -> int:
        return int(self._clock.now().timestamp()) // _BUCKET_SECONDS

    @property
    def used(self) -> int:
        """Return the requests of the window."""
        oldest = self._minute() - self._window // _BUCKET_SECONDS
        expired = False
        while self._buckets and self._buckets[0][0] <= oldest:
            self._sum -= self._buckets.popleft()[1]
            expired = True
        if expired:
            self._state.connection.execute(
                "DELETE FROM quota_used WHERE system = ? AND minute <= ?", (self._system, oldest)
            )
        return self._sum

    def resets_in(self) -> float:
        """Return the seconds until the oldest requests drop out; they do so by the minute."""
        if not self.used:
            return 0.0
        drops = self._buckets[0][0] * _BUCKET_SECONDS + self._window
        return drops - self._clock.now().timestamp()

    def take(self) -> Taken:
        """Count one request if the pool is not empty."""
        if self.used >= self.limit:
            return Taken(granted=False, limit=self.limit, left=0, resets_in=self.resets_in())
        minute = self._minute()
        count = 1
        if self._buckets and self._buckets[-1][0] == minute:
            count += self._buckets.pop()[1]
        self._buckets.append((minute, count))
        self._sum += 1
        self._state.connection.execute(
            "INSERT OR REPLACE INTO quota_used VALUES (?, ?, ?)", (self._system, minute, count)
        )
        return Taken(True, self.limit, self.limit - self._sum, self.resets_in())  # noqa: FBT003

    def set(self, *, limit: int | None = None, used: int | None = None) -> None:
        """Set the limit, or what counts as used from now on, or both."""
        with self._state.transaction() as connection:
            if limit is not None:
                self._keep_limit(limit)
            if used is not None:
                minute = self._minute()
                self._buckets = deque([(minute, used)])
                self._sum = used
                connection.execute("DELETE FROM quota_used WHERE system = ?", (self._system,))
                connection.execute(
                    "INSERT INTO quota_used VALUES (?, ?, ?)", (self._system, minute, used)
                )

    def reset(self) -> None:
        """Return to the default limit with nothing used."""
        self.set(limit=self._default, used=0)
