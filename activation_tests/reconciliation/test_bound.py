from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.reconciliation.bound import upper_bound


@pytest.mark.parametrize("sampled", [1, 30, 2000, 100_000])
def test_no_difference_gives_the_rule_of_three(sampled: int) -> None:
    """With nothing found in n rows, the exact bound is 1 - 0.05^(1/n), about 3 / n."""
    assert math.isclose(upper_bound(0, sampled), 1 - 0.05 ** (1 / sampled), rel_tol=1e-6)


def test_bound_is_that_of_clopper_and_pearson() -> None:
    """The textbook's figures: 1 of 10, and 5 of 100, one-sided at 95 %."""
    assert math.isclose(upper_bound(1, 10), 0.3942, abs_tol=1e-4)
    assert math.isclose(upper_bound(5, 100), 0.1023, abs_tol=1e-4)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bound_lies_above_what_was_seen(sample: tuple[int, int]) -> None:
    """The bound is never below the sampled share, nor above 1, and grows with it."""
    differing, sampled = sample
    found = upper_bound(differing, sampled)
    assert differing / sampled <= found <= 1
    if differing:
        assert upper_bound(differing - 1, sampled) <= found


def test_an_empty_sample_says_nothing() -> None:
    """Without a row, any share is possible."""
    assert upper_bound(0, 0) == 1
