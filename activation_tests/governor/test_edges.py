"""The governor's decisions at their edges, where one more or less would be a different one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from activation.destinations.base import QuotaReading
from activation.destinations.traits import Bucket
from activation.governor import retries
from activation.governor.breaker import FAILURES, Breaker
from activation.governor.budget import Budget, Usage, day_of, refusal
from activation.governor.forecast import done_at, outlook
from activation.governor.latency import Latency
from activation.governor.pace import FULL, Pace
from activation.governor.permits import cooled_at
from activation.governor.retries import FLOOR, Minute
from activation.governor.shares import Claim, allotments, more

NOW = datetime(2026, 1, 5, 9, 30, 15, 500, tzinfo=UTC)
DAY = date(2026, 1, 5)
MICROSECOND = timedelta(microseconds=1)
BUDGET = Budget("crm", "s", 10, 0.2)


def test_failures_are_forgotten_after_ten_minutes() -> None:
    """One that is exactly ten minutes old still counts before the next, an older one does not."""
    known = Breaker(FAILURES - 2, NOW)
    later = NOW + timedelta(minutes=10)

    assert known.failed(later) == Breaker(FAILURES - 1, later)
    assert known.failed(later + MICROSECOND) == Breaker(1, later + MICROSECOND)


def test_a_breaker_opens_again_when_its_time_is_over() -> None:
    """What fails while it is open was under way; what fails at its end fails anew."""
    opened = Breaker(FAILURES - 1, NOW).failed(NOW)
    assert opened == Breaker(FAILURES, NOW, open_until=NOW + timedelta(seconds=15))
    over = NOW + timedelta(seconds=15)

    assert opened.failed(over - MICROSECOND) == opened
    assert opened.failed(over) == Breaker(
        FAILURES + 1, over, open_until=over + timedelta(seconds=30)
    )


def test_a_day_is_counted_in_utc() -> None:
    """Half past eleven in the evening, five hours west, is the next day."""
    assert day_of(NOW) == DAY
    evening = datetime(2026, 1, 4, 23, 30, tzinfo=timezone(-timedelta(hours=5)))
    assert day_of(evening) == DAY


def test_usage_is_what_we_sent_and_what_others_did() -> None:
    """The vendor's count shows others by what exceeds our answered requests, and never shrinks."""
    usage = Usage(DAY, reserved=5, answered=3, elsewhere=2)

    told = usage.told(QuotaReading(used=9, limit=100))
    assert told == Usage(DAY, 5, 3, 6, 100)
    assert told.told(QuotaReading(used=4, limit=90)) == Usage(DAY, 5, 3, 6, 90)
    assert (told.used, told.under_way, told.left(0.2)) == (11, 2, 69)
    assert told.taken(4) == replace(told, reserved=9)
    assert Usage(DAY, reserved=90, limit=100).left(0.2) == 0
    assert Usage(DAY, reserved=1, answered=3).under_way == 0


@pytest.mark.parametrize(
    ("headroom", "withdrawal", "kept"),
    [(0.2, False, 0.2), (0.2, True, 0.05), (0.03, True, 0.03), (0.03, False, 0.03)],
)
def test_withdrawals_may_use_most_of_the_headroom(
    headroom: float, *, withdrawal: bool, kept: float
) -> None:
    """Down to five per cent, or to less where less is kept anyway."""
    assert replace(BUDGET, headroom=headroom).kept(withdrawal=withdrawal) == kept


@pytest.mark.parametrize(
    ("share", "requests", "withdrawal", "refused"),
    [(9, 1, False, False), (9, 2, False, True), (10, 1, True, False), (0, 10, False, False)],
)
def test_a_sync_keeps_to_its_own_day(
    share: int, requests: int, *, withdrawal: bool, refused: bool
) -> None:
    """The last request of the day goes, the next one does not; withdrawals go all the same."""
    reason = refusal(Usage(DAY), share, BUDGET, requests=requests, withdrawal=withdrawal)

    assert reason == ("s has used its 10 requests of 2026-01-05 (UTC)." if refused else None)


@pytest.mark.parametrize(
    ("used", "requests", "withdrawal", "kept"),
    [(79, 1, False, None), (79, 2, False, "20%"), (94, 1, True, None), (94, 2, True, "5%")],
)
def test_people_keep_their_share_of_the_account(
    used: int, requests: int, *, withdrawal: bool, kept: str | None
) -> None:
    """The last request outside of the headroom goes, and the reason tells what is kept."""
    usage = Usage(DAY, elsewhere=used, limit=100)

    reason = refusal(usage, 0, BUDGET, requests=requests, withdrawal=withdrawal)

    told = f"crm has used {used} of 100 requests, and {kept} are kept for people and other tools."
    assert reason == (told if kept else None)
    assert refusal(Usage(DAY), 0, BUDGET) is None


