"""Plays seeds in several processes, with the engine as it is or with one of its variants."""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from types import TracebackType
from typing import Self, TypeVar

from activation_tests.simulation.stage import DISORDER
from activation_tests.simulation.variants import broken
from activation_tests.simulation.world import Report, simulate

T = TypeVar("T")

_TOGETHER = 20
"""Seeds that are handed to a process at once."""


@dataclass(frozen=True, slots=True)
class Score:
    """What came of some seeds."""

    seeds: int
    requests: int
    states: Counter[str]
    """Seeds that came through each rare state."""
    broke: tuple[Report, ...]
    """The reports of those in which a promise was broken."""


class Players:
    """Processes that play seeds; what comes of them comes in the order of the seeds."""

    def __init__(self, jobs: int) -> None:
        self._ahead = 4 * jobs
        self._pool = ProcessPoolExecutor(
            jobs, mp_context=get_context("spawn"), initializer=_settle_down
        )

    def play(self, seeds: range) -> Iterator[Score]:
        """Yield what came of the seeds, some at a time."""
        return self._each(play, seeds)

    def caught(self, variant: str, seeds: range) -> Report | None:
        """Return the report of the first seed that breaks a promise with this variant in place."""
        found = self._each(partial(first_caught, variant), seeds)
        return next((report for report in found if report is not None), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _each(self, task: Callable[[range], T], seeds: range) -> Iterator[T]:
        """Yield the results of a task; not many are begun before they are wanted."""
        begun: deque[Future[T]] = deque()
        try:
            for some in _parts(seeds):
                begun.append(self._pool.submit(task, some))
                if len(begun) > self._ahead:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for left in begun:
                left.cancel()


def play(seeds: range) -> Score:
    """Return what came of these seeds, played in this process."""
    states: Counter[str] = Counter()
    requests, broke = 0, []
    for seed in seeds:
        report = simulate(seed)
        states.update(report.states)
        requests += report.requests
        if report.violations:
            broke.append(report)
    return Score(len(seeds), requests, states, tuple(broke))


def first_caught(variant: str, seeds: range) -> Report | None:
    """
    Return the first report in which a promise is broken, played in this process.

    A foreign exception alone does not count: it may come of the patch, which then breaks nothing.
    """
    with broken(variant):
        reports = (simulate(seed) for seed in seeds)
        return next((report for report in reports if _breaks_a_promise(report)), None)


def _breaks_a_promise(report: Report) -> bool:
    return any(not violation.startswith(DISORDER) for violation in report.violations)


def _parts(seeds: range) -> Iterable[range]:
    return (seeds[first : first + _TOGETHER] for first in range(0, len(seeds), _TOGETHER))


def _settle_down() -> None:
    # A seed leaves little rubbish, and all of it young: it need not be looked for often.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
