"""The audit chain: what goes into it, and that tampering shows."""

from contextlib import suppress

import pytest
import sqlalchemy as sa

from activation.errors import UsageError
from activation.ledger import Ledger, tables
from activation.ledger.audit import GENESIS, Act, append
from activation_tests.ledger.conftest import StandingClock


def act(ledger: Ledger, clock: StandingClock, times: int = 1) -> None:
    """Pause something so often, a minute apart."""
    for number in range(times):
        clock.later(minutes=1, microseconds=1)
        ledger.switches.pause("sync:s", reason=f"look {number}", author="operator")


def test_a_new_ledger_has_a_whole_chain(ledger: Ledger) -> None:
    """Without an act the chain is whole, and its end is its beginning."""
    assert ledger.audit.verify() is None
    assert ledger.audit.head() == GENESIS
    assert ledger.audit.list() == ()


def test_acts_say_who_what_when_and_why(ledger: Ledger, clock: StandingClock) -> None:
    """A pause, a resumption and an opened phase are kept, newest first."""
    ledger.switches.pause("connection:crm", reason="outage", author="ann")
    ledger.switches.resume("connection:crm", reason="over", author="ben")
    ledger.phases.open("s", "canary", reason="start", author="cy")

    newest, middle, oldest = ledger.audit.list()

    assert (oldest.act, oldest.subject, oldest.reason) == (
        Act.PAUSE,
        {"scope": "connection:crm"},
        "outage",
    )
    assert (middle.act, middle.author) == (Act.RESUME, "ben")
    assert (newest.act, newest.subject, newest.at) == (
        Act.OPEN,
        {"sync": "s", "phase": "canary"},
        clock.now(),
    )
    assert ledger.audit.list(sync="s") == (newest,)
    assert ledger.audit.verify() is None


def test_opening_again_is_no_act(ledger: Ledger) -> None:
    """A phase that is open already is not opened a second time."""
    ledger.phases.open("s", "canary", reason="start", author="a")
    ledger.phases.open("s", "canary", reason="again", author="a")

    assert len(ledger.audit.list()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"reason": "nothing"},
        {"author": "somebody else"},
        {"subject": {"scope": "all"}},
        {"act": "resume"},
        {"hash": "f" * 64},
    ],
)
def test_a_changed_entry_breaks_the_chain(
    ledger: Ledger, clock: StandingClock, change: dict[str, object]
) -> None:
    """Whatever of an entry is changed, verification names that entry."""
    act(ledger, clock, times=5)
    table = tables.audit
    with ledger.store.write() as connected:
        connected.execute(table.update().where(table.c.no == 3).values(**change))

    broken = ledger.audit.verify()

    assert broken is not None
    assert broken.no == 3


def test_a_missing_entry_is_named(ledger: Ledger, clock: StandingClock) -> None:
    """An entry that was taken out is missed, also if the others are left alone."""
    act(ledger, clock, times=4)
    with ledger.store.write() as connected:
        connected.execute(tables.audit.delete().where(tables.audit.c.no == 2))

    broken = ledger.audit.verify()

    assert broken is not None
    assert (broken.no, broken.what) == (2, "1 entry before 3 missing")


def test_a_cut_end_shows_against_a_noted_hash(ledger: Ledger, clock: StandingClock) -> None:
    """A chain whose newest entries were cut off is whole, but lacks the hash noted elsewhere."""
    act(ledger, clock, times=3)
    noted = ledger.audit.head()
    assert ledger.audit.verify(known=noted) is None
    with ledger.store.write() as connected:
        connected.execute(sa.delete(tables.audit).where(tables.audit.c.no == 3))

    assert ledger.audit.verify() is None
    assert ledger.audit.verify(known=noted) is not None


def test_an_act_that_fails_leaves_no_entry(ledger: Ledger, clock: StandingClock) -> None:
    """The entry is written with the act: an act that is rolled back was never audited."""
    act(ledger, clock)
    with suppress(UsageError), ledger.store.write() as connected:
        append(connected, Act.DROP, {"sync": "s"}, author="a", reason="r", at=clock.now())
        raise UsageError("it could not be carried out")

    assert len(ledger.audit.list()) == 1
