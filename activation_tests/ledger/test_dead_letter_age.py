"""How long dead letters are kept."""

from datetime import timedelta

from activation.destinations.base import Fate
from activation.ledger import Ledger
from activation.ledger.dead_letters import DeadLetter, add
from activation_tests.hash_keys import HASH_KEYS
from activation_tests.ledger.conftest import StandingClock

NAMES = HASH_KEYS.current


def test_old_letters_are_forgotten_and_their_rows_go_out_again(
    ledger: Ledger, clock: StandingClock
) -> None:
    """A letter older than the contract says no longer holds its row back; a younger one does."""
    for number, age in enumerate((timedelta(days=31), timedelta(days=29))):
        letter = DeadLetter(
            id=str(number),
            sync="s",
            plan_digest="d",
            batch_id="b",
            action_no=number,
            operation="update",
            key_hash=NAMES.row("s", str(number)),
            row_hash=number,
            code="REQUIRED_FIELD_MISSING",
            fate=Fate.PERMANENT,
            fields=("LastName",),
            text="",
            created_at=clock.now() - age,
        )
        with ledger.store.write() as connected:
            add(connected, [letter])

    forgotten = ledger.dead_letters.forget("s", older_than=timedelta(days=30))

    assert forgotten == 1
    assert ledger.rejected_rows("s")["row_hash"].to_pylist() == [1]
