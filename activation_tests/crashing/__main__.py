"""Kills real processes that deliver to the sandbox, and holds what it saw against the promises."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from activation_tests.crashing.playing import play
from activation_tests.crashing.steps import STEPS
from activation_tests.crashing.track import RANDOM, Findings
from benchmarks.keeping import keep


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
    parser.add_argument(
        "--minutes", type=float, default=math.inf, help="stop then, with what was seen by then"
    )
    parser.add_argument(
        "--record", action="store_true", help="write what was seen to docs/benchmarks"
    )
    options = parser.parse_args()
    began = time.monotonic()
    found = _added(play(options.kills, options.jobs, options.seed, options.minutes * 60))
    seconds = time.monotonic() - began
    if options.record:
        _record(found, seconds, options.seed)
    return _tell(found, seconds)


def _added(found: list[Findings]) -> Findings:
    """Return what all tracks have come to."""
    total = Findings()
    for number, one in enumerate(found):
        total.kills += one.kills
        total.endings += one.endings
        total.met_at += one.met_at
        # Batches of two tracks may have the same name.
        total.met |= {f"{number}/{batch}" for batch in one.met}
        total.settled += one.settled
        total.requests += one.requests
        total.violations += one.violations
    return total


def _record(found: Findings, seconds: float, seed: str) -> None:
    steps = [
        {"killed": step, "times": found.kills[step], "unknown_fates": found.met_at[step]}
        for step in (*STEPS, RANDOM)
    ]
    packages = ("duckdb", "simple-salesforce", "sqlalchemy")
    keep(
        "crashes",
        steps,
        packages={package: version(package) for package in packages},
        kills=found.kills.total(),
        seconds=round(seconds),
        seed=seed,
        writes_at_the_sandbox=found.requests,
        runs_not_killed=dict(sorted(found.endings.items())),
        batches_of_unknown_fate=len(found.met),
        settled=dict(found.settled.most_common()),
        violations=found.violations,
    )


def _tell(found: Findings, seconds: float) -> int:
    table = Table("killed", "times", "left unknown", title="Kills")
    for step in (*STEPS, RANDOM):
        table.add_row(step, str(found.kills[step]), str(found.met_at[step]))
    Console(file=sys.stdout).print(table)
    met, settled = len(found.met), found.settled.total()
    fates = ", ".join(f"{number} {fate}" for fate, number in found.settled.most_common())
    sys.stdout.write(
        f"{found.kills.total()} kills in {seconds:.0f} s,"
        f" {found.requests} writes at the sandbox;"
        f" runs that were not killed: {dict(found.endings)}\n"
        f"{met} batches of unknown fate were met, {settled} of them settled: {fates}\n"
        f"{len(found.violations)} violations\n"
    )
    for violation in found.violations:
        sys.stdout.write(f"  {violation}\n")
    return 1 if found.violations or settled < met else 0


if __name__ == "__main__":
    sys.exit(main())
