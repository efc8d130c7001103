import pytest

from activation_tests.simulation.playing import first_caught
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

_SUBTLE = {
    "a later answer takes the fence away": 622,
    "a plan that was overtaken": 57,
}
"""Defects that few seeds show, and one that does."""


@pytest.mark.parametrize("name", _EASY)
def test_gross_defects_are_caught_at_once(name: str) -> None:
    """A gross defect breaks a promise within a few seeds."""
    report = first_caught(name, range(50))

    assert report is not None


@pytest.mark.parametrize("name", _SUBTLE)
def test_subtle_defects_are_caught(name: str) -> None:
    """A defect that only a late request shows is caught by the seed that is known for it."""
    with broken(name):
        assert simulate(_SUBTLE[name]).violations


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", VARIANTS)
def test_every_defect_is_caught(name: str) -> None:
    """Each defect breaks a promise within some thousand seeds."""
    assert first_caught(name, range(20_000)) is not None
