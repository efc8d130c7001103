"""
A job of Salesforce's, with its process gone at each step of the protocol.

After each death the next process adopts what it finds: every row comes in exactly once, and no
second job works on a row that a first one accepted.

    python -m activation_tests.conformance.bulk_kills --rows 100000
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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

_EXCHANGE = "activation.destinations.salesforce.session.exchange"
_LEASE_MINUTES = 20


@dataclass(frozen=True, slots=True)
class Kill:
    """What a death and the delivery after it came to."""

    step: str
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


def kill(stage: Stage, rows: int, at: int | None) -> Kill | None:
    """Deliver so many rows over one job, die at that edge, deliver again; None if none is there."""
    rig, _ = stage.rig(stage.rows(rows))
    with dying(at) as steps:
        try:
            rig.deliver(owner="dies")
        except CrashError:
            pass
        else:
            if at is not None:
                return None
    step = "alive" if at is None else steps[-1]
    if at is not None:
        rig.later(minutes=_LEASE_MINUTES)
        rig.settle(owner="next")
    outcomes = rig.deliver(owner="next")
    assert isinstance(stage.subject, SalesforceBulk)
    jobs = stage.subject.sandbox.jobs()
    return Kill(
        _without_ids(step, [job["id"] for job in jobs]),
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
    """Yield what became of a delivery that was left alone, and of one that died, at each edge."""
    empty = folder / "empty.db"
    open_ledger(f"sqlite:///{empty}").close()
    at: int | None = None
    while True:
        clock.reset()
        sandbox = Sandbox(address)
        sandbox.reset()
        stage = Stage(SalesforceBulk(sandbox), SharedTime(clock), folder, empty)
        try:
            found = kill(stage, rows, at)
        finally:
            stage.close()
        if found is None:
            return
        yield found
        at = 0 if at is None else at + 1


def main() -> None:
    """Tell what each death came to; end with 1 if a row was lost or worked on twice."""
    parser = argparse.ArgumentParser(description="a bulk job, killed at each step")
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    clock = TurningClock()
    wrong = 0
    with TemporaryDirectory() as folder, running(Path(folder) / "org", clock=clock) as address:
        began = time.perf_counter()
        for one in kills(address, clock, Path(folder), rows):
            right = one.delivered == one.records == one.worked_on == rows
            wrong += not right
            print(  # noqa: T201
                f"{time.perf_counter() - began:7.1f} s  {'right' if right else 'WRONG'}  "
                f"{one.step}: delivered {one.delivered}, records {one.records}, "
                f"worked on {one.worked_on}, jobs {', '.join(one.jobs)}",
                flush=True,
            )
    sys.exit(min(wrong, 1))


if __name__ == "__main__":
    main()
