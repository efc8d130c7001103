"""An event loop whose time is virtual: when nobody can go on, it is the next sleeper's turn."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_RESOLUTION = 1e-6  # sums of floats fall short of a sum; nobody sleeps a microsecond


class StuckError(RuntimeError):
    """Everybody waits for somebody else."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks in a fixed order, without selector, socket, thread or real clock."""

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0
        self._selector = self
        self._clock_resolution = _RESOLUTION

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Jump to the next sleeper instead of waiting for it."""
        if timeout is None:
            message = "everybody waits for somebody else"
            raise StuckError(message)
        self._seconds += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        """Do nothing: nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Do nothing: nobody sleeps for real."""


def run(loop: VirtualLoop, work: Coroutine[Any, Any, T]) -> T:
    """Run to the end of `work`, and end what is left over then."""
    task = loop.create_task(work)
    try:
        return loop.run_until_complete(task)
    finally:
        left = [other for other in asyncio.all_tasks(loop) if not other.done()]
        for other in left:
            other.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
