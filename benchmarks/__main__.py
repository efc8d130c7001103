"""Measures, prints tables of ratios, and writes them to docs/benchmarks/."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from benchmarks import processor, quota
from benchmarks.keeping import keep

_WHAT = ("processor", "quota")


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--requests", type=int, default=600, help="requests of each setting")
    parser.add_argument("--rows", type=int, default=20_000, help="rows of the dearest comparison")
    parser.add_argument("--what", nargs="+", choices=_WHAT, default=_WHAT)
    options = parser.parse_args()
    refused = False
    if "processor" in options.what:
        cost = processor.table(options.rows)
        _show("Processor time of a delivered row", cost)
        packages = ("hubspot-api-client", "orjson", "pyarrow", "simple-salesforce", "sqlalchemy")
        keep("processor", cost, packages={package: version(package) for package in packages})
    if "quota" in options.what:
        used = quota.table(options.requests)
        _show("Share of 100 requests in 10 s, and requests beyond it", used)
        keep("quota", used)
        refused = any(row["refused"] for row in used)
    return 1 if refused else 0


def _show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    shown = Table(title=title)
    for column in rows[0]:
        shown.add_column(column)
    for row in rows:
        shown.add_row(*(str(value) for value in row.values()))
    Console(file=sys.stdout).print(shown)


if __name__ == "__main__":
    sys.exit(main())
