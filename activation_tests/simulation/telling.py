"""How a seed that broke a promise is told, and which seeds once did."""

from __future__ import annotations

from pathlib import Path

from activation_tests.simulation.world import Report

_CORPUS = Path(__file__).with_name("corpus.txt")
_LINES = 40


def corpus() -> list[int]:
    """Return the seeds that once broke a promise."""
    lines = (line.partition("#")[0].strip() for line in _CORPUS.read_text().splitlines())
    return [int(line) for line in lines if line]


def told(report: Report) -> str:
    """Return what was broken, how it came to that, and how to see it again."""
    return "\n".join(
        [
            f"seed {report.seed} broke {len(report.violations)} promises:",
            *(f"  {violation}" for violation in report.violations),
            "the end of its trace:",
            *(f"  {line}" for line in report.tail[-_LINES:]),
            f"all of it: python -m activation_tests.simulation --seed {report.seed}",
        ]
    )
