"""A vendor's pool of requests over a rolling window, kept on disk."""

from __future__ import annotations

from collections import deque

from activation.clock import Clock
from activation.sandbox.state import State

_BUCKET_SECONDS = 60


class RollingPool:
    """Requests used in the last `window_seconds`, counted by the minute."""

    def __init__(
        self, state: State, clock: Clock, *, system: str, limit: int, window_seconds: int
    ) -> None:
        """Read what was used before; a limit set by hand earlier wins over `limit`."""
        self._state = state
        self._clock = clock
        self._system = system
        self._window = window_seconds
        self._default = limit
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS quota_used"
            " (system TEXT, minute INTEGER, used INTEGER, PRIMARY KEY (system, minute))"
        )
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS quota_limit (system TEXT PRIMARY KEY, value INTEGER)"
        )
        stored = state.rows("SELECT value FROM quota_limit WHERE system = ?", (system,))
        self.limit = int(stored[0][0]) if stored else limit
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

    def take(self) -> bool:
        """Count one request, or return False if the pool is empty."""
        if self.used >= self.limit:
            return False
        minute = self._minute()
        count = 1
        if self._buckets and self._buckets[-1][0] == minute:
            count += self._buckets.pop()[1]
        self._buckets.append((minute, count))
        self._sum += 1
        self._state.connection.execute(
            "INSERT OR REPLACE INTO quota_used VALUES (?, ?, ?)", (self._system, minute, count)
        )
        return True

    def set(self, *, limit: int | None, used: int | None) -> None:
        """Set the limit, or what counts as used from now on, or both."""
        with self._state.transaction() as connection:
            if limit is not None:
                self.limit = limit
                connection.execute(
                    "INSERT OR REPLACE INTO quota_limit VALUES (?, ?)", (self._system, limit)
                )
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
