"""What may be done about a request that nobody answered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from activation.delivery import Bounds
from activation.delivery.doubt import same_bytes_may_go
from activation.destinations.base import Answer
from activation.destinations.memory import MEMORY, Fault, MemoryDestination, Trouble
from activation.destinations.memory_jobs import JobTrouble, jobs_of
from activation.destinations.traits import EndpointClass, Traits, Verb
from activation.errors import Unavailable, UsageError
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import START, SYNC, CrashError, InlineWire, contract


class Watched(MemoryDestination):
    """Keeps how long each answer was waited for at most."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.waited: list[float] = []

    def send(self, target: Any, payload: bytes, *, seconds: float) -> Answer:
        """Send, and remember the time given for it."""
        self.waited.append(seconds)
        return super().send(target, payload, seconds=seconds)


def test_each_request_has_its_whole_time(make_rig: MakeRig) -> None:
    """A request is cleared when there is a place on the wire, and does not wait for one after."""
    rig = make_rig(1000)
    rig.destination = destination = Watched()
    rig.contract = contract(quota={"requests_per_day": 1000, "concurrency": 1})
    rig.wire = InlineWire(latency=5)
    rig.plan()

    rig.deliver()

    assert destination.waited == [50.0] * 5


@pytest.mark.parametrize(("minutes", "may"), [(49, True), (51, False)])
def test_a_key_outlives_what_may_land_late(minutes: int, *, may: bool) -> None:
    """A creation goes again only if the vendor knows its key until it may have taken effect."""
    traits = replace(
        MEMORY,
        endpoint_class=EndpointClass.IDEMPOTENT_CREATE,
        horizon=timedelta(minutes=10),
        key_life=timedelta(hours=1),
    )
    now = START + timedelta(minutes=minutes)

    assert same_bytes_may_go(traits, first_at=START, now=now, seconds=0) is may


IMPATIENT = {
    "attempts": 1,
    "within": "30m",
    "first_wait": "1s",
    "longest_wait": "60s",
    "keep_dead_letters": "30d",
}
CREATES = replace(
    MEMORY,
    endpoint_class=EndpointClass.IDEMPOTENT_CREATE,
    horizon=timedelta(minutes=10),
    key_life=timedelta(hours=1),
)
UNKEYED = replace(MEMORY, endpoint_class=EndpointClass.UNKEYED)


def test_a_creation_goes_again_while_its_key_lives(make_rig: MakeRig) -> None:
    """The vendor's own key makes a repetition of the same bytes harmless."""
    rig = make_rig(200, traits=CREATES, script=[Fault(Trouble.LOST_ANSWER)])

    assert rig.deliver().totals["delivered"] == 200
    assert len(set(rig.destination.requests)) == 1
    assert rig.once_each()


def test_a_creation_whose_key_is_forgotten_is_held(make_rig: MakeRig) -> None:
    """After the key's life nobody sends the batch again, nor its keys in any other batch."""
    rig = make_rig(200, traits=CREATES, script=[Fault(Trouble.LOST_ANSWER)])
    rig.contract = contract(replay=IMPATIENT)
    rig.plan()
    with pytest.raises(Unavailable):
        rig.deliver()
    sent = len(rig.destination.requests)
    rig.later(hours=2)

    assert rig.settle().in_doubt == 1
    assert len(rig.destination.requests) == sent
    rig.later(days=1000)
    (fenced,) = rig.ledger.fences.of(SYNC)
    assert fenced.actions == ((0, 199),)


def test_consent_that_goes_keeps_a_creation_whole(make_rig: MakeRig) -> None:
    """Without one row the bytes would be others, and so would the key: nothing goes again."""
    rig = make_rig(10, traits=CREATES, script=[Fault(Trouble.LOST_ANSWER)])
    rig.bounds = Bounds(recheck_seconds=0)
    rig.frozen.withdrawn = lambda: [4] if rig.destination.requests else []

    outcomes = rig.deliver()

    assert (outcomes.totals["in_doubt"], len(rig.destination.requests)) == (10, 1)


