"""
A job of Salesforce's, with its process gone at each step of the protocol.

After each death the next process adopts what it finds: every row comes in exactly once, and no
second job works on a row that a first one accepted.

A job is looked at many times until it is over; one death at the first look stands for all.

    python -m activation_tests.conformance.bulk_kills --rows 100000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from activation.destinations import transport
from activation.destinations.transport import Reply
from activation.ledger import open_ledger
from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.conformance.salesforce import SalesforceBulk
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.stage import Stage
from activation_tests.delivery.rig import CrashError
from activation_tests.sandbox.turning_clock import TurningClock
from benchmarks.keeping import keep

_EXCHANGE = "activation.destinations.salesforce.session.exchange"
_LEASE_MINUTES = 20


@dataclass(frozen=True, slots=True)
class Kill:
    """What a death and the delivery after it came to."""

    step: str
    steps: tuple[str, ...]
    """All that the first delivery came to, without the ids of jobs."""
    delivered: int
    records: int
    jobs: tuple[str, ...]
    """The states of all jobs at the end."""
    worked_on: int
    """Rows that jobs have worked on, over all jobs."""


@contextmanager
def dying(at: int | None) -> Iterator[list[str]]:
    """Let the process be gone at that edge: 0 before the first exchange, 1 after it, and so on."""
    steps: list[str] = []

    def edge(step: str) -> None:
        steps.append(step)
        if len(steps) - 1 == at:
            raise CrashError

    def exchange(session: Any, method: str, url: str, **given: Any) -> Reply:
        call = f"{method} {url.partition('/services/data/')[2].partition('/')[2]}"
        edge(f"before {call}")
        reply = transport.exchange(session, method, url, **given)
        edge(f"after {call}")
        return reply

    with patch(_EXCHANGE, exchange):
        yield steps


def kill(stage: Stage, rows: int, at: int | None) -> Kill:
    """Deliver so many rows over one job, die at that edge if one is named, and deliver again."""
    rig, _ = stage.rig(stage.rows(rows))
    with dying(at) as steps, suppress(CrashError):
        rig.deliver(owner="dies")
    if at is not None:
        rig.later(minutes=_LEASE_MINUTES)
        rig.settle(owner="next")
    outcomes = rig.deliver(owner="next")
    assert isinstance(stage.subject, SalesforceBulk)
    jobs = stage.subject.sandbox.jobs()
    ids = [job["id"] for job in jobs]
    told = tuple(_without_ids(step, ids) for step in steps)
    return Kill(
        "alive" if at is None else told[-1],
        told,
        outcomes.totals["delivered"],
        stage.count(),
        tuple(job["state"] for job in jobs),
        sum(job.get("numberRecordsProcessed", 0) for job in jobs),
    )


def _without_ids(step: str, jobs: list[str]) -> str:
    for job in jobs:
        step = step.replace(job, "{job}")
    return step


def kills(address: str, clock: TurningClock, folder: Path, rows: int) -> Iterator[Kill]:
    """Yield what became of a delivery that was left alone, and of one that died, at each step."""
    empty = folder / "empty.db"
    open_ledger(f"sqlite:///{empty}").close()
    edges: list[int | None] = [None]
    while edges:
        clock.reset()
        sandbox = Sandbox(address)
        sandbox.reset()
        stage = Stage(SalesforceBulk(sandbox), SharedTime(clock), folder, empty)
        try:
            at = edges.pop(0)
            found = kill(stage, rows, at)
        finally:
            stage.close()
        yield found
        if at is None:
            edges += [found.steps.index(step) for step in dict.fromkeys(found.steps)]


def main() -> None:
    """Tell what each death came to; end with 1 if a row was lost or worked on twice."""
    parser = argparse.ArgumentParser(description="a bulk job, killed at each step")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--write", action="store_true", help="into docs/benchmarks")
    asked = parser.parse_args()
    rows = asked.rows
    clock = TurningClock()
    wrong = 0
    told: list[dict[str, object]] = []
    with TemporaryDirectory() as folder, running(Path(folder) / "org", clock=clock) as address:
        began = time.perf_counter()
        for one in kills(address, clock, Path(folder), rows):
            right = one.delivered == one.records == one.worked_on == rows
            wrong += not right
            told.append(
                {
                    "death": one.step,
                    "delivered": one.delivered,
                    "records": one.records,
                    "worked_on": one.worked_on,
                    "jobs": list(one.jobs),
                }
            )
            print(  # noqa: T201
                f"{time.perf_counter() - began:7.1f} s  {'right' if right else 'WRONG'}  "
                f"{one.step}: delivered {one.delivered}, records {one.records}, "
                f"worked on {one.worked_on}, jobs {', '.join(one.jobs)}",
                flush=True,
            )
    if asked.write:
        keep("bulk_kills", told)
    sys.exit(min(wrong, 1))


if __name__ == "__main__":
    main()
