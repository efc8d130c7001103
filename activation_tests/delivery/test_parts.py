"""The pure parts of delivery, and the wire of production."""

import asyncio
import random
import threading
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.delivery import DeliveryOrder, ThreadWire, deliver, mark_folded, receipts
from activation.delivery.parcels import cut_rows
from activation.delivery.retry import Patience
from activation.delivery.routes import Routes
from activation.delivery.scrub import scrub
from activation.destinations.base import Fate, RowError
from activation.destinations.memory import MEMORY, Fault, Trouble
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import SYNC, actions

JITTER = random.Random(1)  # noqa: S311 - no secret
PATIENCE = Patience(attempts=5, within=100, first_wait=2, longest_wait=10)
words = st.text(st.characters(categories=["L", "N", "Zs"]), min_size=3, max_size=30)


@given(st.integers(1, 4), st.randoms(use_true_random=False))
def test_waits_stay_below_their_ceiling(tries: int, randomness: random.Random) -> None:
    """A wait lies between nothing and a ceiling that doubles up to the longest."""
    wait = PATIENCE.wait(tries=tries, elapsed=0, retry_after=None, randomness=randomness)

    assert wait is not None
    assert 0 <= wait <= min(10, 2 * 2 ** (tries - 1))


@pytest.mark.parametrize(
    ("tries", "elapsed", "retry_after"), [(5, 0, None), (1, 100.1, None), (1, 60, 41)]
)
def test_patience_ends(tries: int, elapsed: float, retry_after: float | None) -> None:
    """There is no further attempt beyond the number or the time allowed."""
    wait = PATIENCE.wait(tries=tries, elapsed=elapsed, retry_after=retry_after, randomness=JITTER)

    assert wait is None


@given(words, st.lists(words, max_size=4), words)
def test_scrubbed_text_has_no_value(before: str, values: list[str], after: str) -> None:
    """No value of three letters or more survives in the vendor's words."""
    text = scrub(f"{before} {' '.join(values)} {after}", values)

    assert not [value for value in values if value in text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Email: invalid address: ann@example.com", "Email: invalid address: …"),
        ("duplicate of 0031x000009, call +49 (30) 1234-567", "duplicate of 0031x…, call …"),
        ("data too large: Montgom (max length=80)", "data too large: … (max length=80)"),
        ("Name may not be montgomery", "Name may not be …"),
        ("STRING_TOO_LONG in Name", "STRING_TOO_LONG in Name"),
    ],
)
def test_scrubbing_keeps_what_helps(text: str, expected: str) -> None:
    """Codes and field names stay; values, their beginnings, addresses and numbers go."""
    assert scrub(text, ["Montgomery Name", 12.5, None, True], keep={"Name"}) == expected


def test_pieces_fit_and_lose_nothing(make_rig: MakeRig) -> None:
    """Rows are cut by number and by bytes, in order, each exactly once."""
    rig = make_rig(450, traits=replace(MEMORY, batch_bytes=8_000))
    routes = Routes(rig.destination, rig.contract, rig.ledger, {"update": 450})

    pieces = list(cut_rows(rig.frozen.rows, 1, routes))

    assert [first for first, _ in pieces][:3] == [1, 101, 201]
    assert max(len(piece.payload) for _, piece in pieces) <= 8_000
    assert pa.concat_tables([piece.rows for _, piece in pieces]).equals(rig.frozen.rows)


def test_receipts_leave_rejected_actions_out(make_rig: MakeRig) -> None:
    """What is folded is what was delivered, with the destination's ids, and only once."""
    error = RowError("BAD", "no", Fate.PERMANENT)
    locked = RowError("LOCKED", "no", Fate.RETRYABLE)
    rig = make_rig(450, row_errors={"k00002": [error], "k00003": [locked]})
    rig.deliver()

    (folded,) = receipts(rig.ledger, SYNC)

    assert folded.plan_table == f"plan_{rig.digest[:12]}"
    ids = dict(
        zip(
            folded.rows.column("action_no").to_pylist(),
            folded.rows.column("destination_id").to_pylist(),
            strict=True,
        )
    )
    assert ids == {
        number: rig.destination.ids[f"k{number:05d}"] for number in range(450) if number != 2
    }
    assert set(folded.rows.column("plan_table").to_pylist()) == {folded.plan_table}
    mark_folded(rig.ledger, folded)
    assert receipts(rig.ledger, SYNC) == ()


def test_a_delivery_closes_the_dead_letter_of_its_key(make_rig: MakeRig) -> None:
    """A key that is delivered at last has no open dead letter any more."""
    rig = make_rig(5, row_errors={"k00002": [RowError("BAD", "no", Fate.PERMANENT)]})
    rig.deliver()
    rig.ledger.plans.record_verdicts(rig.digest, [])
    again = rig.with_rows(actions(5, value="v2"))
    again.plan(digest="b" * 64)

    assert len(rig.ledger.dead_letters.list(SYNC)) == 1
    again.deliver()
    assert rig.ledger.dead_letters.list(SYNC) == ()


def test_the_wire_runs_off_the_loop() -> None:
    """A blocking call runs in a thread of the wire, and its error comes back."""

    def fail() -> None:
        message = threading.current_thread().name
        raise ValueError(message)

    with ThreadWire(requests=1) as wire, pytest.raises(ValueError, match="activation-wire"):
        asyncio.run(wire.run(fail))


def test_threads_deliver_what_one_loop_does(make_rig: MakeRig) -> None:
    """With real threads and the machine's clock nothing is lost or doubled either."""
    rig = make_rig(1500, script=[None, Fault(Trouble.REFUSED)])
    rig.ledger.store.engine.dispose()
    with ThreadWire(requests=4) as wire:
        order = DeliveryOrder(rig.digest, rig.contract, "run-1")
        outcomes = asyncio.run(
            deliver(
                order,
                destination=rig.destination,
                actions=rig.frozen,
                ledger=rig.ledger,
                clock=rig.time,
                wire=wire,
                randomness=JITTER,
                progress=rig.told.append,
            )
        )

    assert outcomes.totals["delivered"] == len(rig.destination.records) == 1500
    assert outcomes.requests == len(rig.destination.requests) == 10
    assert max(rig.destination.creates.values()) == 1
