"""A small run of what `python -m activation_tests.healing` does with ten thousand dead letters."""

from __future__ import annotations

from activation.ledger.needs import Need
from activation_tests.healing.healing import TWIN, heal
from activation_tests.sync.project import Project

ROWS = 600
A_CAUSE = ROWS // 6


def test_dead_letters_of_six_causes_are_healed_or_explained(project: Project) -> None:
    """What passed or was mended is delivered, paced; who said no is not; the rest says why."""
    healed = heal(project, ROWS, requests_per_day=5)

    assert healed.letters == ROWS
    assert healed.needs == {
        Need.RETRY_LATER: 2 * A_CAUSE,
        Need.NEEDS_A_FIX: 3 * A_CAUSE,
        Need.NEEDS_A_HUMAN: A_CAUSE,
    }
    assert healed.delivered == dict.fromkeys(("locked", "ruled", "wrong", "overtaken"), A_CAUSE)
    assert (healed.stale, healed.unconsented, healed.unexplained) == (0, 0, 0)
    assert healed.allowed == 1
    assert max(healed.days.values()) <= healed.allowed
    assert healed.open[f"{TWIN}: {Need.NEEDS_A_HUMAN.value}"] == A_CAUSE
    assert healed.open.total() == 2 * A_CAUSE
