"""What two syncs of one account get of it when both want more than there is."""

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

from activation.delivery import Bounds
from activation.destinations.base import Answer
from activation.destinations.memory import MEMORY, MemoryDestination
from activation.destinations.traits import Bucket
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import FrozenActions, Rig, actions, contract

_WINDOW = 10.0
_TRAITS = replace(MEMORY, batch_rows=1, buckets=(Bucket("burst", 8, _WINDOW),))
_WINDOWS = range(3, 6)
"""Those in which both are under way, after the first ones, which whoever is there first has."""


class Counted(MemoryDestination):
    """Counts its requests by the window in which they come."""

    rig: Rig

    def __init__(self) -> None:
        super().__init__(traits=_TRAITS)
        self.windows: Counter[int] = Counter()

    def send(self, target: Any, payload: bytes, *, seconds: float) -> Answer:
        """Send, and count."""
        self.windows[int(self.rig.time.seconds // (_WINDOW + 0.1))] += 1
        return super().send(target, payload, seconds=seconds)


def sharing(rig: Rig, sync: str, rows: int, weight: int) -> Rig:
    """Return the rig of a sync with that weight, on the same account."""
    destination = Counted()
    quota = {"requests_per_day": 1000, "concurrency": 2, "weight": weight}
    made = replace(
        rig,
        destination=destination,
        frozen=FrozenActions(actions(rows, prefix=sync)),
        contract=contract(sync=sync, quota=quota),
        digest=sync * 64,
        bounds=Bounds(watch_seconds=10),
        told=[],
    )
    destination.rig = made
    made.plan()
    return made


def test_a_weight_of_three_gets_three_times_the_share(make_rig: MakeRig) -> None:
    """As long as both want more than the pace allows, requests go out three to one."""
    rig = make_rig(1)
    heavy, light = sharing(rig, "c", 48, 3), sharing(rig, "d", 24, 1)

    async def both() -> None:
        await asyncio.gather(heavy.delivery(owner="c"), light.delivery(owner="d"))

    rig.run(both())

    assert [sync.totals()["delivered"] for sync in (heavy, light)] == [48, 24]
    sent = [sum(sync.destination.windows[n] for n in _WINDOWS) for sync in (heavy, light)]  # type: ignore[attr-defined]
    assert sent == [18, 6]
