"""What is old and settled goes; what anybody still needs stays, however old it is."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.governor.budget import Budget
from activation.governor.permits import ANY
from activation.ledger import Ledger, open_ledger, retention, tables
from activation.ledger.attempts import Departure, Settlement
from activation.ledger.batches import BatchState, Cut, Intent
from activation.ledger.clearances import Ask, Clearance, Sign, Spent
from activation.ledger.conservation import check
from activation.ledger.dead_letters import DeadLetter
from activation.ledger.plans import PlanState
from activation.ledger.receipts import Receipt
from activation.ledger.runs import RunState
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile
from activation_tests.hash_keys import HASH_KEYS
from activation_tests.ledger.conftest import StandingClock

SYNC, BUDGET = "s", Budget("crm", "s", 100, 0.2)
KEEP = timedelta(days=30)
DELIVERED, UNFOLDED, DOUBTED, FENCED, REJECTED, UNSENT = (
    "delivered",
    "unfolded",
    "in doubt",
    "fenced",
    "rejected",
    "unsent",
)


def run(ledger: Ledger, clock: StandingClock, name: str, fate: str, phase: str = "all") -> None:
    """Plan ten rows and deliver them with that fate, as one run of a day."""
    now = clock.now()
    made = Plan(
        digest=name,
        sync=SYNC,
        phase=phase,
        created_at=now,
        contract_digest="c",
        mapping_digest="m",
        table=f"t_{name}",
        source=SourceProfile(0, 0, 0, 0, None),
        blast=BlastRadius(0, 0, 0, 0, 0, 0, 0, 0),
        counts=(ActionCount("update", Disposition.SEND, None, 10),),
    )
    seen = ledger.plans.last_attempt(SYNC)
    ledger.plans.record(made, connection="crm", attempts_seen=seen)
    if fate == UNSENT:
        return
    ledger.plans.mark(name, PlanState.DELIVERING)
    ledger.runs.start(f"run-{name}", SYNC, phase, plan_digest=name)
    lease = ledger.leases.acquire(SYNC, f"run-{name}", seconds=60)
    ledger.permits.prepare("crm", [ANY])
    cut = Cut(f"{name}-1", name, SYNC, 1, 0, 9, ((0, 9),), {"update": 10}, attempts=1)
    ask = Ask(cut.id, "upsert", (ANY,), now, intended=True)
    (cleared,) = ledger.write(
        [Departure(ask, Intent(cut, "digest", now, now))], lease=lease, budget=BUDGET
    )
    assert isinstance(cleared, Clearance)
    spent = Spent(cleared, now, Sign.ANSWERED)
    ledger.write([replace(_settlement(cut, fate, clock), spent=spent)], lease=lease, budget=BUDGET)
    ledger.leases.release(lease)
    if fate not in {UNFOLDED, DOUBTED}:
        ledger.batches.mark_folded([cut.id])
    if fate != DOUBTED:
        ledger.plans.mark(name, PlanState.SETTLED)
    ledger.runs.end(f"run-{name}", RunState.DONE)


def _settlement(cut: Cut, fate: str, clock: StandingClock) -> Settlement:
    now = clock.now()
    if fate == DOUBTED:
        return Settlement(cut, BatchState.IN_DOUBT, fence_until=now + timedelta(hours=1))
    receipts = tuple(Receipt(number, f"id{number}") for number in range(10))
    if fate == REJECTED:
        letter = DeadLetter(
            id=f"{cut.id}:9",
            sync=SYNC,
            plan_digest=cut.plan_digest,
            batch_id=cut.id,
            action_no=9,
            operation="update",
            key_hash=f"hash {cut.id}",
            row_hash=1,
            code="INVALID",
            fate="permanent",
            fields=(),
            text="",
            created_at=now,
        )
        return Settlement(
            cut, BatchState.DELIVERED, {"update": 9}, {"update": 1}, receipts[:9], letters=(letter,)
        )
    until = now + timedelta(days=10_000) if fate == FENCED else None
    return Settlement(
        cut, BatchState.DELIVERED, {"update": 10}, receipts=receipts, fence_until=until
    )


def rows(ledger: Ledger, *, but: Sequence[str] = ("audit",)) -> dict[str, int]:
    """Return how many rows each table has."""
    with ledger.store.read() as connected:
        return {
            name: connected.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for name, table in tables.metadata.tables.items()
            if name not in but
        }


def asked(ledger: Ledger) -> list[Any]:
    """Return the answers to all that planning, delivery, recovery and people ask of the ledger."""
    phases = [ledger.plans.latest(SYNC, phase) for phase in ("all", "few")]
    unknown = ledger.batches.unknown(SYNC)
    open_plans = {plan.digest for plan in phases if plan} | {b.cut.plan_digest for b in unknown}
    return [
        phases,
        unknown,
        ledger.batches.unfolded(SYNC),
        ledger.fences.of(SYNC),
        ledger.plans.tables_in_use(SYNC),
        ledger.plans.last_attempt(SYNC),
        # By whom does not matter: nothing goes again that was overtaken at all.
        {digest: ledger.plans.overtaken_by(digest) is None for digest in sorted(open_plans)},
        {digest: ledger.outcomes(digest) for digest in sorted(open_plans)},
        ledger.dead_letters.list(SYNC, state=None),
        ledger.rejected_rows(SYNC).to_pylist(),
        ledger.doubts.list(SYNC),
        ledger.quota.usage("crm"),
        ledger.runs.list(SYNC, limit=retention.RUNS_KEPT),
        ledger.audit.head(),
        ledger.audit.verify(),
    ]


@pytest.mark.parametrize("fate", [UNFOLDED, DOUBTED, FENCED, REJECTED])
def test_a_plan_stays_that_is_needed(ledger: Ledger, clock: StandingClock, fate: str) -> None:
    """For years, with all of its batches; an ordinary plan that is as old goes."""
    run(ledger, clock, "old", fate)
    for name in ("ordinary", "newer", "newest"):
        clock.later(days=1)
        run(ledger, clock, name, DELIVERED)
    clock.later(days=1000)
    before = asked(ledger)

    removed = ledger.retention.apply(KEEP)

    assert removed.rows["plan"] == removed.rows["batch"] == 2
    assert asked(ledger) == before
    check(ledger.outcomes("old"))
    assert ledger.batches.of_plan("ordinary") == ()


def test_the_newest_attempt_stays(ledger: Ledger, clock: StandingClock) -> None:
    """Its number tells older plans that they were overtaken, also when newer ones sent nothing."""
    run(ledger, clock, "doubted", DOUBTED, "few")
    run(ledger, clock, "sent", DELIVERED)
    clock.later(days=1000)
    run(ledger, clock, "unsent", UNSENT)
    clock.later(days=1000)
    run(ledger, clock, "newest", UNSENT)

    ledger.retention.apply(KEEP)

    assert ledger.plans.last_attempt(SYNC) == 2
    assert ledger.plans.overtaken_by("doubted") == "sent"
    assert ledger.plans.overtaken_by("newest") is None


def test_what_is_young_stays(ledger: Ledger, clock: StandingClock) -> None:
    """Nothing goes before its age is over, and all of it goes after."""
    run(ledger, clock, "first", DELIVERED)
    run(ledger, clock, "second", DELIVERED)
    clock.later(days=30)
    assert ledger.retention.apply(KEEP).total == 0
    clock.later(seconds=1)

    assert ledger.retention.apply(KEEP).rows == {"plan": 1, "batch": 1, "signal": 1}


def test_the_ledger_stays_small(ledger: Ledger, clock: StandingClock) -> None:
    """After the age that is kept, a day adds as much as goes; only the audit chain grows."""
    keep, sizes = timedelta(days=7), []
    for day in range(20):
        run(ledger, clock, f"plan-{day:03d}", DELIVERED)
        ledger.retention.apply(keep)
        sizes.append(rows(ledger, but=("audit", "run")))
        clock.later(days=1)

    assert sizes[9:] == [sizes[9]] * 11
    assert sizes[9]["plan"] == 8


def test_runs_stay_that_are_looked_at(
    ledger: Ledger, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old, the newest runs of each sync stay."""
    monkeypatch.setattr(retention, "RUNS_KEPT", 3)
    for number in range(5):
        ledger.runs.start(f"run-{number}", SYNC, "all")
        clock.later(days=1)
    ledger.runs.start("other", "another", "all")
    clock.later(days=100)

    assert ledger.retention.apply(KEEP).rows == {"run": 2}
    assert [one.run_id for one in ledger.runs.list(SYNC)] == ["run-4", "run-3", "run-2"]
    assert len(ledger.runs.list("another")) == 1


