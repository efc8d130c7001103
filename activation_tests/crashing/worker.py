"""One run of the sync in a process of its own: plan, deliver, fold, compare; or be killed."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from pathlib import Path
from time import monotonic
from typing import NoReturn

# Heavy, and therefore loaded before the processes are forked off.
import duckdb  # noqa: F401
import pandas as pd  # type: ignore[import-untyped]  # noqa: F401 - pyarrow loads it as well
import simple_salesforce  # noqa: F401

import activation.destinations.salesforce.destination  # noqa: F401
from activation.errors import Busy, Refused, Stopped
from activation.settings import Settings
from activation.sync import Sync, find_contract, open_services
from activation_tests.crashing.steps import Death, dying
from activation_tests.sync.project import SYNC

PHASE = "full"
BROKEN = "broken.txt"
"""The file in the project's home that tells what a run broke on."""
_HASTE = 50


class Ending(IntEnum):
    """How a run ended that was not killed, as its exit code."""

    DONE = 0
    STOPPED = 10
    REFUSED = 11
    BUSY = 12
    BROKEN = 13


@dataclass(slots=True)
class HastyClock:
    """The machine's clock, moved on; it does not wait as long as it is told to, and says it did."""

    ahead: float

    def now(self) -> datetime:
        """Return the wall clock."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        """Return seconds that never run backwards."""
        return monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        """Let the time pass."""
        await asyncio.sleep(seconds / _HASTE)
        self.ahead += seconds * (1 - 1 / _HASTE)


def run(environment: Mapping[str, str], run_id: str, ahead: float, death: Death | None) -> NoReturn:
    """Plan and deliver, and leave with the exit code that tells how it ended."""
    ending = Ending.BROKEN
    try:
        with dying(death):
            ending = _run(environment, run_id, ahead)
    except BaseException:  # noqa: BLE001 - whatever it is, it is told
        Path(environment["ACTIVATION_HOME"], BROKEN).write_text(traceback.format_exc())
    # At once: no exit handler may put in order what a kill would have left.
    os._exit(ending)


def _run(environment: Mapping[str, str], run_id: str, ahead: float) -> Ending:
    settings = Settings.load(environment)
    with open_services(settings, clock=HastyClock(ahead), environment=environment) as services:
        sync = Sync(find_contract(settings, SYNC), services)
        try:
            planned = sync.plan(PHASE, run_id=run_id)
            if not planned.passed:
                said = [verdict.summary for verdict in planned.verdicts if not verdict.passed]
                raise AssertionError(said)
            delivered = sync.deliver(PHASE, run_id=run_id)
        except Busy:
            return Ending.BUSY
        except Stopped:
            return Ending.STOPPED
        except Refused:
            return Ending.REFUSED
        return Ending.DONE if delivered.stopped is None else Ending.STOPPED
