"""What may be done about a request that nobody answered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activation.delivery.doubt import same_bytes_may_go
from activation.destinations.base import Answer
from activation.destinations.memory import MEMORY, MemoryDestination
from activation.destinations.traits import EndpointClass
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import START, InlineWire, contract


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
