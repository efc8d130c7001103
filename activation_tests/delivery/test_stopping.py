from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from activation.delivery import Bounds
from activation.destinations.memory import Fault, Trouble
from activation.errors import Busy, Paused, QuotaExhausted, Unavailable
from activation.ledger import Ledger
from activation.ledger.batches import BatchState
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, contract
from activation_tests.hash_keys import HASH_KEYS


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
    assert rig.once_each()


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
    assert rig.once_each()


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
    assert rig.once_each()


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
    write = rig.ledger.write
    late = iter([61])

    def slowly(*args: Any, **options: Any) -> Any:
        answers = write(*args, **options)
        rig.later(seconds=next(late, 0))
        return answers

    rig.ledger.write = slowly  # type: ignore[method-assign]
    outcomes = rig.deliver()

    assert (outcomes.totals["delivered"], outcomes.requests) == (10, 2)
    assert len(rig.destination.requests) == 1
    assert rig.ledger.fences.of(SYNC) == ()


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


def test_a_lost_lease_lets_no_request_start(make_rig: MakeRig) -> None:
    """A run whose lease was taken over before its intent sends nothing."""
    rig = make_rig(10)

    def take_over() -> list[int]:
        rig.later(seconds=301)
        rig.ledger.leases.acquire(SYNC, "run-2", seconds=300)
        return []

    rig.frozen.withdrawn = take_over
    with pytest.raises(Busy, match="run-2"):
        rig.deliver()

    assert (rig.destination.requests, rig.ledger.batches.of_plan(rig.digest)) == ([], ())


def test_a_lost_lease_lets_no_outcome_be_written(make_rig: MakeRig) -> None:
    """A run whose lease was taken over while it sent leaves the batch to the new owner."""
    rig = make_rig(10)
    send = rig.destination.send

    def slowly(*args: Any, **options: Any) -> Any:
        answer = send(*args, **options)
        rig.later(seconds=301)
        rig.ledger.leases.acquire(SYNC, "run-2", seconds=300)
        return answer

    rig.destination.send = slowly  # type: ignore[method-assign]
    with pytest.raises(Busy, match="run-2"):
        rig.deliver()

    (batch,) = rig.ledger.batches.of_plan(rig.digest)
    assert batch.state is BatchState.INTENDED


def test_a_paused_sync_asks_nobody(make_rig: MakeRig) -> None:
    """While paused, neither vendor nor warehouse is asked anything about consent."""
    rig = make_rig(10)
    rig.ledger.switches.pause("all", reason="stop", author="operator")

    with pytest.raises(Paused):
        rig.deliver()

    assert (rig.frozen.asked, rig.destination.requests) == (0, [])


def test_a_long_wait_keeps_the_lease(make_rig: MakeRig) -> None:
    """However long the vendor asks to wait for, nobody else gets the lease meanwhile."""
    rig = make_rig(1, script=[Fault(Trouble.RATE_LIMITED, retry_after=1200)])
    sleep = rig.time.sleep
    woken = []

    async def sleep_and_try(seconds: float) -> None:
        await sleep(seconds)
        with pytest.raises(Busy):
            rig.ledger.leases.acquire(SYNC, "run-2", seconds=300)
        woken.append(rig.time.seconds)

    rig.time.sleep = sleep_and_try  # type: ignore[method-assign]

    assert rig.deliver().totals["delivered"] == 1
    assert woken[-1] >= 1200


def test_a_file_pauses_everything(make_rig: MakeRig, tmp_path: Path) -> None:
    """While the kill file is there nothing is sent; its text is the reason."""
    rig = make_rig(10)
    file = tmp_path / "PAUSED"
    rig.ledger = Ledger(replace(rig.ledger.store, kill_file=file), HASH_KEYS)
    file.write_text("wrong prices")

    with pytest.raises(Paused, match="the file PAUSED: wrong prices"):
        rig.deliver()

    assert rig.destination.requests == []
    file.unlink()
    assert rig.deliver(owner="run-2").totals["delivered"] == 10


@pytest.mark.parametrize("there", ["a folder", "nothing"])
def test_a_kill_file_that_cannot_be_read_pauses(
    make_rig: MakeRig, tmp_path: Path, there: str
) -> None:
    """If nobody can say whether the file is there, nothing is sent."""
    rig = make_rig(10)
    home = tmp_path / "home"
    if there == "a folder":
        (home / "PAUSED").mkdir(parents=True)
    rig.ledger = Ledger(replace(rig.ledger.store, kill_file=home / "PAUSED"), HASH_KEYS)

    with pytest.raises(Paused):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_pause_ends_a_rest_within_a_second(make_rig: MakeRig) -> None:
    """A delivery that waits for the vendor's Retry-After hears the switch at once."""
    rig = make_rig(1, script=[Fault(Trouble.RATE_LIMITED, retry_after=1200)])
    sleep = rig.time.sleep
    paused_at: list[float] = []

    async def pause(seconds: float) -> None:
        if rig.time.seconds > 60 and not paused_at:
            paused_at.append(rig.time.seconds)
            rig.ledger.switches.pause("all", reason="stop", author="operator")
        await sleep(seconds)

    rig.time.sleep = pause  # type: ignore[method-assign]
    with pytest.raises(Paused):
        rig.deliver()

    assert rig.time.seconds - paused_at[0] <= 1
    assert len(rig.destination.requests) == 1
