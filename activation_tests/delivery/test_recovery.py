from dataclasses import replace
from datetime import timedelta

import pytest

from activation.destinations.base import Fate, RowError
from activation.destinations.memory import MEMORY, Fault, Trouble
from activation.destinations.traits import Acknowledgement
from activation.errors import Paused, Unavailable
from activation.ledger.batches import BatchState
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, CrashError, Rig, actions, contract

LOCKED = RowError("UNABLE_TO_LOCK_ROW", "somebody else writes it", Fate.RETRYABLE)


def test_the_fence_outlives_the_answer(make_rig: MakeRig) -> None:
    """Keys of an unanswered attempt are fenced until it can no longer land, even if delivered."""
    rig = make_rig(200, script=[Fault(Trouble.LATE)])
    rig.deliver()

    (fenced,) = rig.ledger.fences.of(SYNC)
    assert fenced.actions == ((0, 199),)
    assert fenced.plan_table == f"plan_{rig.digest[:12]}"
    rig.later(seconds=60 + MEMORY.horizon.total_seconds())
    assert rig.ledger.fences.of(SYNC) == ()


def test_an_answered_batch_is_not_fenced(make_rig: MakeRig) -> None:
    """Nothing is fenced after a delivery in which every request was answered."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_REQUEST)])

    rig.deliver()

    assert rig.ledger.fences.of(SYNC) == ()


def test_what_is_only_queued_is_fenced(make_rig: MakeRig) -> None:
    """Where success means queued, accepted keys wait for the horizon, or for being seen."""
    queued = replace(MEMORY, acknowledges=Acknowledgement.QUEUED, horizon=timedelta(minutes=5))
    rig = make_rig(300, traits=queued, poison=["k00007"])
    rig.deliver()

    fenced = [actions for of in rig.ledger.fences.of(SYNC) for actions in of.actions]
    assert sum(last - first + 1 for first, last in fenced) == 299
    rig.later(minutes=6)
    assert rig.ledger.fences.of(SYNC) == ()


def test_a_fence_is_lifted_where_nothing_else_is_on_its_way(make_rig: MakeRig) -> None:
    """Rows that were seen are free, but for those of which an earlier attempt may yet land."""
    queued = replace(MEMORY, acknowledges=Acknowledgement.QUEUED)
    rig = make_rig(600, traits=queued, script=[None, Fault(Trouble.LATE)])
    rig.deliver()

    rig.ledger.fences.lift(rig.digest, but=[599, 5])

    fenced = [actions for of in rig.ledger.fences.of(SYNC) for actions in of.actions]
    assert sorted(fenced) == [(0, 199), (200, 399), (400, 599)]

    rig.ledger.fences.lift(rig.digest)

    (fence,) = rig.ledger.fences.of(SYNC)
    assert sum(last - first + 1 for first, last in fence.actions) == 200


def test_an_outage_after_a_lost_answer_leaves_doubt(make_rig: MakeRig) -> None:
    """Rows that may have arrived are in doubt, not held, and the next delivery settles them."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_ANSWER), *[Fault(Trouble.LOST_REQUEST)] * 3])

    with pytest.raises(Unavailable):
        rig.deliver()

    assert rig.totals()["in_doubt"] == 200
    assert rig.deliver(owner="run-2").totals["delivered"] == 200
    assert len(set(rig.destination.requests)) == 1
    assert rig.once_each()


def test_a_part_of_an_unanswered_batch_is_settled_too(make_rig: MakeRig) -> None:
    """Rows that were to go again when the run ended are settled, though their part never left."""
    rig = make_rig(10, script=[Fault(Trouble.LATE)], row_errors={"k00003": [LOCKED]})

    def pause(_progress: object) -> None:
        if len(rig.destination.requests) == 2:
            rig.ledger.switches.pause("all", reason="stop", author="operator")

    rig.on_progress = pause
    with pytest.raises(Paused):
        rig.deliver()

    assert (rig.totals()["delivered"], rig.totals()["in_doubt"]) == (9, 1)
    rig.ledger.switches.resume("all", reason="fine", author="operator")
    outcomes = rig.deliver(owner="run-2")
    assert (outcomes.totals["delivered"], outcomes.settled) == (10, True)


