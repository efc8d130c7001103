"""People who were suppressed or erased are heeded by the next request, whatever is under way."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from activation.delivery import Bounds
from activation.destinations.memory import Fault, Trouble
from activation.destinations.memory_jobs import jobs_of
from activation.errors import ConfigurationError
from activation.hash_keys import HashKey, HashKeys
from activation.ledger.people import People, PersonAct
from activation.planning.mapping import REVOKED_HASH
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, Rig, actions, contract, with_removals

PERSON = {
    "subject": "person",
    "purpose": "scores",
    "channel": "crm",
    "sources": [{"model": "agreed", "join": {"contact": "contact"}, "max_lag": "36h"}],
    "on_revoke": {"do": "clear"},
}


def about_people(rig: Rig, **changes: Any) -> Rig:
    """Let the contract of a rig be about people, and plan its rows anew."""
    rig.contract = contract(consent=PERSON, **changes)
    rig.plan(digest=f"{rig.frozen.rows.num_rows:064d}")
    return rig


def act(rig: Rig, what: PersonAct, *people: str, scope: str = "all") -> None:
    """Let an operator decide about people."""
    rig.ledger.people.record(what, people, scope=scope, reason="they asked", author="tests")


@pytest.mark.parametrize("what", [PersonAct.SUPPRESS, PersonAct.ERASE])
def test_who_is_barred_is_not_sent(make_rig: MakeRig, what: PersonAct) -> None:
    """Their rows are taken out and counted as blocked, each under the reason; the others leave."""
    rig = about_people(make_rig(400))
    act(rig, what, "k00003", "k00200", "nobody")

    outcomes = rig.deliver()

    reason = {PersonAct.SUPPRESS: "suppressed", PersonAct.ERASE: "erased"}[what]
    assert (outcomes.totals["delivered"], outcomes.totals["blocked"]) == (398, 2)
    assert outcomes.tallies["create"].blocked_by == {reason: 1}
    assert not any(b"k00003" in body or b"k00200" in body for body in rig.destination.requests)
    assert outcomes.settled


def test_a_key_is_meant_in_any_spelling(make_rig: MakeRig) -> None:
    """Vendors do not tell K00003 from k00003, so neither does a tombstone."""
    rig = about_people(make_rig(10))
    act(rig, PersonAct.ERASE, "k00003")
    rig = about_people(rig.with_rows(actions(10, prefix="K")))

    assert rig.deliver().totals["blocked"] == 1


@pytest.mark.parametrize("scope", ["all", "connection:crm", f"sync:{SYNC}"])
def test_no_request_leaves_after_the_act(make_rig: MakeRig, scope: str) -> None:
    """An act while a delivery runs is heeded by every request that is intended after it."""
    rig = about_people(make_rig(4000))
    rig.wire.latency = 1
    write = rig.ledger.write
    sent_before: list[int] = []

    def interrupted(*args: Any, **options: Any) -> Any:
        if len(rig.destination.requests) >= 5 and not sent_before:
            act(rig, PersonAct.SUPPRESS, *(f"k{n:05d}" for n in range(4000)), scope=scope)
            sent_before.append(rig.ledger.outcomes(rig.digest)["create"].in_doubt)
        return write(*args, **options)

    rig.ledger.write = interrupted  # type: ignore[method-assign]
    outcomes = rig.deliver()

    # Four are on the wire at once: those had left before the act.
    assert 5 <= len(rig.destination.requests) <= 5 + 4
    assert outcomes.totals["delivered"] == len(rig.destination.records)
    assert outcomes.totals["delivered"] + outcomes.totals["blocked"] == 4000
    assert outcomes.settled


@pytest.mark.parametrize("scope", ["connection:other", "sync:other"])
def test_other_scopes_are_not_held_back(make_rig: MakeRig, scope: str) -> None:
    """A suppression for one sync or connection leaves the others alone."""
    rig = about_people(make_rig(10))
    act(rig, PersonAct.SUPPRESS, "k00003", scope=scope)

    assert rig.deliver().totals["delivered"] == 10


def test_a_suppression_can_be_lifted_and_an_erasure_cannot(make_rig: MakeRig) -> None:
    """Who is suppressed is sent again once that is lifted; a tombstone stays."""
    rig = about_people(make_rig(10))
    act(rig, PersonAct.SUPPRESS, "k00003")
    act(rig, PersonAct.ERASE, "k00004")
    act(rig, PersonAct.LIFT, "k00003", "k00004")
    act(rig, PersonAct.SUPPRESS, "k00004")
    act(rig, PersonAct.LIFT, "k00004")

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 9
    assert outcomes.tallies["update"].blocked_by == {"erased": 1}


def test_what_takes_data_away_leaves(make_rig: MakeRig) -> None:
    """Removals of all, and what a withdrawal asks for of those who are suppressed, still leave."""
    rows = actions(20)
    hashes = pa.array([REVOKED_HASH] * 10 + list(range(100, 110)), pa.int64())
    rows = with_removals(rows.set_column(2, "row_hash", hashes), 5)
    rig = about_people(make_rig(1).with_rows(rows))
    rig.destination.records.update({f"r{n:05d}": {} for n in range(5)})
    act(rig, PersonAct.SUPPRESS, *(f"k{n:05d}" for n in range(20)), "r00001")
    act(rig, PersonAct.ERASE, "k00000", "r00000")

    outcomes = rig.deliver()

    assert outcomes.tallies["delete"].delivered == 5
    assert rig.destination.records.keys() == {f"k{n:05d}" for n in range(1, 10)}
    assert outcomes.totals["blocked"] == 11


def test_what_is_in_doubt_is_not_sent_again(make_rig: MakeRig) -> None:
    """After a lost answer the person stays in doubt, in this delivery and in those after it."""
    rig = about_people(make_rig(10, script=[Fault(Trouble.LATE)]))
    send, sent = rig.destination.send, rig.destination.requests

    def erased_meanwhile(*args: Any, **options: Any) -> Any:
        try:
            return send(*args, **options)
        finally:
            act(rig, PersonAct.ERASE, "k00004")

    rig.destination.send = erased_meanwhile  # type: ignore[method-assign]
    outcomes = rig.deliver()
    rig.settle()

    assert (outcomes.totals["delivered"], outcomes.totals["in_doubt"]) == (9, 1)
    assert [b"k00004" in body for body in sent] == [True] + [False] * (len(sent) - 1)


def test_a_job_is_not_started_with_somebody_who_was_erased(make_rig: MakeRig) -> None:
    """An act between the making of a job and its start lets the job go; the others go anew."""
    rig = make_rig(100)
    about_people(rig, quota={"requests_per_day": 1000, "concurrency": 1})
    jobs = rig.destination.run_jobs(traits=jobs_of(100))
    open_job = jobs.open_job

    def erased_meanwhile(*args: Any, **options: Any) -> str:
        opened = open_job(*args, **options)
        act(rig, PersonAct.ERASE, "k00004")
        return opened

    jobs.open_job = erased_meanwhile  # type: ignore[method-assign]
    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["blocked"]) == (99, 1)
    assert "k00004" not in rig.destination.records
    assert [job.starts for job in jobs.jobs.values()] == [0, 1]


def test_nobody_is_sent_while_a_key_is_missing(make_rig: MakeRig) -> None:
    """If people are named by a key that is gone, nobody knows who they are, and nothing leaves."""
    rig = about_people(make_rig(10))
    act(rig, PersonAct.ERASE, "k00004")
    other = HashKey("another key of the tests, no secret")
    keys = rig.ledger.people.hash_keys
    assert keys is not None
    rig.ledger.people = People(rig.ledger.store, HashKeys(other))

    with pytest.raises(ConfigurationError, match="not at hand"):
        rig.deliver()
    assert rig.destination.requests == []

    rig.ledger.people = People(rig.ledger.store, HashKeys(other, (keys.current,)))
    assert rig.deliver().totals["blocked"] == 1


def test_an_object_about_nobody_is_not_held_back(make_rig: MakeRig) -> None:
    """Where the contract says that no person is meant, a key names none."""
    rig = make_rig(10)
    act(rig, PersonAct.ERASE, "k00004")

    assert rig.deliver().totals["delivered"] == 10


def test_asking_costs_no_consent_look(make_rig: MakeRig) -> None:
    """Somebody who comes does not make the warehouse be asked again."""
    rig = about_people(make_rig(1000))
    rig.bounds = Bounds(recheck_seconds=3600)
    rig.on_progress = lambda _: act(rig, PersonAct.SUPPRESS, f"x{rig.time.seconds}")

    rig.deliver()

    assert rig.frozen.asked == 1
