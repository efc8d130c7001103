"""Plays many seeds on all cores, or one of them line by line."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from activation_tests.simulation.playing import caught, played, pool
from activation_tests.simulation.rarities import REQUIRED
from activation_tests.simulation.telling import told
from activation_tests.simulation.variants import VARIANTS
from activation_tests.simulation.world import Report, simulate

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
        return _variants(seeds, options.jobs)
    return _many(seeds, options.jobs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m activation_tests.simulation", description=__doc__
    )
    parser.add_argument("--seeds", type=int, default=1000, help="how many to play")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes to play them in"
    )
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
    with pool(jobs) as processes, _bar() as bar:
        task = bar.add_task("seeds", total=len(seeds))
        for report in played(seeds, processes):
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
        f" {len(seeds) / seconds:.1f} seeds/s in {jobs} processes,"
        f" {len(seeds) / _cpu_seconds():.1f} seeds a CPU second;"
        f" {len(failed)} broke a promise: {[report.seed for report in failed]}\n"
    )
    return 1 if failed or never else 0


def _cpu_seconds() -> float:
    """Return the processor time of the processes that have ended: other work does not count."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


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


def _variants(seeds: range, jobs: int) -> int:
    survivors = 0
    for name in VARIANTS:
        # A pool of its own: what is still being played of the last variant is of no use.
        with pool(jobs) as processes:
            report = caught(name, seeds, processes)
        if report is None:
            survivors += 1
            sys.stdout.write(f"{name:45} survives {len(seeds)} seeds\n")
        else:
            sys.stdout.write(f"{name:45} {report.seed:6} {report.violations[0]}\n")
        sys.stdout.flush()
    return 1 if survivors else 0


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
