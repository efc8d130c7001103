"""Dead letters and what they keep from going out again."""

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from activation.hash_keys import plain
from activation.ledger import Ledger
from activation.ledger.dead_letters import DeadLetter, LetterState, add, overtake
from activation_tests.hash_keys import HASH_KEYS
from activation_tests.ledger.conftest import StandingClock

NAMES = HASH_KEYS.current


@pytest.fixture
def letter(clock: StandingClock) -> DeadLetter:
    """Return a letter of key `k`."""
    return DeadLetter(
        id="b:1",
        sync="s",
        plan_digest="d",
        batch_id="b",
        action_no=1,
        operation="update",
        key_hash=NAMES.row("s", "k"),
        row_hash=-5,
        code="BAD",
        fate="permanent",
        fields=("Email",),
        text="no address",
        created_at=clock.now(),
    )


def write(ledger: Ledger, *letters: DeadLetter) -> None:
    """Add letters."""
    with ledger.store.write() as connected:
        add(connected, letters)


def test_a_letter_comes_back_as_it_was(ledger: Ledger, letter: DeadLetter) -> None:
    """Every part of a letter is kept."""
    write(ledger, letter)

    assert ledger.dead_letters.list("s") == (letter,)


def test_a_newer_letter_takes_the_place_of_the_older(
    ledger: Ledger, letter: DeadLetter, clock: StandingClock
) -> None:
    """A key has one open letter, which counts how often it was rejected."""
    write(ledger, letter)
    clock.later(hours=1)
    write(ledger, replace(letter, id="c:1", row_hash=6, created_at=clock.now()))

    (still_open,) = ledger.dead_letters.list("s")
    assert (still_open.id, still_open.attempts) == ("c:1", 2)
    assert [old.id for old in ledger.dead_letters.list("s", state=LetterState.OVERTAKEN)] == ["b:1"]


def test_rejected_rows_wait_until_they_change(ledger: Ledger, letter: DeadLetter) -> None:
    """A rejected or dropped payload is among the rows that do not go out again."""
    write(ledger, letter, replace(letter, id="b:2", key_hash=NAMES.row("s", "l"), row_hash=2**62))
    ledger.dead_letters.drop("s", ["b:2"], reason="r", author="a")

    rejected = ledger.rejected_rows("s")

    assert rejected.schema == pa.schema([("key_hash", pa.string()), ("row_hash", pa.int64())])
    assert set(rejected.column("row_hash").to_pylist()) == {-5, 2**62}
    assert ledger.rejected_rows("other").num_rows == 0


def test_a_passing_error_is_due_again(
    ledger: Ledger, letter: DeadLetter, clock: StandingClock
) -> None:
    """A row that may pass later goes out again when its next attempt is due."""
    write(ledger, replace(letter, next_attempt_at=clock.now() + timedelta(minutes=5)))

    assert ledger.rejected_rows("s").num_rows == 1
    clock.later(minutes=5)
    assert ledger.rejected_rows("s").num_rows == 0


def test_a_replay_lets_rows_out(ledger: Ledger, letter: DeadLetter) -> None:
    """A replayed letter no longer keeps its row back; one that is named alone moves alone."""
    write(ledger, letter, replace(letter, id="b:2", key_hash=NAMES.row("s", "l")))

    assert ledger.dead_letters.replay("s", ["b:2"], reason="r", author="a") == 1
    assert ledger.rejected_rows("s").column("key_hash").to_pylist() == [NAMES.row("s", "k")]
    assert ledger.dead_letters.replay("s", reason="r", author="a") == 1
    assert ledger.dead_letters.replay("s", reason="r", author="a") == 0
    assert ledger.rejected_rows("s").num_rows == 0


def test_delivery_overtakes(ledger: Ledger, letter: DeadLetter) -> None:
    """The letter of a delivered key closes; those of other keys and syncs stay."""
    write(
        ledger,
        letter,
        replace(letter, id="b:2", key_hash=NAMES.row("s", "l")),
        replace(letter, id="b:3", sync="t"),
    )
    with ledger.store.write() as connected:
        overtake(
            connected, "s", [NAMES.row("s", "k"), *(NAMES.row("s", str(n)) for n in range(1200))]
        )

    assert ledger.dead_letters.open_keys("s") == {NAMES.row("s", "l")}
    assert ledger.dead_letters.open_keys("t") == {NAMES.row("s", "k")}


def test_letters_are_counted_by_class(
    ledger: Ledger, letter: DeadLetter, clock: StandingClock
) -> None:
    """Open letters are counted by code, the most frequent first, with the oldest of each."""
    oldest = clock.now()
    write(ledger, letter, replace(letter, id="b:2", key_hash="l", code="WORSE"))
    clock.later(hours=1)
    write(ledger, replace(letter, id="b:3", key_hash="m", code="WORSE", created_at=clock.now()))

    counts = ledger.dead_letters.counts("s")

    assert [(count.code, count.rows, count.oldest) for count in counts] == [
        ("WORSE", 2, oldest),
        ("BAD", 1, oldest),
    ]
    assert ledger.dead_letters.of_plan("d") == 3


def test_letters_without_a_key_get_one(ledger: Ledger, letter: DeadLetter) -> None:
    """What an older version named by a plain hash is named by the key, without knowing the row."""
    write(ledger, replace(letter, key_hash=plain("s", "k")))

    assert (ledger.dead_letters.rename(NAMES), ledger.dead_letters.rename(NAMES)) == (1, 0)

    (renamed,) = ledger.dead_letters.list("s")
    assert (renamed.key_hash, renamed.hash_key) == (NAMES.row("s", "k"), NAMES.id)
