"""No window of the vendor's clock ever holds more requests than a bucket allows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.traits import Bucket
from activation.governor.permits import ANY, buckets_of, cooled_at, free_no_sooner, usable

START = datetime(2026, 1, 5, tzinfo=UTC)
seconds = st.floats(0, 30, allow_nan=False)


@given(
    st.integers(1, 6),
    st.sampled_from([0.5, 3.0, 10.0]),
    st.lists(st.tuples(seconds, seconds, st.floats(0, 1)), min_size=1, max_size=60),
    st.floats(0, 10),
)
def test_no_window_holds_more_than_the_limit(
    limit: int, window: float, requests: list[tuple[float, float, float]], offset: float
) -> None:
    """Whenever requests come and however long they take: rolling and fixed windows both hold."""
    bucket = Bucket("burst", limit, window)
    free_at = [START] * limit
    now, counted = START, []
    for gap, latency, when in requests:
        now = max(now + timedelta(seconds=gap), min(free_at))
        permit = free_at.index(min(free_at))
        over_at = now + timedelta(seconds=latency)
        # The vendor counts a request at some moment between its leaving and its answer.
        counted.append((now - START).total_seconds() + latency * when)
        free_at[permit] = cooled_at(bucket, over_at)

    counted.sort()
    rolling = [sum(at <= other < at + window for other in counted) for at in counted]
    fixed = [sum(int((at - offset) // window) == n for at in counted) for n in range(-30, 300)]
    assert max(rolling) <= limit
    assert max(fixed) <= limit


def test_a_bucket_of_requests_at_once_has_no_window() -> None:
    """A permit of a bucket that counts requests in flight is free once its answer is there."""
    assert cooled_at(ANY, START) == START


def test_a_vendor_that_names_no_pace_has_one_bucket() -> None:
    """There is always a bucket to slow down, and what a vendor names is all that is kept to."""
    named = (Bucket("burst", 100, 10.0),)

    assert buckets_of(()) == (ANY,)
    assert buckets_of(named) == named


@pytest.mark.parametrize(("share", "expected"), [(1.0, 100), (0.5, 50), (0.0, 1), (0.999, 99)])
def test_slowing_down_uses_fewer_permits(share: float, expected: int) -> None:
    """At half the pace half the permits are in use; one always is, or nothing would ever move."""
    assert usable(Bucket("burst", 100, 10.0), share) == expected


@given(st.floats(0, 60), st.sampled_from([0.5, 3.0, 10.0]), st.floats(0, 60))
def test_nobody_waits_longer_than_an_answer_takes(
    asked: float, window: float, answered: float
) -> None:
    """A permit on the wire is never free before the moment at which to ask for it again."""
    bucket = Bucket("burst", 1, window)
    given_up = cooled_at(bucket, START + timedelta(seconds=60))
    now = START + timedelta(seconds=asked)
    over_at = max(now, START + timedelta(seconds=answered))

    ask_at = free_no_sooner(bucket, given_up, now, held=True)

    assert now <= ask_at <= min(given_up, cooled_at(bucket, over_at))


def test_a_permit_that_cools_is_waited_for_to_the_moment() -> None:
    """When a permit is free whose request was answered is known."""
    bucket, free_at = Bucket("burst", 1, 10.0), START + timedelta(seconds=7)

    assert free_no_sooner(bucket, free_at, START, held=False) == free_at
