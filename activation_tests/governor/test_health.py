"""Pace, latency, breaker and retry budget: how the governor meets a vendor in trouble."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from activation.governor import retries
from activation.governor.breaker import CLOSED, FAILURES, Breaker
from activation.governor.latency import Latency
from activation.governor.pace import SLOWEST, Pace
from activation.governor.retries import FLOOR, Minute

NOW = datetime(2026, 1, 5, 9, 30, 20, tzinfo=UTC)


def later(**span: float) -> datetime:
    """Return a moment after NOW."""
    return NOW + timedelta(**span)


def test_a_429_halves_the_pace_and_time_restores_it() -> None:
    """After too many requests half of the permits are in use, and all again two minutes later."""
    slowed = Pace().throttled(NOW, None)

    assert (Pace().share(NOW), slowed.share(NOW)) == (1.0, 0.5)
    assert slowed.share(later(seconds=30)) == 0.75
    assert slowed.share(later(minutes=2)) == 1.0


def test_requests_in_flight_slow_down_once() -> None:
    """Four refusals of requests that left together halve the pace once, not four times."""
    slowed = Pace()
    for _ in range(4):
        slowed = slowed.throttled(NOW, None)

    assert slowed.share(NOW) == 0.5


def test_the_pace_never_ends() -> None:
    """However often the vendor says so, something still moves."""
    slowed = Pace()
    for second in range(0, 60, 3):
        slowed = slowed.throttled(later(seconds=second), None)

    assert slowed.share(later(seconds=57)) >= SLOWEST


def test_retry_after_holds_the_bucket() -> None:
    """Nothing leaves before the vendor wants to be asked; the longest wish counts."""
    asked = Pace().throttled(NOW, 30).throttled(later(seconds=3), 5)

    assert asked.rest(later(seconds=10)) == 20
    assert asked.rest(later(seconds=31)) == 0


def test_slow_answers_are_noticed() -> None:
    """Answers that take many times their usual time count as labour; a steady vendor never does."""
    steady = Latency()
    assert not any(steady.told(2.0 + n % 3) for n in range(200))

    labouring = [steady.told(30.0) for _ in range(20)]

    assert labouring[-1]


def test_fast_answers_are_never_slow() -> None:
    """From 5 to 100 milliseconds is twenty times as long, and nobody is slowed by it."""
    quick = Latency()
    quick.told(0.005)

    assert not any(quick.told(0.1) for _ in range(50))


def opened() -> Breaker:
    """Return a breaker that has just opened."""
    state = CLOSED
    for _ in range(FAILURES):
        state = state.failed(NOW)
    return state


def test_failures_in_a_row_open_the_breaker() -> None:
    """Four failures change nothing; the fifth lets nobody through for a while."""
    state = CLOSED
    for _ in range(FAILURES - 1):
        state = state.failed(NOW)
    assert state.wait(NOW) == 0

    assert opened().wait(NOW) == 15
    assert opened().wait(later(seconds=15)) == 0


def test_an_answer_closes_the_breaker() -> None:
    """Whatever was counted is forgotten with the first answer."""
    assert opened().answered() == CLOSED


def test_one_probe_at_a_time() -> None:
    """While a probe is under way nobody else goes; one that never left lets the next one go."""
    due = later(seconds=15)
    probed = opened().probed(due + timedelta(seconds=60))

    assert opened().probing
    assert probed.wait(due) == 60
    assert probed.released().wait(due) == 0


def test_a_failed_probe_waits_longer() -> None:
    """Each failed probe doubles the pause, up to five minutes."""
    state, at, pauses = opened(), NOW, []
    for _ in range(7):
        at += timedelta(seconds=state.wait(at))
        state = state.probed(at + timedelta(seconds=60)).failed(at)
        pauses.append(state.wait(at))

    assert pauses == [30, 60, 120, 240, 300, 300, 300]


def test_failures_of_requests_under_way_do_not_prolong_the_pause() -> None:
    """What left before the breaker opened tells nothing new."""
    state = opened()

    assert state.failed(later(seconds=5)) == state


def test_old_failures_are_forgotten() -> None:
    """A failure of yesterday is not the one before today's."""
    state = CLOSED
    for _ in range(FAILURES - 1):
        state = state.failed(NOW)

    assert state.failed(later(days=1)).failures == 1


def test_a_tiny_run_may_repeat() -> None:
    """With hardly any first attempt a few repetitions are allowed all the same."""
    assert retries.left([], NOW) == FLOOR
    assert retries.left([Minute(retries.minute_of(NOW), 3, FLOOR)], NOW) == 0


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 400), st.integers(0, 60)), max_size=40),
    st.integers(0, 59),
)
def test_repetitions_stay_a_tenth_in_any_ten_minutes(
    steps: list[tuple[int, int, int]], second: int
) -> None:
    """Whatever is asked for, no ten minutes hold more repetitions than the budget."""
    now = NOW.replace(second=second)
    minutes: dict[datetime, Minute] = {}
    first: list[datetime] = []
    repeated: list[datetime] = []
    for pause, begun, wanted in steps:
        now += timedelta(seconds=pause)
        at = retries.minute_of(now)
        known = minutes.get(at, Minute(at, 0, 0))
        minutes[at] = Minute(at, known.first + begun, known.repeated)
        first += [now] * begun
        allowed = min(wanted, retries.left(list(minutes.values()), now))
        minutes[at] = Minute(at, minutes[at].first, minutes[at].repeated + allowed)
        repeated += [now] * allowed

        window = now - timedelta(minutes=retries.WINDOW)
        within = sum(at > window for at in repeated)
        begun_within = sum(at > window for at in first)
        if allowed:
            assert within <= max(FLOOR, begun_within * retries.RATIO)


def test_the_wait_for_a_repetition_ends() -> None:
    """After the time that is told the oldest repetitions no longer count."""
    at = retries.minute_of(NOW)
    minutes = [Minute(at, 0, FLOOR)]

    seconds = retries.wait(minutes, NOW)

    assert retries.left(minutes, later(seconds=seconds - 1)) == 0
    assert retries.left(minutes, later(seconds=seconds)) == FLOOR
