"""Plays many seeds on all cores, or one of them line by line."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from multiprocessing import get_context

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from activation_tests.simulation.rarities import REQUIRED
from activation_tests.simulation.telling import told
from activation_tests.simulation.variants import VARIANTS, broken
from activation_tests.simulation.world import Report, simulate

_CHUNK = 10
_LEAST = 0.01
_TOLD = 5


def main() -> int:
    """Do what the command line asks; return 1 if a promise was broken or a state not reached."""
    options = _options()
    if options.seed is not None:
        return _one(options.seed)
    seeds = range(options.first, options.first + options.seeds)
    if options.digests:
        for seed in seeds:
            sys.stdout.write(f"{seed} {simulate(seed).digest}\n")
        return 0
    if options.variants:
        return _variants(seeds)
    return _many(seeds, options.jobs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m activation_tests.simulation", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--jobs", type=int, default=1, help="processes to play them in")
    parser.add_argument("--seed", type=int, help="play this one and print all of its trace")
    parser.add_argument("--digests", action="store_true", help="print the digest of each trace")
    parser.add_argument(
        "--variants", action="store_true", help="play the broken engines until each is caught"
    )
    return parser.parse_args()


def _one(seed: int) -> int:
    report = simulate(seed, keep_all=True)
    for line in (*report.tail, *report.violations, f"digest {report.digest}"):
        sys.stdout.write(line + "\n")
    return 1 if report.violations else 0


def _many(seeds: range, jobs: int) -> int:
    started = time.perf_counter()
    seen: Counter[str] = Counter()
    failed: list[Report] = []
    requests = 0
    with _bar() as bar:
        task = bar.add_task("seeds", total=len(seeds))
        for report in _played(seeds, jobs):
            seen.update(report.states)
            requests += report.requests
            if report.violations:
                failed.append(report)
            bar.advance(task)
    seconds = time.perf_counter() - started
    failed.sort(key=lambda report: report.seed)
    for report in failed[:_TOLD]:
        sys.stdout.write(told(report) + "\n\n")
    never = _table(seen, len(seeds))
    sys.stdout.write(
        f"{len(seeds)} seeds, {requests} requests, {seconds:.0f} s,"
        f" {len(seeds) / seconds:.1f} seeds/s; {len(failed)} broke a promise:"
        f" {[report.seed for report in failed]}\n"
    )
    return 1 if failed or never else 0


def _played(seeds: range, jobs: int) -> Iterator[Report]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(simulate, seeds, chunksize=_CHUNK)


def _table(seen: Counter[str], seeds: int) -> list[str]:
    """Print how often each state was reached; return those that were reached too seldom."""
    table = Table("state", "share of seeds", title="Sometimes")
    for state, times in sorted(seen.items(), key=lambda item: -item[1]):
        table.add_row(state, f"{times / seeds:.1%}")
    never = [state for state in REQUIRED if seen[state] < seeds * _LEAST]
    for state in never:
        table.add_row(state, f"{seen[state] / seeds:.1%}: too seldom", style="red")
    Console(file=sys.stdout).print(table)
    return never


def _variants(seeds: Iterable[int]) -> int:
    survivors = 0
    for name in VARIANTS:
        with broken(name):
            caught = next((r for seed in seeds if (r := simulate(seed)).violations), None)
        if caught is None:
            survivors += 1
            sys.stdout.write(f"{name:45} survives\n")
        else:
            sys.stdout.write(f"{name:45} {caught.seed:6} {caught.violations[0]}\n")
        sys.stdout.flush()
    return 1 if survivors else 0


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
