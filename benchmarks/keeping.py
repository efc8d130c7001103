"""Figures as data under docs/benchmarks/, with what they were measured on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

_OUT = Path(__file__).parent.parent / "docs" / "benchmarks"


def keep(
    name: str, rows: Sequence[Mapping[str, object]], *, by: str | None = None, **more: object
) -> None:
    """
    Write the rows of one benchmark, and what else was measured with them, into its file.

    With `by`, rows that are there stay, but for those that say the same of it.
    """
    _OUT.mkdir(parents=True, exist_ok=True)
    path = _OUT / f"{name}.json"
    if by is not None and path.exists():
        fresh = {row[by] for row in rows}
        there = [row for row in json.loads(path.read_text())["rows"] if row[by] not in fresh]
        rows = sorted([*there, *rows], key=lambda row: str(row[by]))
    path.write_text(json.dumps(measured(rows, **more), indent=2) + "\n")


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
