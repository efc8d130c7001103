"""Plays many seeds on all cores, or one of them line by line, or engines with a defect each."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections import Counter

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from activation_tests.simulation.figures import Catch, Figures, cpu_seconds
from activation_tests.simulation.playing import Players
from activation_tests.simulation.telling import told
from activation_tests.simulation.variants import VARIANTS
from activation_tests.simulation.world import Report, simulate
from benchmarks.keeping import keep, measured

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
        return _variants(seeds, options)
    return _many(seeds, options)


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
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop after so many, and tell of what was"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")
    parser.add_argument("--record", action="store_true", help="write them into docs/benchmarks")
    return parser.parse_args()


def _one(seed: int) -> int:
    report = simulate(seed, keep_all=True)
    for line in (*report.tail, *report.violations, f"digest {report.digest}"):
        sys.stdout.write(line + "\n")
    return 1 if report.violations else 0


def _many(seeds: range, options: argparse.Namespace) -> int:
    started = time.perf_counter()
    seen: Counter[str] = Counter()
    failed: list[Report] = []
    requests = done = 0
    with Players(options.jobs) as players, _bar() as bar:
        task = bar.add_task("seeds", total=len(seeds))
        for score in players.play(seeds):
            seen.update(score.states)
            requests += score.requests
            failed += score.broke
            bar.advance(task, score.seeds)
            done += score.seeds
            if time.perf_counter() - started > options.minutes * 60:
                break
    figures = Figures(
        seeds=done,
        first=seeds.start,
        processes=options.jobs,
        seconds=time.perf_counter() - started,
        cpu_seconds=cpu_seconds(),
        requests=requests,
        broke=tuple(report.seed for report in failed),
        seen=seen,
    )
    for report in failed[:_TOLD]:
        sys.stderr.write(told(report) + "\n\n")
    if options.record:
        keep("simulation", figures.shares(), **figures.totals())
    if options.json:
        _print_json(measured(figures.shares(), **figures.totals()))
    else:
        _print_shares(figures)
        sys.stdout.write(figures.said() + "\n")
    return 1 if failed or figures.seldom() else 0


def _variants(seeds: range, options: argparse.Namespace) -> int:
    with Players(options.jobs) as players, _bar() as bar:
        catches = [
            Catch.of(name, seeds, players.caught(name, seeds))
            for name in bar.track(VARIANTS, description="variants")
        ]
    rows = [catch.row() for catch in catches]
    if options.record:
        keep("simulation_variants", rows, seeds=len(seeds), first=seeds.start)
    if options.json:
        _print_json(measured(rows, seeds=len(seeds), first=seeds.start))
    else:
        _print_catches(catches)
    return 1 if any(catch.seeds is None for catch in catches) else 0


def _print_json(figures: dict[str, object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")


def _print_shares(figures: Figures) -> None:
    """Print how often each state was reached; those that were reached too seldom in red."""
    table = Table("state", "share of seeds", title="Sometimes")
    seldom = figures.seldom()
    for row in figures.shares():
        style = "red" if row["state"] in seldom else None
        table.add_row(str(row["state"]), f"{row['share']:.2%}", style=style)
    Console(file=sys.stdout).print(table)


def _print_catches(catches: list[Catch]) -> None:
    table = Table("variant", "seeds", "broken promise", title="Engines with one defect each")
    for catch in catches:
        seeds = "none" if catch.seeds is None else str(catch.seeds)
        table.add_row(catch.variant, seeds, catch.promise, style=None if catch.seeds else "red")
    Console(file=sys.stdout).print(table)


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
