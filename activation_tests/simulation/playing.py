"""Plays seeds in several processes, with the engine as it is or with one of its variants."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool

from activation_tests.simulation.variants import broken
from activation_tests.simulation.world import Report, simulate

_AT_ONCE = 10


@contextmanager
def pool(jobs: int) -> Iterator[Pool]:
    """Yield processes that have done nothing yet, and end them afterwards."""
    with get_context("spawn").Pool(jobs, initializer=_settle_down) as processes:
        yield processes


def played(seeds: range, processes: Pool) -> Iterator[Report]:
    """Yield the report of each seed, as they come."""
    yield from processes.imap_unordered(simulate, seeds, chunksize=_AT_ONCE)


def caught(variant: str, seeds: range, processes: Pool) -> Report | None:
    """Return the report of the first seed that breaks a promise with this variant in place."""
    chunks = (seeds[first : first + _AT_ONCE] for first in range(0, len(seeds), _AT_ONCE))
    found = processes.imap(partial(first_caught, variant), chunks)
    return next((report for report in found if report is not None), None)


def first_caught(variant: str, seeds: range) -> Report | None:
    """Return the first report in which a promise is broken, played in this process."""
    with broken(variant):
        reports = (simulate(seed) for seed in seeds)
        return next((report for report in reports if report.violations), None)


def _settle_down() -> None:
    # A seed leaves little rubbish, and all of it young: it need not be looked for often.
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