@pytest.mark.parametrize(
    ("requests", "left", "a_day", "expected"),
    [
        (4, 4, 0, NOW + timedelta(seconds=2)),
        (5, 4, 1, datetime(2026, 1, 6, 0, 0, 0, 500_000, tzinfo=UTC)),
        (6, 4, 1, datetime(2026, 1, 7, 0, 0, 0, 500_000, tzinfo=UTC)),
        (8, 4, 3, datetime(2026, 1, 7, 0, 0, 0, 500_000, tzinfo=UTC)),
        (5, 4, 0, None),
        (3651, 0, 1, datetime(2026, 1, 6, tzinfo=UTC) + timedelta(days=3650, seconds=0.5)),
        (3652, 0, 1, None),
    ],
)
def test_a_backlog_is_done_at_a_moment(
    requests: int, left: int, a_day: int, expected: datetime | None
) -> None:
    """At two a second: today, or after so many midnights in UTC."""
    for now in (NOW, NOW.astimezone(timezone(timedelta(hours=9)))):
        assert done_at(requests, left=left, a_day=a_day, per_second=2.0, now=now) == expected


def test_an_outlook_counts_the_days() -> None:
    """Today counts among the days if anything waits; nothing takes none."""
    usage = Usage(DAY, reserved=12, answered=11, elsewhere=3, limit=100)

    waiting = outlook(usage, 8, BUDGET, requests=13, per_second=1.0, now=NOW)
    nothing = outlook(usage, 12, BUDGET, requests=0, per_second=1.0, now=NOW)
    never = outlook(replace(usage, elsewhere=99), 8, BUDGET, requests=1, per_second=1.0, now=NOW)

    assert (waiting.left, waiting.requests, waiting.days) == (2, 13, 3)
    assert (waiting.used, waiting.reserved, waiting.allowed) == (8, 1, 10)
    assert (waiting.account_used, waiting.account_limit, waiting.account_left) == (15, 100, 65)
    assert (nothing.left, nothing.requests, nothing.days) == (0, 0, 0)
    assert (never.left, never.done_at, never.days) == (0, None, None)


def test_latency_remembers_what_was_usual() -> None:
    """A fifth of each answer counts; slow is four times the usual, and more than half a second."""
    latency = Latency()
    assert not latency.told(1.0)
    assert not latency.told(11.0)
    assert latency.recent == pytest.approx(3.0)
    assert latency.usual == pytest.approx(1.01)
    assert latency.told(11.0)
    assert latency.recent == pytest.approx(4.6)


def test_a_pace_slows_once_for_what_was_under_way() -> None:
    """Within two seconds a second 429 changes nothing; after them the share is halved again."""
    slowed = FULL.throttled(NOW, None)
    assert slowed == Pace(0.5, NOW, None)
    assert slowed.rest(NOW) == FULL.rest(NOW) == 0.0
    assert slowed.throttled(NOW + timedelta(seconds=2) - MICROSECOND, None) == slowed
    again = slowed.throttled(NOW + timedelta(seconds=2), None)
    assert again.kept == pytest.approx((0.5 + 1 / 60) / 2)
    assert FULL.laboured(NOW) == Pace(0.75, NOW, None)
    assert FULL.throttled(NOW, 7.0).rest(NOW + timedelta(seconds=3)) == 4.0


def test_a_permit_cools_for_a_window_and_a_little() -> None:
    """Two thousandths more than the window; none where only those at once are counted."""
    assert cooled_at(Bucket("b", 1, 10.0), NOW) == NOW + timedelta(seconds=10.02)
    assert cooled_at(Bucket("b", 1, None), NOW) == NOW


def test_ten_minutes_of_attempts_count() -> None:
    """The minute ten minutes ago counts for repetitions and not for first attempts."""
    minute = NOW.replace(second=0, microsecond=0)
    assert retries.minute_of(NOW) == minute
    ago = minute - timedelta(minutes=10)
    many = [Minute(ago, 1000, 7), Minute(minute, 300, 1)]

    assert retries.since(NOW) == ago
    assert retries.left(many, NOW) == 30 - 8
    assert retries.left([Minute(ago - timedelta(minutes=1), 0, 99)], NOW) == FLOOR
    assert retries.left([Minute(minute, 0, 99)], NOW) == 0


def test_a_repetition_waits_until_the_oldest_is_forgotten() -> None:
    """Minutes without one do not count; at least a second is waited."""
    minute = NOW.replace(second=0, microsecond=0)
    early, late = (minute - timedelta(minutes=minutes) for minutes in (10, 3))

    def wait(*minutes: Minute) -> timedelta:
        return timedelta(seconds=retries.wait(minutes, NOW))

    assert wait(Minute(early, 5, 0), Minute(late, 5, 1)) == late + timedelta(minutes=11) - NOW
    assert wait(Minute(early, 0, 1), Minute(late, 5, 1)) == early + timedelta(minutes=11) - NOW
    assert wait() == minute + timedelta(minutes=11) - NOW
    last = minute + timedelta(seconds=59.5)
    assert retries.wait([Minute(early, 0, 1)], last) == 1.0


def test_who_wants_nothing_gets_nothing() -> None:
    """The whole of it goes to those who want, who never get more than that."""
    modest, hungry, idle = Claim("a", 1, 0, 1), Claim("b", 1, 1, 9), Claim("c", 9, 0, 0)

    assert allotments(6, (modest, hungry, idle)) == {"a": 1.0, "b": 5.0, "c": 0.0}
    assert allotments(0, (modest, hungry)) == {"a": 0.0, "b": 0.0}
    assert more(6, 6, modest, (hungry, idle)) == 1
    assert more(6, 2, hungry, (modest, idle)) == 2
    assert more(6, 6, hungry, (modest, idle)) == 4
    assert more(6, 6, replace(hungry, wanted=2), (modest,)) == 2
