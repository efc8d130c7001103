from collections import Counter

from activation_tests.simulation.figures import Catch, Figures
from activation_tests.simulation.playing import play
from activation_tests.simulation.rarities import REQUIRED
from activation_tests.simulation.world import simulate


def figures(seen: Counter[str]) -> Figures:
    """Return what a thousand seeds came to."""
    return Figures(
        seeds=1000,
        first=0,
        processes=2,
        seconds=10.0,
        cpu_seconds=20.0,
        requests=9000,
        broke=(),
        seen=seen,
    )


def test_a_state_that_hardly_ever_occurs_is_told() -> None:
    """A state below a hundredth of the seeds fails the run, one that never occurs as well."""
    seldom, never = REQUIRED[0], REQUIRED[1]
    seen = Counter(dict.fromkeys(REQUIRED, 10)) | Counter({"not required": 1})
    del seen[never]
    seen[seldom] = 9

    found = figures(seen)

    assert found.seldom() == [seldom, never]
    assert {"state": never, "share": 0.0} in found.shares()
    assert found.totals()["seeds_per_cpu_second"] == 50.0


def test_seeds_add_up() -> None:
    """What is told of some seeds is what each of them was."""
    score = play(range(3))
    reports = [simulate(seed) for seed in range(3)]

    assert score.seeds == 3
    assert score.requests == sum(report.requests for report in reports)
    assert score.states == Counter(state for report in reports for state in report.states)


def test_who_gets_through_is_told() -> None:
    """A defect that no seed shows has no count, and is told as a survivor."""
    assert Catch.of("a defect", range(5, 105), None).row() == {
        "variant": "a defect",
        "seeds": None,
        "promise": "survives 100 seeds",
    }
