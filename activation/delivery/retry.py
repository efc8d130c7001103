"""How often and how long the same bytes are sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from activation.contract.model import Replay


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounded attempts within bounded time, with waits in seconds."""

    attempts: int
    within: float
    first_wait: float
    longest_wait: float

    @classmethod
    def of(cls, replay: Replay) -> Self:
        """Return the patience that a contract asks for."""
        return cls(
            attempts=replay.attempts,
            within=replay.within.total_seconds(),
            first_wait=replay.first_wait.total_seconds(),
            longest_wait=replay.longest_wait.total_seconds(),
        )

    def wait(
        self,
        *,
        tries: int,
        elapsed: float,
        retry_after: float | None,
        randomness: random.Random,
    ) -> float | None:
        """
        Return the seconds to wait after `tries` attempts, or None if there is no further one.

        The wait is drawn evenly between nothing and a ceiling that doubles each time (full
        jitter), so that batches that failed together do not come back together.
        What the vendor asks for in `retry_after` is the least.
        """
        if tries >= self.attempts:
            return None
        ceiling = min(self.longest_wait, self.first_wait * 2 ** (tries - 1))
        wait = max(randomness.uniform(0, ceiling), retry_after or 0)
        return wait if elapsed + wait <= self.within else None
