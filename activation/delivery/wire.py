"""The wire of production: a small pool of threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

_BESIDE_REQUESTS = 3  # one reads actions, one writes the ledger, one asks for consent


class ThreadWire:
    """Runs each blocking call in a thread of its own pool, as many at once as there are."""

    def __init__(self, *, requests: int) -> None:
        """Make room for that many requests at once, and for what goes on beside them."""
        self._pool = ThreadPoolExecutor(
            max_workers=requests + _BESIDE_REQUESTS, thread_name_prefix="activation-wire"
        )

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns, or raise what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(wait=True)