@pytest.mark.parametrize("traits", [CREATES, UNKEYED], ids=["key", "none"])
def test_a_crash_fences_creations_for_good(make_rig: MakeRig, traits: Traits) -> None:
    """What a dead process may have created is planned anew by nobody, however long it is ago."""
    rig = make_rig(200, traits=traits)

    def die(*_: object, **__: object) -> None:
        raise CrashError

    rig.destination.send = die  # type: ignore[method-assign, assignment]
    with pytest.raises(CrashError):
        rig.deliver()
    rig.later(days=1000)

    assert len(rig.ledger.fences.of(SYNC)) == 1


@pytest.mark.parametrize("traits", [CREATES, UNKEYED], ids=["key", "none"])
def test_a_creation_that_the_answer_passes_over_is_held(make_rig: MakeRig, traits: Traits) -> None:
    """A row of which the vendor says nothing may be there: sent again, it would be there twice."""
    rig = make_rig(10, traits=traits, script=[Fault(Trouble.PARTIAL)])

    totals = rig.deliver().totals

    assert (totals["delivered"], totals["in_doubt"]) == (5, 5)
    assert rig.settle().in_doubt == 1
    rig.later(days=1000)
    (fenced,) = rig.ledger.fences.of(SYNC)
    assert fenced.actions == ((5, 9),)
    assert len(rig.destination.requests) == 1


def test_an_upsert_that_the_answer_passes_over_goes_again(make_rig: MakeRig) -> None:
    """Under its key a row may be written twice."""
    rig = make_rig(10, script=[Fault(Trouble.PARTIAL)])

    assert rig.deliver().totals["delivered"] == 10
    assert len(rig.destination.requests) == 2
    assert rig.once_each()


def test_a_creation_that_a_job_passes_over_is_held(make_rig: MakeRig) -> None:
    """A job that created rows is over; those it says nothing of go out in no other one."""
    rig = make_rig(10)
    traits = replace(jobs_of(10), verbs=frozenset({Verb.CREATE}))
    jobs = rig.destination.run_jobs(traits=traits, script=[JobTrouble.HALF_DONE])
    rig.frozen.rows = rig.frozen.rows.append_column("verb", pa.array(["create"] * 10))

    assert rig.deliver().totals["in_doubt"] == 5
    assert rig.settle().in_doubt == 1
    assert len(jobs.jobs) == 1


@pytest.mark.parametrize("applied", [True, False])
def test_a_human_settles_what_is_held(make_rig: MakeRig, *, applied: bool) -> None:
    """What was held for good is delivered, or goes out again, as somebody says who has looked."""
    rig = make_rig(200, traits=UNKEYED, script=[Fault(Trouble.LOST_ANSWER)])
    rig.deliver()
    (doubt,) = rig.ledger.doubts.list(SYNC)

    rig.ledger.doubts.settle(
        SYNC, doubt.cut.id, applied=applied, reason="looked there", author="operator"
    )

    assert not rig.ledger.doubts.list(SYNC)
    assert not rig.ledger.fences.of(SYNC)
    totals = rig.totals()
    assert (totals["delivered"], totals["held"]) == ((200, 0) if applied else (0, 200))
    (entry,) = rig.ledger.audit.list(sync=SYNC, limit=1)
    assert (entry.act, entry.subject["batch"]) == ("settle", doubt.cut.id)
    assert rig.deliver(owner="run-2").totals["delivered"] == 200
    assert len(rig.destination.requests) == (1 if applied else 2)


def test_only_what_is_in_doubt_is_settled(make_rig: MakeRig) -> None:
    """A batch whose fate is known is not for a human to decide."""
    rig = make_rig(10)
    rig.deliver()
    (batch,) = rig.ledger.batches.of_plan(rig.digest)

    with pytest.raises(UsageError, match="is in doubt"):
        rig.ledger.doubts.settle(SYNC, batch.cut.id, applied=True, reason="r", author="a")
