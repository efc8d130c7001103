"""Switches, phases, leases, quota and runs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.base import QuotaReading
from activation.errors import Busy, Paused, QuotaExhausted, UsageError
from activation.governor.budget import Budget, Usage, day_of, refusal
from activation.ledger import Ledger, Tally
from activation.ledger import quota as accounts
from activation.ledger.leases import hold
from activation.ledger.runs import RunState
from activation_tests.ledger.conftest import StandingClock

BUDGET = Budget("crm", "s", requests_per_day=10, headroom=0.2)


@pytest.mark.parametrize("scope", ["all", "connection:crm", "sync:s"])
def test_a_pause_stops_what_it_names(ledger: Ledger, scope: str) -> None:
    """A pause of everything, of a connection or of a sync holds the sync until it is resumed."""
    ledger.switches.check("s", "crm")
    ledger.switches.pause(scope, reason="looks wrong", author="operator")

    with pytest.raises(Paused, match=f"{scope} was paused by operator: looks wrong"):
        ledger.switches.check("s", "crm")

    ledger.switches.resume(scope, reason="fine", author="operator")
    ledger.switches.check("s", "crm")


def test_a_pause_stops_nothing_else(ledger: Ledger) -> None:
    """Other syncs and connections go on."""
    ledger.switches.pause("connection:crm", reason="r", author="a")
    ledger.switches.pause("sync:s", reason="r", author="a")

    ledger.switches.check("other", "mail")


def test_resuming_takes_back_one_pause(ledger: Ledger) -> None:
    """Resuming a sync does not resume the connection that is paused as well."""
    ledger.switches.pause("connection:crm", reason="outage", author="a")
    ledger.switches.resume("sync:s", reason="fine", author="a")

    with pytest.raises(Paused, match="outage"):
        ledger.switches.check("s", "crm")


@pytest.mark.parametrize(
    ("scope", "reason", "author"),
    [("syncs:s", "r", "a"), ("sync:", "r", "a"), ("all", " ", "a"), ("all", "r", "")],
)
def test_a_pause_names_scope_reason_and_author(
    ledger: Ledger, scope: str, reason: str, author: str
) -> None:
    """A pause that does not say what, why and by whom is refused."""
    with pytest.raises(UsageError):
        ledger.switches.pause(scope, reason=reason, author=author)


def test_phases_are_opened_once(ledger: Ledger, clock: StandingClock) -> None:
    """Opening a phase again keeps who opened it first; loading is kept the first time too."""
    first = ledger.phases.open("s", "canary", reason="start", author="a")
    clock.later(days=1)
    ledger.phases.mark_loaded("s", "canary")
    loaded = clock.now()
    clock.later(days=1)
    again = ledger.phases.open("s", "canary", reason="more", author="b")
    ledger.phases.mark_loaded("s", "canary")

    assert (again.opened_by, again.opened_at, again.reason) == ("a", first.opened_at, "start")
    assert ledger.phases.opened("s")[0].loaded_at == loaded
    assert ledger.phases.opened("other") == ()


def test_a_lease_has_one_owner(ledger: Ledger, clock: StandingClock) -> None:
    """A second owner waits until the lease is given back or has run out; tokens only rise."""
    first = ledger.leases.acquire("s", "one", seconds=60)
    with pytest.raises(Busy, match="one"):
        ledger.leases.acquire("s", "two", seconds=60)
    ledger.leases.release(first)
    second = ledger.leases.acquire("s", "two", seconds=60)
    clock.later(seconds=60)
    third = ledger.leases.acquire("s", "three", seconds=60)

    assert first.token < second.token < third.token
    with pytest.raises(Busy, match="three"):
        ledger.leases.renew(second)


def test_a_renewed_lease_lives_on(ledger: Ledger, clock: StandingClock) -> None:
    """Each renewal starts the lease's time anew."""
    lease = ledger.leases.acquire("s", "one", seconds=60)
    clock.later(seconds=50)
    ledger.leases.renew(lease)
    clock.later(seconds=50)

    with pytest.raises(Busy):
        ledger.leases.acquire("s", "two", seconds=60)


