from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activation.ledger import Ledger, open_ledger


class StandingClock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.at = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the wall clock."""
        return self.at

    def monotonic(self) -> float:
        """Return seconds since the epoch."""
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.at += timedelta(seconds=seconds)

    def later(self, **span: float) -> None:
        """Move on."""
        self.at += timedelta(**span)


@pytest.fixture
def clock() -> StandingClock:
    """Return a clock that stands still."""
    return StandingClock()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a SQLite file that does not exist yet, in a folder that does not either."""
    return f"sqlite:///{tmp_path}/home/ledger.db"


@pytest.fixture
def ledger(url: str, clock: StandingClock) -> Iterator[Ledger]:
    """Return an empty ledger."""
    with open_ledger(url, clock) as opened:
        yield opened
