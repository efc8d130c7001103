"""Measures, prints tables of ratios, and writes them to docs/benchmarks/."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.table import Table

from benchmarks import quota
from benchmarks.keeping import keep


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--requests", type=int, default=600, help="requests of each setting")
    options = parser.parse_args()
    used = quota.table(options.requests)
    shown = Table(title="Share of 100 requests in 10 s, and requests beyond it")
    for column in used[0]:
        shown.add_column(column)
    for row in used:
        shown.add_row(*(str(value) for value in row.values()))
    Console(file=sys.stdout).print(shown)
    keep("quota", used)
    return 1 if any(row["refused"] for row in used) else 0


if __name__ == "__main__":
    sys.exit(main())
