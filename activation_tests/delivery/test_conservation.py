"""Whatever happens on the way, no row is lost, none is doubled, and none is set back."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.delivery import Bounds, receipts
from activation.destinations.base import Fate, RowError
from activation.destinations.memory import MEMORY, Fault, MemoryDestination, Trouble
from activation.errors import Stopped
from activation.ledger import Ledger, open_ledger
from activation.ledger.conservation import check
from activation_tests.delivery.rig import CrashError, FrozenActions, Rig, Time, actions, contract
from activation_tests.hash_keys import HASH_KEYS

ROWS = 24
BATCH = 5
KEYS = [f"k{n:05d}" for n in range(ROWS)]
_numbers = itertools.count()

faults = st.lists(
    st.one_of(
        st.none(),
        st.sampled_from(Trouble).map(Fault),
        st.just("crash"),
    ),
    max_size=10,
)
row_errors = st.dictionaries(
    st.sampled_from(KEYS),
    st.lists(st.sampled_from(Fate), min_size=1, max_size=6),
    max_size=5,
)


class Mortal(MemoryDestination):
    """A destination that may take the process with it, before or after it applies a request."""

    def __init__(self, steps: list[Fault | str | None], errors: dict[str, list[RowError]]) -> None:
        script = [None if step == "crash" else step for step in steps]
        super().__init__(
            traits=replace(MEMORY, batch_rows=BATCH),
            script=script,  # type: ignore[arg-type]
            row_errors=errors,
            poison={KEYS[3]} if len(steps) % 3 == 0 else (),
        )
        self.crashes = {number for number, step in enumerate(steps) if step == "crash"}
        self.calls = 0

    def send(self, *args: object, **options: object) -> object:  # type: ignore[override]
        """Send, or die: on even calls after the request was applied, else before."""
        number, self.calls = self.calls, self.calls + 1
        if number in self.crashes and number % 2:
            raise CrashError
        answer = super().send(*args, **options)  # type: ignore[arg-type]
        if number in self.crashes:
            raise CrashError
        return answer


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Ledger, Time]]:
    """Return a ledger in memory for all examples, each of which has a sync of its own."""
    time = Time()
    with open_ledger("sqlite://", time, hash_keys=HASH_KEYS) as ledger:
        yield ledger, time


@settings(max_examples=30)
@given(
    steps=faults,
    fates=row_errors,
    withdrawn=st.sets(st.integers(0, ROWS - 1), max_size=5),
    from_request=st.integers(0, 10),
    concurrency=st.integers(1, 4),
)
def test_rows_are_conserved(  # noqa: PLR0913, PLR0917 - each is drawn on its own
    shared: tuple[Ledger, Time],
    steps: list[Fault | str | None],
    fates: dict[str, list[Fate]],
    withdrawn: set[int],
    from_request: int,
    concurrency: int,
) -> None:
    """Under any script of faults and crashes the rows add up at every end, and all end well."""
    ledger, time = shared
    sync = f"s{next(_numbers)}"
    errors = {key: [RowError(f"E_{fate}", "no", fate) for fate in f] for key, f in fates.items()}
    destination = Mortal(steps, errors)
    frozen = FrozenActions(actions(ROWS))
    frozen.withdrawn = lambda: withdrawn if destination.calls >= from_request else ()
    rig = Rig(ledger, time, destination, frozen, digest=sha256(sync.encode()).hexdigest())
    rig.bounds = Bounds(max_age=timedelta(days=30), recheck_seconds=0)
    rig.contract = contract(sync=sync, quota={"requests_per_day": 9999, "concurrency": concurrency})
    rig.plan()
    for attempt in range(30):
        try:
            rig.deliver(owner=f"run-{attempt}")
        except (Stopped, CrashError):
            check(ledger.outcomes(rig.digest))
            continue
        break
    else:
        pytest.fail("the plan never came to its end")

    totals = rig.totals()
    assert (totals["planned"], totals["held"]) == (ROWS, 0)
    assert totals["blocked"] + totals["in_doubt"] <= len(withdrawn)
    assert totals["rejected"] == len(ledger.dead_letters.list(sync))
    delivered = [
        number
        for folded in receipts(ledger, sync)
        for number in folded.rows.column("action_no").to_pylist()
    ]
    assert len(delivered) == len(set(delivered)) == totals["delivered"]
    assert {KEYS[number] for number in delivered} <= destination.records.keys()
    destination.land()
    assert max(destination.creates.values(), default=0) <= 1
