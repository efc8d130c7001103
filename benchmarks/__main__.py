"""Measures, prints tables of ratios, and writes them to docs/benchmarks/."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import quota

_OUT = Path(__file__).parent.parent / "docs" / "benchmarks"


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
    _keep("quota", used)
    return 1 if any(row["refused"] for row in used) else 0


def _keep(name: str, rows: list[dict[str, object]]) -> None:
    _OUT.mkdir(parents=True, exist_ok=True)
    told = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "rows": rows,
    }
    (_OUT / f"{name}.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