def test_an_unforeseen_error_loses_no_outcome(make_rig: MakeRig) -> None:
    """A mistake in one batch is told after the others are recorded; its own stays in doubt."""
    rig = make_rig(800)
    decode = rig.destination.decode

    def stumble(answer: object, keys: list[str]) -> object:
        if keys[0] == "k00200":
            message = "a mistake"
            raise KeyError(message)
        return decode(answer, keys)  # type: ignore[arg-type]

    rig.destination.decode = stumble  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyError):
        rig.deliver()

    totals = rig.totals()
    assert totals["delivered"] == len(rig.destination.records) - 200
    assert (totals["in_doubt"], totals["delivered"] > 0) == (200, True)


def test_an_answer_about_other_rows_is_no_answer(make_rig: MakeRig) -> None:
    """An answer with too few results leaves the batch unanswered, so it is asked again."""
    rig = make_rig(10)
    decode = rig.destination.decode
    answers = iter([1])

    def short(answer: object, keys: list[str]) -> object:
        results = decode(answer, keys)  # type: ignore[arg-type]
        return results[1:] if next(answers, None) else results

    rig.destination.decode = short  # type: ignore[method-assign, assignment]

    assert rig.deliver().totals["delivered"] == 10
    assert len(rig.destination.requests) == 2


def test_a_changed_plan_table_is_refused(make_rig: MakeRig) -> None:
    """When the frozen table lacks actions, nothing of the gap is guessed."""
    rig = make_rig(10)
    rig.frozen.rows = actions(9)

    with pytest.raises(Exception, match="9 of the actions 0 to 9"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_crash_leaves_an_intent(make_rig: MakeRig) -> None:
    """A process that dies while it sends leaves the batch as intended, with its deadline."""
    rig = crash(make_rig(200))

    (batch,) = rig.ledger.batches.of_plan(rig.digest)
    assert batch.state is BatchState.INTENDED
    assert batch.send_deadline is not None
    assert rig.totals()["in_doubt"] == 200


def test_delivering_again_after_a_crash(make_rig: MakeRig) -> None:
    """The same plan, delivered again, repeats the same bytes and makes no double."""
    rig = crash(make_rig(450))

    assert rig.deliver(owner="run-2").totals["delivered"] == 450
    assert len(rig.destination.requests) == 4
    assert len(set(rig.destination.requests)) == 3
    assert rig.once_each()


def test_settling_after_a_crash(make_rig: MakeRig) -> None:
    """What a dead run has left is settled before a new plan is made."""
    rig = crash(make_rig(200))

    settled = rig.settle()

    assert (settled.found, settled.in_doubt, settled.stopped) == (1, 0, None)
    assert rig.totals()["delivered"] == 200
    assert rig.once_each()
    assert rig.settle().found == 0


def test_settling_needs_the_same_bytes(make_rig: MakeRig) -> None:
    """If the plan's rows now encode differently, the batch stays in doubt and fenced."""
    rig = crash(make_rig(200))
    rig.frozen.rows = actions(200, value="v2")

    settled = rig.settle()

    assert (settled.found, settled.in_doubt) == (1, 1)
    assert len(rig.destination.requests) == 1
    assert len(rig.ledger.fences.of(SYNC)) == 1


def test_settling_never_sends_the_older_version(make_rig: MakeRig) -> None:
    """Once a later plan of the sync has begun to send, an earlier batch is not sent again."""
    rig = crash(make_rig(200))
    rig.later(minutes=1)
    newer = rig.with_rows(actions(200, value="v2"))
    newer.plan(digest="b" * 64)
    newer.deliver(owner="run-2")
    sent = len(rig.destination.requests)

    assert rig.settle(owner="run-3").in_doubt == 1
    assert len(rig.destination.requests) == sent
    assert rig.destination.records["k00001"]["Score"] == "v2"


def test_settling_heeds_the_switch(make_rig: MakeRig) -> None:
    """While the sync is paused, nothing is settled, and the reason is told."""
    rig = crash(make_rig(200))
    rig.ledger.switches.pause("connection:crm", reason="stop", author="operator")

    settled = rig.settle()

    assert isinstance(settled.stopped, Paused)
    assert (settled.in_doubt, len(rig.destination.requests)) == (1, 1)


def crash(rig: Rig) -> Rig:
    """Deliver, and die after the first request was applied and before it was answered."""
    send = rig.destination.send

    def die(*args: object, **options: object) -> None:
        rig.destination.send = send  # type: ignore[method-assign]
        send(*args, **options)  # type: ignore[arg-type]
        raise CrashError

    rig.contract = contract(quota={"requests_per_day": 1000, "concurrency": 1})
    rig.plan()
    rig.destination.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(CrashError):
        rig.deliver()
    return rig
