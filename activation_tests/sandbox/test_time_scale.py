"""A sandbox whose time runs faster than the caller's."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation.sandbox.time_scale import ScaledClock, sandbox_clock
from activation_tests.sandbox.turning_clock import START, TurningClock


def test_a_minute_is_a_day() -> None:
    """With a scale of 1440 both clocks of the sandbox pass a day in a real minute."""
    base = TurningClock()
    clock = sandbox_clock(base, 1440, None)
    began = clock.monotonic()

    base.turn(60)

    assert clock.now() == START + timedelta(days=1)
    assert clock.monotonic() - began == 86_400


def test_whoever_sleeps_wakes_sooner() -> None:
    """A sleep of a sandbox's hour ends after 2.5 real seconds."""
    base = TurningClock()
    clock = ScaledClock(base, 1440, began=START, at=START)

    async def nap() -> bool:
        sleeping = asyncio.ensure_future(clock.sleep(3600))
        await asyncio.sleep(0)
        base.turn(2.5)
        await asyncio.wait_for(sleeping, 1)
        return True

    assert asyncio.run(nap())


def test_an_ordinary_sandbox_has_the_machines_clock() -> None:
    """Without a scale nothing stands between the sandbox and the clock it was given."""
    base = TurningClock()

    assert sandbox_clock(base, 1, None) is base
    assert sandbox_clock(base, 1, START) is base


def test_time_never_goes_back(tmp_path: Path) -> None:
    """A sandbox started again, however fast, goes on where its last request was."""
    base = TurningClock()
    with running(tmp_path, clock=base, time_scale=1440) as address:
        base.turn(600)
        Sandbox(address).call("POST", "faults", {"name": "slow", "times": 1})
        seen = _time(address)
        assert seen == START + timedelta(days=10)
        _request(address)

    with running(tmp_path, clock=base) as address:
        assert _time(address) == seen
        base.turn(60)
        assert _time(address) == seen + timedelta(minutes=1)


def _time(address: str) -> datetime:
    return datetime.fromisoformat(Sandbox(address).health()["time"])


def _request(address: str) -> None:
    """Make a request that the sandbox logs."""
    import requests

    assert requests.get(f"{address}/services/data", timeout=5).ok