def test_what_goes_is_bounded(
    ledger: Ledger, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few rows a transaction, a few transactions a time; in between every answer is right."""
    monkeypatch.setattr(retention, "_PORTION", 2)
    monkeypatch.setattr(retention, "_PORTIONS", 2)
    for number in range(8):
        run(ledger, clock, f"plan-{number}", DELIVERED)
    clock.later(days=100)
    before = asked(ledger)

    for went in ({"plan": 4}, {"plan": 3}, {"batch": 4}, {"batch": 3}):
        assert ledger.retention.apply(KEEP).rows == went
        assert asked(ledger) == before


@pytest.fixture(scope="module")
def memory() -> Iterator[tuple[Ledger, StandingClock]]:
    """Return a ledger in memory, to be emptied for each history."""
    clock = StandingClock()
    with open_ledger("sqlite://", clock, hash_keys=HASH_KEYS) as opened:
        yield opened, clock


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([DELIVERED, UNFOLDED, DOUBTED, FENCED, REJECTED, UNSENT]),
            st.sampled_from(["all", "few"]),
            st.integers(0, 45),
        ),
        max_size=10,
    )
)
def test_nothing_that_is_asked_changes(
    memory: tuple[Ledger, StandingClock], history: list[tuple[str, str, int]]
) -> None:
    """Whatever has happened, every answer is what it was; and a second time nothing more goes."""
    ledger, clock = memory
    with ledger.store.write() as connected:
        for table in tables.metadata.tables.values():
            connected.execute(table.delete())
    for number, (fate, phase, days) in enumerate(history):
        run(ledger, clock, f"plan-{number}", fate, phase)
        clock.later(days=days)
    before = asked(ledger)

    ledger.retention.apply(KEEP)

    assert asked(ledger) == before
    assert ledger.retention.apply(KEEP).total == 0
