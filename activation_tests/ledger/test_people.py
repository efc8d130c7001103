"""What was done about people, in the ledger: named by keyed hashes, numbered, and audited."""

from __future__ import annotations

import pytest

from activation.errors import ConfigurationError, UsageError
from activation.hash_keys import HashKey, HashKeys
from activation.ledger import Ledger
from activation.ledger.people import People, PersonAct, Withheld
from activation_tests.hash_keys import HASH_KEYS


def record(ledger: Ledger, act: PersonAct, *people: str, scope: str = "all") -> int:
    """Keep an act."""
    return ledger.people.record(act, people, scope=scope, reason="asked", author="tests")


def test_an_act_is_kept_once(ledger: Ledger) -> None:
    """What holds already is not kept again, nor in the audit chain; each act has an entry there."""
    assert record(ledger, PersonAct.SUPPRESS, "a", "b", "a") == 2
    assert record(ledger, PersonAct.SUPPRESS, "b") == 0
    assert record(ledger, PersonAct.LIFT, "c") == 0
    assert record(ledger, PersonAct.LIFT, "b") == 1
    assert record(ledger, PersonAct.SUPPRESS, "b") == 1
    assert record(ledger, PersonAct.ERASE, "b") == 1
    assert [a.act for a in ledger.people.acts("b")] == ["suppress", "lift", "suppress", "erase"]
    entries = ledger.audit.list()
    assert [e.act for e in reversed(entries)] == [
        *("suppress", "suppress", "lift", "suppress", "erase"),
    ]
    assert entries[0].subject == {"scope": "all", "person": HASH_KEYS.current.person("b")[:16]}
    assert ledger.people.counts() == {Withheld.ERASED: 1, Withheld.SUPPRESSED: 1}


def test_a_scope_is_a_sync_a_connection_or_all(ledger: Ledger) -> None:
    """Lifting a suppression in one scope leaves it standing in another."""
    record(ledger, PersonAct.SUPPRESS, "a", scope="sync:s")
    record(ledger, PersonAct.SUPPRESS, "a", scope="connection:crm")
    record(ledger, PersonAct.LIFT, "a", scope="sync:s")

    assert ledger.people.barred("s", "crm").of("a") is Withheld.SUPPRESSED
    assert ledger.people.barred("s", "other").of("a") is None
    assert ledger.people.barred("s", "other").seen == 3


def test_a_former_key_still_names(ledger: Ledger) -> None:
    """After the key was changed, people are found under the former one, and can be lifted."""
    record(ledger, PersonAct.SUPPRESS, "a")
    record(ledger, PersonAct.ERASE, "b")
    newer = HashKey("a newer key of the tests, no secret")
    ledger.people = People(ledger.store, HashKeys(newer, (HASH_KEYS.current,)))

    assert record(ledger, PersonAct.SUPPRESS, "b") == record(ledger, PersonAct.ERASE, "b") == 0
    barred = ledger.people.barred("s", "crm")
    assert (barred.of("a"), barred.of("b")) == (Withheld.SUPPRESSED, Withheld.ERASED)
    assert record(ledger, PersonAct.LIFT, "a") == 1
    assert ledger.people.barred("s", "crm").of("a") is None


def test_a_missing_key_is_told(ledger: Ledger) -> None:
    """Who was named by a key that is not at hand cannot be told from anybody else."""
    record(ledger, PersonAct.ERASE, "a")
    ledger.people = People(ledger.store, HashKeys(HashKey("a newer key of the tests")))

    with pytest.raises(ConfigurationError, match="not at hand") as caught:
        ledger.people.barred("s", "crm")
    assert HASH_KEYS.current.id in caught.value.message


def test_nobody_is_named_without_a_key(ledger: Ledger) -> None:
    """A ledger that was opened without a key names nobody, and says what to do."""
    ledger.people = People(ledger.store, None)

    with pytest.raises(ConfigurationError, match="without a hash key"):
        record(ledger, PersonAct.ERASE, "a")


def test_an_act_says_why(ledger: Ledger) -> None:
    """Without a reason nothing is done."""
    with pytest.raises(UsageError, match="reason"):
        ledger.people.record(PersonAct.ERASE, ["a"], reason=" ", author="tests")
