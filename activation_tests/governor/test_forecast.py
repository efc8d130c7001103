"""The date of a backlog's end."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.governor.budget import Budget, Usage
from activation.governor.forecast import done_at, outlook

NOW = datetime(2026, 1, 5, 18, 0, tzinfo=UTC)
BUDGET = Budget("crm", "s", requests_per_day=100, headroom=0.2)
USAGE = Usage(date(2026, 1, 5), reserved=40, answered=38, elsewhere=20, limit=1000)


@pytest.mark.parametrize(
    ("requests", "expected"),
    [
        (0, NOW),
        (60, datetime(2026, 1, 5, 18, 1, tzinfo=UTC)),
        (61, datetime(2026, 1, 6, 0, 0, 1, tzinfo=UTC)),
        (160, datetime(2026, 1, 6, 0, 1, 40, tzinfo=UTC)),
        (161, datetime(2026, 1, 7, 0, 0, 1, tzinfo=UTC)),
    ],
)
def test_a_backlog_is_done_when_its_days_have_held_it(requests: int, expected: datetime) -> None:
    """Today holds 60 at one a second, each later day 100; the last one is counted to the second."""
    assert done_at(requests, left=60, a_day=100, per_second=1, now=NOW) == expected


def test_what_no_day_holds_has_no_date() -> None:
    """If nothing is ever left, or it would take ten years, no date is invented."""
    assert done_at(1, left=0, a_day=0, per_second=1, now=NOW) is None
    assert done_at(10_000, left=0, a_day=1, per_second=1, now=NOW) is None


@given(
    st.integers(0, 5000), st.integers(0, 300), st.integers(1, 300), st.floats(0.1, 100), st.data()
)
def test_more_to_do_is_never_done_earlier(
    requests: int, left: int, a_day: int, per_second: float, data: st.DataObject
) -> None:
    """A larger backlog ends later or at the same time, and never before now."""
    fewer = data.draw(st.integers(0, requests))
    later = done_at(requests, left=left, a_day=a_day, per_second=per_second, now=NOW)
    earlier = done_at(fewer, left=left, a_day=a_day, per_second=per_second, now=NOW)

    if later is None or earlier is None:
        assert later is None
    else:
        assert NOW <= earlier <= later


def test_the_outlook_takes_the_smaller_of_both_limits() -> None:
    """What is left to a sync is what its contract and its account both leave."""
    told = outlook(USAGE, 30, BUDGET, requests=5, per_second=1, now=NOW)

    assert (told.used, told.reserved, told.allowed, told.left) == (30, 2, 100, 70)
    assert (told.account_used, told.account_limit, told.account_left) == (60, 1000, 740)

    short = outlook(replace(USAGE, limit=80), 30, BUDGET, requests=5, per_second=1, now=NOW)

    assert short.left == short.account_left == 4


def test_later_days_know_what_others_take() -> None:
    """The part of the day that other tools have used today is not counted on for tomorrow."""
    busy = replace(USAGE, limit=100, elsewhere=70)
    told = outlook(busy, 100, BUDGET, requests=20, per_second=1, now=NOW)

    assert told.done_at == datetime(2026, 1, 7, 0, 0, 10, tzinfo=UTC)
