"""The equation of rows, and what plans and batches add to it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.errors import QuotaExhausted, UsageError
from activation.governor.budget import Budget
from activation.governor.permits import ANY
from activation.ledger import Ledger, RowsLostError, Tally
from activation.ledger.attempts import Departure, Settlement
from activation.ledger.batches import BatchState, Cut, Intent
from activation.ledger.clearances import Ask
from activation.ledger.conservation import check, total
from activation.ledger.outcomes import tally
from activation.ledger.plans import PlanState
from activation.ledger.ranges import gaps, merge, pack, unpack
from activation.ledger.receipts import Receipt
from activation.ledger.receipts import pack as pack_receipts
from activation.ledger.receipts import unpack as unpack_receipts
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile
from activation_tests.ledger.conftest import StandingClock

BUDGET = Budget("crm", "s", 100, 0.2)
rows = st.integers(0, 50)


def plan(digest: str, at: datetime, *counts: ActionCount) -> Plan:
    """Return a plan of these counts."""
    return Plan(
        digest=digest,
        sync="s",
        phase="all",
        created_at=at,
        contract_digest="c",
        mapping_digest="m",
        table=f"t_{digest}",
        source=SourceProfile(0, 0, 0, 0, None),
        blast=BlastRadius(0, 0, 0, 0, 0, 0, 0, 0),
        counts=counts,
    )


def cut(batch_id: str, first: int, last: int, parent: str | None = None) -> Cut:
    """Return a batch of updates."""
    return Cut(
        id=batch_id,
        plan_digest="d",
        sync="s",
        seq=1,
        first_action=first,
        last_action=last,
        actions=((first, last),),
        operations={"update": last - first + 1},
        parent=parent,
    )


@given(rows, rows, rows, rows, rows, st.integers(-3, 3))
def test_only_balanced_books_pass(  # noqa: PLR0913, PLR0917 - the numbers of the equation
    delivered: int, rejected: int, in_doubt: int, blocked: int, held: int, wrong: int
) -> None:
    """The check passes exactly if the outcomes add up to what was planned."""
    planned = delivered + rejected + in_doubt + blocked + held + wrong
    tallies = {"update": Tally(planned, delivered, rejected, in_doubt, blocked, held)}

    if wrong:
        with pytest.raises(RowsLostError, match="update"):
            check(tallies)
    else:
        check(tallies)


def test_negative_numbers_do_not_balance() -> None:
    """Rows that are counted twice are not made good by rows that are less than none."""
    with pytest.raises(RowsLostError):
        check({"create": Tally(planned=1, delivered=2, held=-1)})


def test_totals_add_operations() -> None:
    """The total is the sum over operations."""
    sums = total({"create": Tally(2, 1, 1), "update": Tally(3, 3)})

    assert (sums["planned"], sums["delivered"], sums["rejected"]) == (5, 4, 1)


@given(st.sets(st.integers(1, 300)))
def test_ranges_hold_exactly_their_numbers(numbers: set[int]) -> None:
    """Packing and unpacking gives the same numbers, and gaps are the others."""
    ranges = pack(numbers)

    assert set(unpack(ranges)) == numbers
    left_out = {n for first, last in gaps(ranges, 1, 300) for n in range(first, last + 1)}
    assert left_out == set(range(1, 301)) - numbers


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 20)), max_size=12))
def test_ranges_that_touch_become_one(spans: list[tuple[int, int]]) -> None:
    """Merged ranges hold the same numbers, and are as few as can be."""
    ranges = [(first, first + more) for first, more in spans]

    merged = merge(ranges)

    assert merged == pack(set(unpack(ranges)))


@given(st.dictionaries(st.integers(1, 500), st.one_of(st.none(), st.text(max_size=18))))
def test_receipts_come_back(ids: dict[int, str | None]) -> None:
    """Receipts survive packing, in the order of their actions."""
    given_receipts = [Receipt(number, name) for number, name in ids.items()]

    unpacked = list(unpack_receipts(pack_receipts(given_receipts)))

    assert unpacked == [Receipt(number, ids[number]) for number in sorted(ids)]


def test_a_batch_that_went_missing_shows(ledger: Ledger, clock: StandingClock) -> None:
    """A divided batch one of whose parts was never written does not balance."""
    record = ledger.plans.record(
        plan("d", clock.now(), ActionCount("update", Disposition.SEND, None, 10)),
        connection="crm",
        attempts_seen=0,
    )
    lease = ledger.leases.acquire("s", "one", seconds=60)
    whole, first, second = cut("p", 1, 10), cut("p.a", 1, 5, "p"), cut("p.b", 6, 10, "p")
    parts = ((first, BatchState.PLANNED), (second, BatchState.PLANNED))
    ledger.write(
        [Settlement(whole, BatchState.REFUSED, children=parts)], lease=lease, budget=BUDGET
    )

    batches = ledger.batches.of_plan("d")
    check(tally(record, batches))
    assert ledger.outcomes("d")["update"].held == 10
    with pytest.raises(RowsLostError):
        check(tally(record, [batch for batch in batches if batch.cut.id != "p.b"]))


def test_a_doubled_batch_shows(ledger: Ledger, clock: StandingClock) -> None:
    """Actions that were cut into two batches do not balance."""
    ledger.plans.record(
        plan("d", clock.now(), ActionCount("update", Disposition.SEND, None, 10)),
        connection="crm",
        attempts_seen=0,
    )
    lease = ledger.leases.acquire("s", "one", seconds=60)
    for batch_id in ("p", "q"):
        done = Settlement(cut(batch_id, 1, 10), BatchState.DELIVERED, delivered={"update": 10})
        ledger.write([done], lease=lease, budget=BUDGET)

    with pytest.raises(RowsLostError):
        check(ledger.outcomes("d"))


def test_an_intent_is_all_or_nothing(ledger: Ledger, clock: StandingClock) -> None:
    """Without a request left, neither the intent nor the reservation is kept."""
    ledger.plans.record(plan("d", clock.now()), connection="crm", attempts_seen=0)
    lease = ledger.leases.acquire("s", "one", seconds=60)
    ledger.permits.prepare("crm", [ANY])
    intent = Intent(cut("p", 1, 10), "digest", clock.now(), clock.now())
    departure = Departure(Ask("p", "upsert", (ANY,), clock.now()), intent)

    (answer,) = ledger.write([departure], lease=lease, budget=replace(BUDGET, requests_per_day=0))

    assert isinstance(answer, QuotaExhausted)
    assert "has used its 0 requests" in answer.message
    assert ledger.batches.of_plan("d") == ()
    assert ledger.quota.usage("crm").reserved == 0


def test_reasons_are_told(ledger: Ledger, clock: StandingClock) -> None:
    """Rows that no delivery came to are held for the reason of its end."""
    counts = (
        ActionCount("update", Disposition.SEND, None, 10),
        ActionCount("update", Disposition.BLOCKED, "denied", 2),
        ActionCount("create", Disposition.HELD, "null", 3),
    )
    ledger.plans.record(plan("d", clock.now(), *counts), connection="crm", attempts_seen=0)
    assert ledger.outcomes("d")["update"].held_by == {"not_sent": 10}
    ledger.plans.mark("d", PlanState.DELIVERING, stopped_by="quota")

    outcomes = ledger.outcomes("d")

    assert outcomes["update"].held_by == {"quota": 10}
    assert outcomes["update"].blocked_by == {"denied": 2}
    assert outcomes["create"].held_by == {"null": 3}
    check(outcomes)


def test_the_same_plan_stays_one_plan(ledger: Ledger, clock: StandingClock) -> None:
    """A plan that comes out the same is young again, and comes back if it was superseded."""
    ledger.plans.record(plan("d", clock.now()), connection="crm", attempts_seen=0)
    clock.later(hours=2)
    ledger.plans.record(plan("e", clock.now()), connection="crm", attempts_seen=0)
    assert ledger.plans.get("d").state is PlanState.SUPERSEDED
    again = ledger.plans.record(plan("d", clock.now()), connection="crm", attempts_seen=0)

    assert (again.state, again.created_at) == (PlanState.OPEN, clock.now())
    assert ledger.plans.get("e").state is PlanState.SUPERSEDED
    latest = ledger.plans.latest("s", "all")
    assert latest is not None
    assert latest.digest == "d"


def test_a_fenced_plan_keeps_its_table(ledger: Ledger, clock: StandingClock) -> None:
    """The table of a folded plan stays while the planner must know which keys are fenced."""
    counts = ActionCount("update", Disposition.SEND, None, 10)
    ledger.plans.record(plan("d", clock.now(), counts), connection="crm", attempts_seen=0)
    lease = ledger.leases.acquire("s", "one", seconds=60)
    until = clock.now() + timedelta(minutes=10)
    done = Settlement(cut("p", 0, 9), BatchState.DELIVERED, {"update": 10}, fence_until=until)
    ledger.write([done], lease=lease, budget=BUDGET)
    ledger.batches.mark_folded(["p"])
    ledger.plans.record(plan("e", clock.now()), connection="crm", attempts_seen=0)

    assert ledger.plans.tables_in_use("s") == {"t_d", "t_e"}
    clock.later(minutes=10)
    assert ledger.plans.tables_in_use("s") == {"t_e"}


def test_an_unknown_plan_is_a_mistake(ledger: Ledger) -> None:
    """Asking for a plan that was never recorded says so."""
    with pytest.raises(UsageError, match="no plan abc"):
        ledger.outcomes("abc")
