"""The process is gone between two steps of the vendor's protocol."""

import pytest

from activation_tests.conformance.stage import Stage
from activation_tests.delivery.rig import CrashError


def test_crash_at_each_step(stage: Stage) -> None:
    """Wherever a delivery dies, the next one brings each row in exactly once."""
    rig, pinned = stage.rig(stage.rows(1))
    rig.deliver()
    edges = pinned.edges
    assert edges

    for edge in range(edges):
        first = 100 * (1 + edge)
        rig, pinned = stage.rig(stage.rows(3, first=first))
        pinned.crash_at = edge
        with pytest.raises(CrashError):
            rig.deliver(owner="dies")
        pinned.crash_at = None
        rig.later(minutes=20)  # the lease of the dead run is over, the plan is not
        rig.settle(owner="next")

        outcomes = rig.deliver(owner="next")

        assert outcomes.totals["delivered"] == 3, f"after edge {edge}"
        assert stage.count() == 1 + 3 * (1 + edge)
