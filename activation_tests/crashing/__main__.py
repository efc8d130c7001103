"""Kills real processes that deliver to the sandbox, and holds what it saw against the promises."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from activation_tests.crashing.steps import STEPS
from activation_tests.crashing.track import Findings, laid


def main() -> int:
    """Do what the command line asks; return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(
        prog="python -m activation_tests.crashing", description=__doc__
    )
    parser.add_argument("--kills", type=int, default=100, help="how many processes to kill")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="tracks, each with a sandbox"
    )
    parser.add_argument("--seed", default="0", help="what to try next is drawn from it")
    options = parser.parse_args()
    began = time.monotonic()
    found = _play(options.kills, options.jobs, options.seed)
    return _tell(found, time.monotonic() - began)


def _play(kills: int, jobs: int, seed: str) -> list[Findings]:
    context = get_context("spawn")
    news: Queue[Findings | None] = context.Queue()
    shares = [kills // jobs + (number < kills % jobs) for number in range(jobs)]
    tracks = [
        context.Process(target=_track, args=(share, f"{seed}/{number}", news))
        for number, share in enumerate(shares)
    ]
    for track in tracks:
        track.start()
    found: list[Findings] = []
    with _bar() as bar:
        task = bar.add_task("kills", total=kills)
        while len(found) < len(tracks):
            if (said := news.get()) is None:
                bar.advance(task)
            else:
                found.append(said)
    for track in tracks:
        track.join()
    return found


def _track(kills: int, seed: str, news: Queue[Findings | None]) -> None:
    """Play one track; tell of each kill, and of the findings at last."""
    with tempfile.TemporaryDirectory() as folder, laid(Path(folder), seed) as track:
        track.kill(kills, lambda: news.put(None))
        news.put(track.findings)


def _tell(found: list[Findings], seconds: float) -> int:
    kills, endings, fates = Counter[str](), Counter[str](), Counter[str]()
    for one in found:
        kills += one.kills
        endings += one.endings
        fates += one.settled
    table = Table("killed", "times", title="Kills")
    for step in (*STEPS, "at a random moment"):
        table.add_row(step, str(kills[step]))
    Console(file=sys.stdout).print(table)
    met = sum(len(one.met) for one in found)
    settled = ", ".join(f"{number} {fate}" for fate, number in fates.most_common())
    violations = [violation for one in found for violation in one.violations]
    sys.stdout.write(
        f"{kills.total()} kills in {seconds:.0f} s,"
        f" {sum(one.requests for one in found)} writes at the sandbox;"
        f" runs that were not killed: {dict(endings)}\n"
        f"{met} batches of unknown fate were met, {fates.total()} of them settled: {settled}\n"
        f"{len(violations)} violations\n"
    )
    for violation in violations:
        sys.stdout.write(f"  {violation}\n")
    return 1 if violations or fates.total() < met else 0


def _bar() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


if __name__ == "__main__":
    sys.exit(main())
