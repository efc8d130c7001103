"""How long doubts fence their keys, and what a human's word on one leaves behind."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activation.delivery import receipts
from activation.delivery.doubt import (
    FOR_GOOD,
    fence_of_answer,
    fence_of_attempt,
    fence_of_doubt,
    fence_of_intent,
    same_bytes_may_go,
)
from activation.destinations.memory import MEMORY, Fault, Trouble
from activation.destinations.memory_jobs import MEMORY_JOBS
from activation.destinations.traits import Acknowledgement, Verb
from activation.errors import Unavailable, UsageError
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import START, SYNC, actions, contract
from activation_tests.delivery.test_doubt import CREATES, IMPATIENT, UNKEYED


def test_an_attempt_fences_until_it_can_no_longer_land() -> None:
    """What may be sent again for its horizon, what has no key of any kind for good."""
    horizon = START + MEMORY.horizon

    assert fence_of_attempt(MEMORY, START) == fence_of_attempt(CREATES, START) == horizon
    assert fence_of_attempt(UNKEYED, START) == FOR_GOOD
    assert fence_of_doubt(MEMORY, START) == START
    assert fence_of_doubt(CREATES, START) == FOR_GOOD
    assert fence_of_doubt(CREATES, None) is fence_of_doubt(MEMORY, None) is None


def test_an_intent_fences_what_a_dead_sender_may_have_made() -> None:
    """A job without an id made nothing; a creation may have."""
    creating_jobs = replace(MEMORY_JOBS, verbs=frozenset({Verb.CREATE}))

    for traits in (MEMORY, creating_jobs):
        assert fence_of_intent(traits, START) == START + traits.horizon
    assert fence_of_intent(CREATES, START) == fence_of_intent(UNKEYED, START) == FOR_GOOD


def test_what_is_queued_may_land_as_late_as_what_was_not_answered() -> None:
    """The later of both fences counts; what is applied at once needs none."""
    queued = replace(MEMORY, acknowledges=Acknowledgement.QUEUED)
    late, early = (START + MEMORY.horizon * times for times in (2, 0.5))

    assert fence_of_answer(queued, None, START) == START + MEMORY.horizon
    assert fence_of_answer(queued, late, START) == late
    assert fence_of_answer(queued, early, START) == START + MEMORY.horizon
    assert fence_of_answer(MEMORY, None, START) is None
    assert fence_of_answer(MEMORY, late, START) == late


def test_a_key_must_outlive_the_last_moment() -> None:
    """The time of the request counts too; a life that ends in that moment is too short."""
    last = START + CREATES.key_life - CREATES.horizon - timedelta(seconds=30)

    def may(traits: object, seconds: float) -> bool:
        assert isinstance(traits, type(CREATES))
        return same_bytes_may_go(traits, first_at=START, now=last, seconds=seconds)

    assert may(CREATES, 29) is True
    assert may(CREATES, 30) is False
    assert may(UNKEYED, 1) is may(MEMORY_JOBS, 1) is False
    assert may(MEMORY, 1) is True


@pytest.mark.parametrize("applied", [True, False])
def test_what_a_human_says_was_applied_is_folded(make_rig: MakeRig, *, applied: bool) -> None:
    """The delivered state gets a receipt for each row, and the audit chain tells the word."""
    rig = make_rig(20, traits=UNKEYED, script=[Fault(Trouble.LOST_ANSWER)])
    rig.deliver()
    (fenced,) = rig.ledger.fences.of(SYNC)
    assert (fenced.plan_digest, fenced.until) == (rig.digest, FOR_GOOD)
    (doubt,) = rig.ledger.doubts.list(SYNC)
    for words in ({"reason": " ", "author": "a"}, {"reason": "r", "author": ""}):
        with pytest.raises(UsageError, match="is missing"):
            rig.ledger.doubts.settle(SYNC, doubt.cut.id, applied=applied, **words)

    rig.ledger.doubts.settle(SYNC, doubt.cut.id, applied=applied, reason="seen", author="a")

    folded = receipts(rig.ledger, SYNC)
    rows = [row for one in folded for row in one.rows.to_pylist()]
    assert [row["action_no"] for row in rows] == list(range(20) if applied else ())
    assert {row["delivered_at"] for row in rows} == ({rig.time.now()} if applied else set())
    (entry,) = rig.ledger.audit.list(sync=SYNC, limit=1)
    assert entry.subject["applied"] == ("yes" if applied else "no")


def test_what_was_overtaken_stays_fenced(make_rig: MakeRig) -> None:
    """An upsert that nobody answered may land after a newer plan was sent; its keys stay shut."""
    rig = make_rig(20, script=[Fault(Trouble.LOST_ANSWER)])
    rig.contract = contract(replay=IMPATIENT)
    rig.plan()
    with pytest.raises(Unavailable):
        rig.deliver()
    (before,) = rig.ledger.fences.of(SYNC)
    newer = replace(rig.with_rows(actions(5, prefix="n")), digest="b" * 64)
    newer.plan(phase="few")
    newer.deliver()
    sent = len(rig.destination.requests)

    assert rig.settle().in_doubt == 1

    assert rig.ledger.fences.of(SYNC) == (before,)
    assert len(rig.destination.requests) == sent