def test_a_former_owner_gives_nothing_back(ledger: Ledger, clock: StandingClock) -> None:
    """Releasing a lease that somebody else has taken leaves it with them."""
    former = ledger.leases.acquire("s", "one", seconds=60)
    clock.later(seconds=60)
    ledger.leases.acquire("s", "two", seconds=60)
    ledger.leases.release(former)

    with pytest.raises(Busy, match="two"):
        ledger.leases.acquire("s", "three", seconds=60)
    with ledger.store.write() as connected, pytest.raises(Busy):
        hold(connected, former, clock.now())


def reserve(ledger: Ledger, budget: Budget = BUDGET) -> None:
    """Reserve one request, if it is left."""
    day = day_of(ledger.store.clock.now())
    with ledger.store.write() as connected:
        usage, shares = accounts.read(connected, budget.connection, day)
        if reason := refusal(usage, shares.get(budget.sync, 0), budget):
            raise accounts.exhausted(reason, budget)
        accounts.reserve(connected, budget, day, 1)


def answer(ledger: Ledger, reading: QuotaReading) -> None:
    """Count one answer."""
    now = ledger.store.clock.now()
    with ledger.store.write() as connected:
        accounts.answered(connected, "crm", day_of(now), 1)
        accounts.correct(connected, "crm", reading, now)


def test_a_sync_has_its_share(ledger: Ledger, clock: StandingClock) -> None:
    """After its requests of the day a sync gets no more, another one does, and so does tomorrow."""
    for _ in range(10):
        reserve(ledger)

    with pytest.raises(QuotaExhausted, match="10 requests of 2026-01-05"):
        reserve(ledger)
    assert ledger.quota.share("crm", "s") == ledger.quota.usage("crm").reserved == 10
    reserve(ledger, Budget("crm", "other", 1, 0.2))
    clock.later(days=1)
    reserve(ledger)


def test_processes_share_one_count(ledger: Ledger) -> None:
    """However many reserve at once, no more is granted than there is."""

    def granted(_number: int) -> bool:
        try:
            reserve(ledger)
        except QuotaExhausted:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(granted, range(30))) == 10


def test_the_higher_count_is_believed(ledger: Ledger) -> None:
    """What others use is learnt from the vendor's count; a lower report takes nothing back."""
    reserve(ledger)
    answer(ledger, QuotaReading(used=7, limit=10))
    assert (ledger.quota.usage("crm").used, ledger.quota.usage("crm").left(0.2)) == (7, 1)
    reserve(ledger)
    answer(ledger, QuotaReading(used=2, limit=10))

    assert ledger.quota.usage("crm").used == 8
    with pytest.raises(QuotaExhausted, match="8 of 10 requests"):
        reserve(ledger)


def test_requests_under_way_are_not_taken_for_others(ledger: Ledger) -> None:
    """A report made while requests are under way counts none of them twice beyond those."""
    for _ in range(3):
        reserve(ledger)
    for used in (1, 2, 3):
        answer(ledger, QuotaReading(used, 100))

    assert ledger.quota.usage("crm").used == 3


@given(st.lists(st.one_of(st.just("reserve"), st.integers(0, 30)), max_size=30))
def test_usage_is_never_believed_lower(steps: list[str | int]) -> None:
    """Believed usage is at least what we reserved and at least what the vendor reported last."""
    usage = Usage(day=date(2026, 1, 5))
    for step in steps:
        if isinstance(step, str):
            usage = Usage(
                usage.day, usage.reserved + 1, usage.answered, usage.elsewhere, usage.limit
            )
        else:
            before = usage.used
            usage = usage.told(QuotaReading(step, 100))
            assert usage.used >= max(before, usage.reserved, step)


def test_runs_are_told_newest_first(ledger: Ledger, clock: StandingClock) -> None:
    """Runs keep how they ended, their rows and their parity."""
    ledger.runs.start("one", "s", "all")
    clock.later(minutes=1)
    ledger.runs.start("two", "s", "all", plan_digest="d")
    ledger.runs.end("one", RunState.STOPPED, message="paused")
    ledger.runs.end(
        "two",
        RunState.DONE,
        tallies={"update": Tally(planned=3, delivered=3)},
        parity={"same": 3},
    )

    newest, oldest = ledger.runs.list("s")

    assert (newest.run_id, newest.state, newest.plan_digest) == ("two", RunState.DONE, "d")
    assert newest.tally["update"]["delivered"] == 3
    assert newest.parity == {"same": 3}
    assert (oldest.state, oldest.message, oldest.parity) == (RunState.STOPPED, "paused", None)
    assert len(ledger.runs.list("s", limit=1)) == 1
