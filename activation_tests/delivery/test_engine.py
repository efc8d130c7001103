from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activation.delivery import Bounds
from activation.destinations.base import EndpointClass, Fate, RowError
from activation.destinations.memory import MEMORY, Fault, Trouble
from activation.errors import Busy, Paused, QuotaExhausted, Unavailable
from activation.ledger.batches import BatchState
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, CrashError, Rig, actions, contract

BAD_EMAIL = RowError("INVALID_EMAIL", "Name: Person 00017 is no address", Fate.PERMANENT, ("Name",))
LOCKED = RowError("UNABLE_TO_LOCK_ROW", "somebody else writes it", Fate.RETRYABLE)


def once_each(rig: Rig) -> bool:
    """Return whether no record was made twice."""
    return max(rig.destination.creates.values(), default=0) <= 1


def test_one_bad_row_costs_its_neighbours_nothing(make_rig: MakeRig) -> None:
    """199 rows of a batch are delivered when the vendor refuses the 200th, which is kept."""
    rig = make_rig(200, row_errors={"k00017": [BAD_EMAIL]})

    outcomes = rig.deliver()

    assert outcomes.totals | {"planned": 200} == outcomes.totals
    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (199, 1)
    assert (outcomes.requests, outcomes.dead_letters, outcomes.settled) == (1, 1, True)
    (letter,) = rig.ledger.dead_letters.list(SYNC)
    assert (letter.action_no, letter.row_hash, letter.code) == (17, 17, "INVALID_EMAIL")
    assert letter.text == "Name: … is no address"


def test_requests_are_as_few_as_possible(make_rig: MakeRig) -> None:
    """1,001 rows travel in six requests of at most 200."""
    rig = make_rig(1001)

    outcomes = rig.deliver()

    assert outcomes.requests == len(rig.destination.requests) == 6
    assert outcomes.totals["delivered"] == len(rig.destination.records) == 1001


def test_progress_tells_every_row(make_rig: MakeRig) -> None:
    """The last thing that progress tells is the whole plan."""
    rig = make_rig(450, row_errors={"k00017": [BAD_EMAIL]})

    rig.deliver()

    last = rig.told[-1]
    assert (last.total, last.delivered, last.rejected, last.requests) == (450, 449, 1, 3)


def test_a_plan_is_delivered_once(make_rig: MakeRig) -> None:
    """Delivering a settled plan again sends nothing and tells what became of it."""
    rig = make_rig(10)
    first = rig.deliver()

    assert rig.deliver() == first
    assert len(rig.destination.requests) == 1


def test_batches_travel_at_the_same_time(make_rig: MakeRig) -> None:
    """Four batches in flight take about the time of one."""
    rig = make_rig(800)
    rig.wire.latency = 1.0

    rig.deliver()

    # A sequential delivery makes four calls a batch: switch, consent, intent, wire, record.
    assert rig.time.seconds < 4 * 5


def test_passing_trouble_is_tried_again(make_rig: MakeRig) -> None:
    """A batch that found no connection goes out again, as the same bytes."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_REQUEST), Fault(Trouble.RATE_LIMITED)])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 200
    assert outcomes.requests == 3
    assert len(set(rig.destination.requests)) == 1


def test_retry_after_is_honoured(make_rig: MakeRig) -> None:
    """The next attempt is made no earlier than the vendor asks for."""
    rig = make_rig(1, script=[Fault(Trouble.RATE_LIMITED, retry_after=120)])

    rig.deliver()

    assert rig.time.seconds >= 120


def test_a_lost_answer_is_settled_by_the_same_bytes(make_rig: MakeRig) -> None:
    """A request that was applied without an answer is repeated and makes no double."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_ANSWER)])

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 200
    assert len(rig.destination.requests) == 2
    assert len(set(rig.destination.requests)) == 1
    assert once_each(rig)


def test_the_fence_outlives_the_answer(make_rig: MakeRig) -> None:
    """Keys of an unanswered attempt are fenced until it can no longer land, even if delivered."""
    rig = make_rig(200, script=[Fault(Trouble.LATE)])
    rig.deliver()

    (fenced,) = rig.ledger.in_doubt_ranges(SYNC)
    assert fenced.actions == ((0, 199),)
    assert fenced.plan_table == f"plan_{rig.digest[:12]}"
    rig.later(seconds=60 + MEMORY.horizon.total_seconds())
    assert rig.ledger.in_doubt_ranges(SYNC) == ()


def test_an_answered_batch_is_not_fenced(make_rig: MakeRig) -> None:
    """Nothing is fenced after a delivery in which every request was answered."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_REQUEST)])

    rig.deliver()

    assert rig.ledger.in_doubt_ranges(SYNC) == ()


def test_an_outage_puts_the_batch_back(make_rig: MakeRig) -> None:
    """Rows that surely never arrived are held, and the next delivery completes them."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_REQUEST)] * 4)

    with pytest.raises(Unavailable, match="in 4 attempts"):
        rig.deliver()

    assert rig.totals()["held"] == 200
    assert rig.ledger.outcomes(rig.digest)["create"].held_by == {"unavailable": 40}
    assert rig.deliver(owner="run-2").totals["delivered"] == 200


def test_an_outage_after_a_lost_answer_leaves_doubt(make_rig: MakeRig) -> None:
    """Rows that may have arrived are in doubt, not held, and the next delivery settles them."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_ANSWER), *[Fault(Trouble.LOST_REQUEST)] * 3])

    with pytest.raises(Unavailable):
        rig.deliver()

    assert rig.totals()["in_doubt"] == 200
    assert rig.deliver(owner="run-2").totals["delivered"] == 200
    assert len(set(rig.destination.requests)) == 1
    assert once_each(rig)


def test_waits_fit_into_the_time_allowed(make_rig: MakeRig) -> None:
    """A vendor who asks for more patience than the contract has ends the delivery at once."""
    rig = make_rig(1, script=[Fault(Trouble.RATE_LIMITED, retry_after=3600)])

    with pytest.raises(Unavailable):
        rig.deliver()

    assert rig.time.seconds < 10


def test_an_endpoint_without_keys_is_not_asked_twice(make_rig: MakeRig) -> None:
    """Where a repetition could double, an unanswered batch stays in doubt; others go on."""
    traits = replace(MEMORY, endpoint_class=EndpointClass.UNKEYED)
    rig = make_rig(400, traits=traits, script=[Fault(Trouble.LOST_ANSWER)])

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["in_doubt"]) == (200, 200)
    assert (outcomes.settled, outcomes.requests) == (False, 2)
    rig.deliver(owner="run-2")
    assert len(rig.destination.requests) == 2


def test_row_errors_that_pass_are_tried_again(make_rig: MakeRig) -> None:
    """A locked row goes out again in a smaller batch of its own."""
    rig = make_rig(200, row_errors={"k00003": [LOCKED], "k00010": [LOCKED, LOCKED]})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.dead_letters) == (200, 0)
    assert outcomes.requests == 3


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


def test_row_errors_that_stay_become_dead_letters(make_rig: MakeRig) -> None:
    """A row that stays locked is rejected after the attempts allowed, and due again later."""
    rig = make_rig(200, row_errors={"k00003": [LOCKED] * 9})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (199, 1)
    assert outcomes.requests == 4
    assert rig.ledger.rejected_rows(SYNC).num_rows == 1
    rig.later(seconds=61)
    assert rig.ledger.rejected_rows(SYNC).num_rows == 0


def test_a_poisonous_row_is_found(make_rig: MakeRig) -> None:
    """When a row gets its batch refused whole, only that row is rejected."""
    rig = make_rig(200, poison={"k00007", "k00150"})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (198, 2)
    assert {letter.action_no for letter in rig.ledger.dead_letters.list(SYNC)} == {7, 150}


def test_a_vendor_that_refuses_everything_ends_the_delivery(make_rig: MakeRig) -> None:
    """Bisecting stops when row after row is refused: then it is not the rows."""
    rig = make_rig(2000, poison={f"k{n:05d}" for n in range(2000)})

    with pytest.raises(Unavailable, match="it is not the rows"):
        rig.deliver()

    assert len(rig.destination.requests) < 150
    totals = rig.totals()
    assert totals["planned"] == totals["rejected"] + totals["held"]


def test_large_rows_travel_in_smaller_batches(make_rig: MakeRig) -> None:
    """A batch whose bytes are too many is cut before it is sent."""
    rig = make_rig(200, traits=replace(MEMORY, batch_bytes=4000))

    outcomes = rig.deliver()

    assert outcomes.totals["delivered"] == 200
    assert max(map(len, rig.destination.requests)) <= 4000


def test_a_row_that_fits_no_request_is_rejected_unsent(make_rig: MakeRig) -> None:
    """A single row larger than a request becomes a dead letter and costs none."""
    rig = make_rig(1, traits=replace(MEMORY, batch_bytes=50))

    outcomes = rig.deliver()

    assert (outcomes.totals["rejected"], outcomes.requests) == (1, 0)
    assert rig.ledger.dead_letters.list(SYNC)[0].code == "TOO_LARGE"


def test_the_contracts_quota_is_kept(make_rig: MakeRig) -> None:
    """No request goes beyond the day's share; the next day completes the plan, nothing doubled."""
    rig = make_rig(1000)
    rig.contract = contract(quota={"requests_per_day": 3, "concurrency": 2})
    rig.plan()

    with pytest.raises(QuotaExhausted, match="3 requests"):
        rig.deliver()

    assert len(rig.destination.requests) == 3
    assert (rig.totals()["delivered"], rig.totals()["held"]) == (600, 400)
    assert rig.ledger.outcomes(rig.digest)["update"].held_by == {"quota": 320}
    rig.later(days=1)
    rig.bounds = Bounds(max_age=timedelta(days=2))
    assert rig.deliver(owner="run-2").totals["delivered"] == 1000
    assert len(rig.destination.requests) == 5
    assert once_each(rig)


def test_people_keep_their_headroom(make_rig: MakeRig) -> None:
    """What other tools have used counts, and a fifth of the account's limit is never touched."""
    rig = make_rig(2000, daily_limit=20)
    rig.destination.used = 10

    with pytest.raises(QuotaExhausted, match="kept for people"):
        rig.deliver()

    assert rig.destination.used == 16


@pytest.mark.parametrize(
    ("trouble", "expected"), [(Trouble.QUOTA, QuotaExhausted), (Trouble.ACCESS, Unavailable)]
)
def test_a_vendors_no_ends_the_delivery(
    make_rig: MakeRig, trouble: Trouble, expected: type[Exception]
) -> None:
    """When the account says no, the batch is put back and no other request starts."""
    rig = make_rig(2000, script=[None, Fault(trouble)])
    rig.contract = contract(quota={"requests_per_day": 1000, "concurrency": 1})
    rig.plan()

    with pytest.raises(expected):
        rig.deliver()

    assert len(rig.destination.requests) == 2
    assert (rig.totals()["delivered"], rig.totals()["held"]) == (200, 1800)
    assert rig.deliver(owner="run-2").totals["delivered"] == 2000
    assert once_each(rig)


def test_a_pause_holds_the_rest(make_rig: MakeRig) -> None:
    """What is in flight when the switch is turned is recorded; nothing else starts."""
    rig = make_rig(4000)

    def pause(_progress: object) -> None:
        if len(rig.told) == 3:
            rig.ledger.switches.pause(f"sync:{SYNC}", reason="looks wrong", author="operator")

    rig.on_progress = pause
    with pytest.raises(Paused, match="looks wrong"):
        rig.deliver()

    sent = len(rig.destination.requests)
    assert sent <= 3 + 4
    totals = rig.totals()
    assert totals["delivered"] == len(rig.destination.records) == sent * 200
    assert totals["held"] == 4000 - sent * 200
    with pytest.raises(Paused):
        rig.deliver(owner="run-2")
    assert len(rig.destination.requests) == sent

    rig.ledger.switches.resume(f"sync:{SYNC}", reason="it was fine", author="operator")
    assert rig.deliver(owner="run-3").totals["delivered"] == 4000
    assert len(rig.destination.requests) == 20
    assert once_each(rig)


def test_the_switch_is_read_before_a_repetition(make_rig: MakeRig) -> None:
    """A batch that waits for its next attempt is not sent once the switch is turned."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_ANSWER)])
    rig.on_progress = lambda _progress: rig.ledger.switches.pause(
        "all", reason="stop", author="operator"
    )

    with pytest.raises(Paused):
        rig.deliver()

    assert len(rig.destination.requests) == 1
    assert rig.totals()["in_doubt"] == 200


def test_the_switch_is_read_with_the_intent(make_rig: MakeRig) -> None:
    """A pause that comes while consent is asked for stops the request that was about to leave."""
    rig = make_rig(10)

    def pause() -> list[int]:
        rig.ledger.switches.pause("all", reason="stop", author="operator")
        return []

    rig.frozen.withdrawn = pause
    with pytest.raises(Paused):
        rig.deliver()

    assert (rig.destination.requests, rig.totals()["held"]) == ([], 10)


def test_a_request_does_not_start_after_its_deadline(make_rig: MakeRig) -> None:
    """A request whose time ran out before it began is not sent then, but intended anew."""
    rig = make_rig(10)
    intend = rig.ledger.intend
    late = iter([61])

    def slowly(*args: Any, **options: Any) -> None:
        intend(*args, **options)
        rig.later(seconds=next(late, 0))

    rig.ledger.intend = slowly  # type: ignore[method-assign]
    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.requests) == (10, 2)
    assert len(rig.destination.requests) == 1
    assert rig.ledger.in_doubt_ranges(SYNC) == ()


def test_consent_withdrawn_on_the_way_is_obeyed(make_rig: MakeRig) -> None:
    """Rows whose consent goes while the delivery runs are taken out and counted as blocked."""
    rig = make_rig(4000)
    rig.wire.latency = 10
    rig.frozen.withdrawn = lambda: [1, 3000, 3999] if rig.time.seconds > 60 else []

    outcomes = rig.deliver()

    assert {"k00001", "k03000", "k03999"} - rig.destination.records.keys() == {"k03000", "k03999"}
    assert (outcomes.totals["delivered"], outcomes.totals["blocked"]) == (3998, 2)
    assert outcomes.tallies["create"].blocked_by == {"revoked": 1}
    assert outcomes.settled
    assert rig.frozen.asked > 1


def test_a_batch_without_any_consent_left_is_blocked(make_rig: MakeRig) -> None:
    """When every row of a batch has lost consent, no request is made for it."""
    rig = make_rig(3)
    rig.frozen.withdrawn = lambda: [0, 1, 2]

    outcomes = rig.deliver()

    assert (outcomes.totals["blocked"], outcomes.requests) == (3, 0)
    assert outcomes.settled


def test_consent_withdrawn_between_attempts(make_rig: MakeRig) -> None:
    """After a lost answer a withdrawn row stays in doubt, and is not in what is sent again."""
    rig = make_rig(10, script=[Fault(Trouble.LATE)])
    rig.bounds = Bounds(recheck_seconds=0)
    rig.frozen.withdrawn = lambda: [4] if rig.destination.requests else []

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["in_doubt"]) == (9, 1)
    assert "k00004" not in rig.destination.records
    assert not outcomes.settled


def test_consent_that_cannot_be_asked_stops_everything(make_rig: MakeRig) -> None:
    """Without an answer on consent nothing is sent."""
    rig = make_rig(10)

    def unreachable() -> list[int]:
        message = "The warehouse cannot be reached."
        raise Unavailable(message)

    rig.frozen.withdrawn = unreachable
    with pytest.raises(Unavailable):
        rig.deliver()

    assert (rig.destination.requests, rig.totals()["held"]) == ([], 10)


def test_one_run_at_a_time(make_rig: MakeRig) -> None:
    """While somebody holds the lease of a sync, nobody else sends for it."""
    rig = make_rig(10)
    rig.ledger.leases.acquire(SYNC, "run-0", seconds=300)

    with pytest.raises(Busy, match="run-0"):
        rig.deliver()

    assert rig.destination.requests == []
    rig.later(seconds=300)
    assert rig.deliver().totals["delivered"] == 10


def test_a_lost_lease_stops_the_sleeper(make_rig: MakeRig) -> None:
    """A run whose lease was taken over starts no further request."""
    rig = make_rig(4000)

    def take_over(_progress: object) -> None:
        if len(rig.told) == 1:
            rig.time.seconds += 301
            rig.ledger.leases.acquire(SYNC, "run-2", seconds=300)

    rig.on_progress = take_over
    with pytest.raises(Busy, match="run-2"):
        rig.deliver()

    assert len(rig.destination.requests) <= 1 + 4


def test_a_long_wait_keeps_the_lease(make_rig: MakeRig) -> None:
    """Waiting as long as the vendor asks for does not lose the lease."""
    rig = make_rig(1, script=[Fault(Trouble.RATE_LIMITED, retry_after=1200)])

    assert rig.deliver().totals["delivered"] == 1


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

    assert (rig.totals()["delivered"], rig.totals()["in_doubt"]) == (600, 200)


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
    assert once_each(rig)


def test_settling_after_a_crash(make_rig: MakeRig) -> None:
    """What a dead run has left is settled before a new plan is made."""
    rig = crash(make_rig(200))

    settled = rig.settle()

    assert (settled.found, settled.in_doubt, settled.stopped) == (1, 0, None)
    assert rig.totals()["delivered"] == 200
    assert once_each(rig)
    assert rig.settle().found == 0


def test_settling_needs_the_same_bytes(make_rig: MakeRig) -> None:
    """If the plan's rows now encode differently, the batch stays in doubt and fenced."""
    rig = crash(make_rig(200))
    rig.frozen.rows = actions(200, value="v2")

    settled = rig.settle()

    assert (settled.found, settled.in_doubt) == (1, 1)
    assert len(rig.destination.requests) == 1
    assert len(rig.ledger.in_doubt_ranges(SYNC)) == 1


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
