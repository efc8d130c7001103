import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from activation.destinations.base import Fate, RowError
from activation.destinations.memory import MEMORY, Fault, Trouble
from activation.destinations.traits import Bucket, EndpointClass
from activation.errors import Unavailable
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, InlineWire

T = TypeVar("T")

BAD_EMAIL = RowError("INVALID_EMAIL", "Name: Person 00017 is no address", Fate.PERMANENT, ("Name",))
ORPHAN = RowError("ORGANIZATION_NOT_FOUND", "its organization is not there", Fate.LATER)
LOCKED = RowError("UNABLE_TO_LOCK_ROW", "somebody else writes it", Fate.RETRYABLE)


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
    assert rig.once_each()


def test_an_outage_puts_the_batch_back(make_rig: MakeRig) -> None:
    """Rows that surely never arrived are held, and the next delivery completes them."""
    rig = make_rig(200, script=[Fault(Trouble.LOST_REQUEST)] * 4)

    with pytest.raises(Unavailable, match="in 4 attempts"):
        rig.deliver()

    assert rig.totals()["held"] == 200
    assert rig.ledger.outcomes(rig.digest)["create"].held_by == {"unavailable": 40}
    assert rig.deliver(owner="run-2").totals["delivered"] == 200


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


def test_row_errors_that_stay_become_dead_letters(make_rig: MakeRig) -> None:
    """A row that stays locked is rejected after the attempts allowed, and due again later."""
    rig = make_rig(200, row_errors={"k00003": [LOCKED] * 9})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (199, 1)
    assert outcomes.requests == 4
    assert rig.ledger.rejected_rows(SYNC).num_rows == 1
    rig.later(seconds=61)
    assert rig.ledger.rejected_rows(SYNC).num_rows == 0


def test_a_row_that_waits_for_another_record_goes_with_the_next_plan(make_rig: MakeRig) -> None:
    """It costs no further request of this delivery, and no payload has to change for it."""
    rig = make_rig(200, row_errors={"k00003": [ORPHAN]})

    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.totals["rejected"]) == (199, 1)
    assert outcomes.requests == 1
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


class SlowAnswers(InlineWire):
    """A wire on which answers take seconds, and all else no time."""

    def __init__(self, requests: list[bytes], seconds: float) -> None:
        super().__init__()
        self._requests = requests
        self._seconds = seconds

    async def run(self, call: Callable[[], T]) -> T:
        """Call, and let time pass if that was a request."""
        before = len(self._requests)
        result = call()
        asked = len(self._requests) > before
        await asyncio.sleep(self._seconds if asked else self.latency)
        return result


def test_an_answer_lets_the_next_request_go(make_rig: MakeRig) -> None:
    """Where the vendor takes one request at a time, the next one leaves when it has answered."""
    alone = replace(MEMORY, buckets=(Bucket("at once", 1, None),))
    rig = make_rig(1000, traits=alone)
    rig.wire = SlowAnswers(rig.destination.requests, seconds=5)

    rig.deliver()

    assert len(rig.destination.requests) == 5
    assert rig.time.seconds < 5 * 5 + 1
