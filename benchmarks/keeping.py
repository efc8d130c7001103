"""Figures as data under docs/benchmarks/, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

_OUT = Path(__file__).parent.parent / "docs" / "benchmarks"


def keep(name: str, rows: Sequence[Mapping[str, object]], **more: object) -> None:
    """Write the rows of one benchmark, and what else was measured with them, into its file."""
    _OUT.mkdir(parents=True, exist_ok=True)
    (_OUT / f"{name}.json").write_text(json.dumps(measured(rows, **more), indent=2) + "\n")


def renew(name: str, row: Mapping[str, object], *, by: str) -> None:
    """Put one row into the file of a benchmark, in place of the one that says the same of `by`."""
    path = _OUT / f"{name}.json"
    there = json.loads(path.read_text())["rows"] if path.exists() else []
    others = [other for other in there if other[by] != row[by]]
    keep(name, sorted([*others, row], key=lambda one: str(one[by])))


def measured(rows: Sequence[Mapping[str, object]], **more: object) -> dict[str, object]:
    """Return figures together with when and on what they were measured."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        **more,
        "rows": list(rows),
    }
