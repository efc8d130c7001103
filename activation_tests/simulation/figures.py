"""What playing many seeds came to: speed, shares of the rare states, and who was caught."""

from __future__ import annotations

import resource
import sqlite3
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from activation_tests.simulation.rarities import REQUIRED
from activation_tests.simulation.world import Report

LEAST = 0.01
"""The share of the seeds in which each rare state must occur."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of many seeds."""

    seeds: int
    first: int
    processes: int
    seconds: float
    cpu_seconds: float
    requests: int
    broke: tuple[int, ...]
    """The seeds in which a promise was broken."""
    seen: Counter[str]
    """Seeds that came through each rare state."""

    def shares(self) -> list[dict[str, object]]:
        """Return the share of seeds in which each state occurred, the most frequent first."""
        states = {*self.seen, *REQUIRED}
        counted = sorted(states, key=lambda state: (-self.seen[state], state))
        return [{"state": s, "share": round(self.seen[s] / self.seeds, 5)} for s in counted]

    def seldom(self) -> list[str]:
        """Return the states that must occur and hardly ever did."""
        return [state for state in REQUIRED if self.seen[state] < self.seeds * LEAST]

    def totals(self) -> dict[str, object]:
        """Return the numbers of the whole, and what it was played with."""
        return {
            "sqlalchemy": version("sqlalchemy"),
            "sqlite": sqlite3.sqlite_version,
            "pyarrow": version("pyarrow"),
            "seeds": self.seeds,
            "first": self.first,
            "processes": self.processes,
            "seconds": round(self.seconds, 1),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "seeds_per_second": round(self.seeds / self.seconds, 1),
            "seeds_per_cpu_second": round(self.seeds / self.cpu_seconds, 1),
            "requests": self.requests,
            "broke": list(self.broke),
        }

    def said(self) -> str:
        """Return the totals in one line."""
        return (
            f"{self.seeds} seeds, {self.requests} requests, {self.seconds:.0f} s,"
            f" {self.seeds / self.seconds:.1f} seeds/s in {self.processes} processes,"
            f" {self.seeds / self.cpu_seconds:.1f} seeds a CPU second;"
            f" {len(self.broke)} broke a promise: {list(self.broke)}"
        )


@dataclass(frozen=True, slots=True)
class Catch:
    """How many seeds it took to catch an engine with a defect."""

    variant: str
    seeds: int | None
    """None if it got through all of them."""
    promise: str

    @classmethod
    def of(cls, variant: str, seeds: range, report: Report | None) -> Self:
        """Return what the first report with a broken promise says."""
        if report is None:
            return cls(variant, None, f"survives {len(seeds)} seeds")
        return cls(variant, report.seed - seeds.start + 1, report.violations[0])

    def row(self) -> dict[str, object]:
        """Return it as data."""
        return {"variant": self.variant, "seeds": self.seeds, "promise": self.promise}


def cpu_seconds() -> float:
    """Return the processor time of this process and of those it started: other work counts not."""
    ours, theirs = (
        resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime
