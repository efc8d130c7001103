import pytest

from activation_tests.simulation.variants import VARIANTS, broken
from activation_tests.simulation.world import simulate

_EASY = (
    "a lease is anybody's",
    "a row error acknowledged",
    "a row to repeat forgotten",
    "newer values in a repeated request",
    "no intent",
    "no quota check",
)


def _caught(name: str, seeds: int) -> int | None:
    """Return the first seed that breaks a promise with this defect in place."""
    with broken(name):
        return next((seed for seed in range(seeds) if simulate(seed).violations), None)


@pytest.mark.parametrize("name", _EASY)
def test_gross_defects_are_caught_at_once(name: str) -> None:
    """A gross defect breaks a promise within a few seeds."""
    assert _caught(name, 30) is not None


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_defect_is_caught(name: str) -> None:
    """Each defect breaks a promise within some thousand seeds."""
    assert _caught(name, 5000) is not None
