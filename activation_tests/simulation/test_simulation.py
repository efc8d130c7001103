import os
import subprocess
import sys
from collections import Counter

import pytest

from activation_tests.simulation.rarities import REQUIRED
from activation_tests.simulation.telling import corpus, told
from activation_tests.simulation.world import simulate

_SEEDS = 2000
_AT_ONCE = 100


@pytest.mark.parametrize("first", range(0, _SEEDS, _AT_ONCE))
def test_no_seed_breaks_a_promise(first: int) -> None:
    """Whatever a seed draws, no promise is broken and everything becomes current."""
    broken = [
        told(report)
        for seed in range(first, first + _AT_ONCE)
        if (report := simulate(seed)).violations
    ]

    assert not broken, "\n\n".join(broken)


@pytest.mark.parametrize("seed", corpus())
def test_what_once_broke_holds(seed: int) -> None:
    """A seed that once broke a promise breaks none now."""
    report = simulate(seed)

    assert not report.violations, told(report)


def test_a_seed_replays() -> None:
    """The same seed is the same story in two processes that hash differently."""
    command = [sys.executable, "-m", "activation_tests.simulation", "--seeds", "4", "--digests"]
    first, second = (
        subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    )

    assert first.count("\n") == 4
    assert first == second


def test_the_short_way_to_the_database_tells_the_same() -> None:
    """A seed is the same story, ledger and all, through SQLAlchemy's own connections."""
    seeds = range(20)

    assert [simulate(seed).digest for seed in seeds] == [
        simulate(seed, direct=False).digest for seed in seeds
    ]


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_every_rare_state_is_reached() -> None:
    """Each rare state that the promises are about occurs in a hundredth of the seeds."""
    seeds = 1000
    seen: Counter[str] = Counter()
    for seed in range(seeds):
        seen.update(simulate(seed).states)

    assert {state: seen[state] for state in REQUIRED if seen[state] < seeds / 100} == {}
