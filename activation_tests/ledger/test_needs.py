"""What a dead letter waits for, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.ledger import Ledger
from activation.ledger.dead_letters import DeadLetter, LetterState, add, overtake
from activation.ledger.needs import LONGEST_WAIT, MOST_REPLAYS, Need, diagnose, next_wait
from activation_tests.ledger.conftest import StandingClock

AT = datetime(2026, 1, 10, 12, tzinfo=UTC)
LETTER = DeadLetter(
    id="b:1",
    sync="s",
    plan_digest="d",
    batch_id="b",
    action_no=1,
    operation="update",
    key_hash="k",
    row_hash=1,
    code="BAD_EMAIL",
    fate="permanent",
    fields=(),
    text="no address",
    created_at=AT,
)


@pytest.mark.parametrize(
    ("changes", "need", "said"),
    [
        ({"fate": "retryable", "next_attempt_at": AT}, Need.RETRY_LATER, "from 2026-01-10 12:00"),
        ({"fate": "retryable", "attempts": 8}, Need.NEEDS_A_HUMAN, "did not in 8 deliveries"),
        ({"fields": ("Email", "City")}, Need.NEEDS_A_FIX, "Mend Email, City"),
        ({}, Need.NEEDS_A_FIX, "Mend what BAD_EMAIL names"),
        ({"code": "DUPLICATES_DETECTED"}, Need.NEEDS_A_HUMAN, "settle it in the destination"),
        ({"code": "INSUFFICIENT_ACCESS_OR_READONLY"}, Need.NEEDS_A_HUMAN, "our rights"),
    ],
)
def test_a_letter_says_what_it_needs(changes: dict[str, object], need: Need, said: str) -> None:
    """Time, a fix that is named, or a human."""
    found = diagnose(replace(LETTER, **changes))  # type: ignore[arg-type]

    assert found.need is need
    assert said in found.says


@given(
    first=st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=2)),
    attempts=st.integers(1, 40),
)
def test_waits_grow_and_end(first: timedelta, attempts: int) -> None:
    """No wait is shorter than the one before, or longer than half a day; and they end."""
    wait = next_wait(first, attempts)

    assert (wait is None) == (attempts >= MOST_REPLAYS)
    if wait is not None:
        assert first <= wait <= max(first, LONGEST_WAIT)
        before = first if attempts == 1 else next_wait(first, attempts - 1)
        assert before is not None
        assert before <= wait


def test_each_refusal_lets_a_row_wait_longer(ledger: Ledger, clock: StandingClock) -> None:
    """The wait doubles with each refusal, until somebody must look."""
    waits = []
    for number in range(MOST_REPLAYS):
        now = clock.now()
        due = now + timedelta(minutes=10)
        letter = replace(
            LETTER, id=f"b:{number}", fate="retryable", created_at=now, next_attempt_at=due
        )
        with ledger.store.write() as connected:
            add(connected, [letter])
        (kept,) = ledger.dead_letters.list("s")
        if kept.next_attempt_at is None:
            assert number == MOST_REPLAYS - 1
            break
        waits.append((kept.next_attempt_at - now) // timedelta(minutes=10))
        clock.later(hours=13)
    assert waits == [1, 2, 4, 8, 16, 32, 64]
    assert ledger.dead_letters.due("s") == ()


def test_what_is_due_is_what_has_waited_and_what_was_put_back(
    ledger: Ledger, clock: StandingClock
) -> None:
    """A delivery of the key closes both; a replay closes or puts off what it does not send."""
    waits = replace(
        LETTER,
        fate="retryable",
        created_at=clock.now(),
        next_attempt_at=clock.now() + timedelta(minutes=1),
    )
    put_back = replace(LETTER, id="b:2", key_hash="l", created_at=clock.now())
    stays = replace(LETTER, id="b:3", key_hash="m", created_at=clock.now())
    with ledger.store.write() as connected:
        add(connected, [waits, put_back, stays])
    ledger.dead_letters.replay("s", ["b:2"], reason="r", author="a")

    assert ledger.dead_letters.due("s") == ("l",)
    clock.later(minutes=1)
    assert set(ledger.dead_letters.due("s")) == {"k", "l"}

    ledger.dead_letters.settle_replay("s", overtaken=["k"], waiting=["l"], first=timedelta(hours=1))
    assert ledger.dead_letters.due("s") == ()
    assert ledger.dead_letters.next_due("s") == clock.now() + timedelta(hours=2)
    with ledger.store.write() as connected:
        overtake(connected, "s", ["l"])
    closed = ledger.dead_letters.list("s", state=LetterState.OVERTAKEN)
    assert {letter.key_hash for letter in closed} == {"k", "l"}
