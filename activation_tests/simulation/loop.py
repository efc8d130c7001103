"""An event loop whose time is virtual: when nobody can go on, it is the next sleeper's turn."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_RESOLUTION = 1e-6  # sums of floats fall short of a sum; nobody sleeps a microsecond


class StuckError(RuntimeError):
    """Everybody waits for somebody else."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks in a fixed order, without selector, socket, thread or real clock."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._seconds

    def _run_once(self) -> None:
        """Run what is ready, or jump to the next sleeper if nothing is; nothing else can happen."""
        ready, scheduled = self._ready, self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not ready and not self._stopping:
            if not scheduled:
                message = "everybody waits for somebody else"
                raise StuckError(message)
            self._seconds = max(self._seconds, scheduled[0]._when)
        due = self._seconds + _RESOLUTION
        while scheduled and scheduled[0]._when < due:
            handle = heapq.heappop(scheduled)
            handle._scheduled = False
            ready.append(handle)
        for _ in range(len(ready)):
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

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
