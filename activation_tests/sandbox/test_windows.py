"""Limits of requests, against what a list of the granted ones says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.sandbox.quota import DailyCounter, RollingPool
from activation.sandbox.state import State
from activation.sandbox.windows import (
    Concurrency,
    FixedWindow,
    PerKey,
    RollingWindow,
    Window,
    take_all,
)
from activation_tests.sandbox.turning_clock import START, TurningClock

WAITS = st.lists(st.integers(0, 12), max_size=60)
LIMITS = st.integers(1, 5)
SECONDS = st.integers(1, 10)


def follow(
    window: Window,
    clock: TurningClock,
    waits: list[int],
    counts: Callable[[list[float], float], int],
) -> None:
    """Take after each wait, and compare each answer with what the granted times say."""
    granted: list[float] = []
    for wait in waits:
        clock.turn(wait)
        now = clock.now().timestamp()
        before = counts(granted, now)
        taken = window.take()
        assert taken.granted is (before < window.limit)
        if taken.granted:
            granted.append(now)
        after = counts(granted, now)
        assert (taken.left, window.used) == (window.limit - after, after)
        assert taken.resets_in == window.resets_in() > 0


@given(WAITS, LIMITS, SECONDS)
def test_no_rolling_window_ever_holds_more_than_the_limit(
    waits: list[int], limit: int, seconds: int
) -> None:
    """A request is granted exactly if fewer than the limit were in the seconds before it."""
    clock = TurningClock()
    window = RollingWindow(clock, limit=limit, seconds=seconds)

    follow(window, clock, waits, lambda times, now: sum(now - seconds < t for t in times))


@given(WAITS, LIMITS, SECONDS)
def test_a_fixed_window_begins_anew_at_each_multiple(
    waits: list[int], limit: int, seconds: int
) -> None:
    """A request is granted exactly if fewer than the limit were since the last multiple."""
    clock = TurningClock()
    window = FixedWindow(clock, limit=limit, seconds=seconds)

    follow(
        window,
        clock,
        waits,
        lambda times, now: sum(t // seconds == now // seconds for t in times),
    )


@given(LIMITS, SECONDS, st.integers(0, 9), st.sampled_from([RollingWindow, FixedWindow]))
def test_what_is_told_of_the_reset_is_true(
    limit: int, seconds: int, later: int, kind: type[RollingWindow | FixedWindow]
) -> None:
    """A full window refuses until just before the reset that it tells, and grants at it."""
    clock = TurningClock()
    clock.turn(later)
    window = kind(clock, limit=limit, seconds=seconds)
    while window.take().granted:
        pass

    wait = window.take().resets_in

    clock.turn(wait - 0.25)
    assert not window.take().granted
    clock.turn(0.25)
    assert window.take().granted


@given(st.lists(st.sampled_from(["take", "give back"])), LIMITS)
def test_no_more_are_under_way_than_allowed(acts: list[str], limit: int) -> None:
    """What is given back can be taken again, and nothing else can."""
    room, under_way = Concurrency(limit=limit), 0
    for act in acts:
        if act == "take":
            taken = room.take()
            assert taken.granted is (under_way < limit)
            under_way += taken.granted
            assert taken.left == limit - under_way
        elif under_way:
            room.give_back()
            under_way -= 1
        assert room.used == under_way


def test_a_request_counts_in_all_windows_or_in_none() -> None:
    """The first window that is full is named, and the others are not burdened."""
    clock = TurningClock()
    day = FixedWindow(clock, limit=10, seconds=86_400)
    burst = RollingWindow(clock, limit=1, seconds=10)

    assert take_all([day, burst]) is None
    assert take_all([day, burst]) is burst
    assert (day.used, burst.used) == (1, 1)


@pytest.mark.parametrize("kind", [RollingWindow, FixedWindow])
def test_limits_and_use_can_be_set_and_reset(
    kind: type[RollingWindow | FixedWindow],
) -> None:
    """What was set counts at once; a reset takes both back."""
    window = kind(TurningClock(), limit=3, seconds=60)
    window.set(limit=2, used=1)
    assert [window.take().granted for _ in range(2)] == [True, False]

    window.reset()

    assert (window.limit, window.used) == (3, 0)


def test_keys_do_not_share_a_window() -> None:
    """One key's requests are not another's, and keys long silent are forgotten."""
    clock = TurningClock()
    windows = PerKey(lambda: RollingWindow(clock, limit=1, seconds=60))

    granted = [windows.of(key).take().granted for key in ("a", "b", "a")]

    assert granted == [True, True, False]
    clock.turn(60)
    for number in range(2000):
        windows.of(str(number))
    assert len(windows._windows) < 2000


@pytest.mark.parametrize(
    ("zone", "hours"), [("UTC", 14), ("America/New_York", 18), ("Asia/Kolkata", 8.5)]
)
def test_a_day_ends_at_midnight_of_its_zone(tmp_path: Path, zone: str, hours: float) -> None:
    """At 10:00 UTC the account's midnight is so many hours away; then its requests count anew."""
    clock, state = TurningClock(), State(tmp_path)
    day = DailyCounter(state, clock, name="crm", limit=1, zone=zone)

    taken, refused = day.take(), day.take()

    assert (taken.granted, refused.granted) == (True, False)
    assert taken.resets_in == refused.resets_in == hours * 3600
    clock.turn(hours * 3600 - 1)
    assert not day.take().granted
    clock.turn(1)
    assert day.take().granted
    state.close()


def test_a_day_in_which_the_clocks_change_has_23_hours(tmp_path: Path) -> None:
    """The count is kept from one local midnight to the next, however far they are apart."""
    clock, state = TurningClock(), State(tmp_path)
    # 2026-03-28 23:00 UTC is midnight in Berlin; in the night of that day summer time begins.
    clock.turn((START.replace(month=3, day=28, hour=23) - START).total_seconds())
    day = DailyCounter(state, clock, name="crm", limit=1, zone="Europe/Berlin")

    assert day.take().resets_in == 23 * 3600
    state.close()


def test_what_a_day_used_survives_a_restart(tmp_path: Path) -> None:
    """The limit that was set and the day's count are kept; the next day begins at 0."""
    clock = TurningClock()
    for used in (0, 1, 2):
        state = State(tmp_path)
        day = DailyCounter(state, clock, name="crm", limit=9)
        assert day.used == used
        day.set(limit=3)
        day.take()
        state.close()
    clock.turn(86_400)

    state = State(tmp_path)
    later = DailyCounter(state, clock, name="crm", limit=9)

    assert (later.limit, later.used) == (3, 0)
    state.close()


def test_a_pool_of_a_rolling_day_gives_back_by_the_minute(tmp_path: Path) -> None:
    """What was used 24 hours ago can be used again, when the pool said so."""
    clock, state = TurningClock(), State(tmp_path)
    pool = RollingPool(state, clock, system="crm", limit=1, window_seconds=86_400)
    clock.turn(30)
    assert pool.take().resets_in == 86_400 - 30

    clock.turn(pool.take().resets_in - 1)
    assert not pool.take().granted
    clock.turn(1)

    assert pool.take().granted
    state.close()
