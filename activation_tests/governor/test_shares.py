"""Weighted fair share: nobody starves, nothing idles, nobody gets more than is wanted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.governor.shares import Claim, allotments, more

claims = st.lists(
    st.builds(
        Claim,
        sync=st.just(""),
        weight=st.integers(1, 5),
        held=st.integers(0, 40),
        wanted=st.integers(0, 40),
    ),
    min_size=1,
    max_size=6,
).map(lambda drawn: [Claim(f"s{i}", c.weight, c.held, c.wanted) for i, c in enumerate(drawn)])


@given(st.integers(0, 150), claims)
def test_shares_add_up(total: int, drawn: Sequence[Claim]) -> None:
    """All that is wanted, or all that there is, is shared out, and nobody gets more than that."""
    shares = allotments(total, drawn)

    wanted = {claim.sync: claim.held + claim.wanted for claim in drawn}
    assert sum(shares.values()) == pytest.approx(min(total, sum(wanted.values())))
    assert all(shares[sync] <= wanted[sync] + 1e-9 for sync in wanted)


@given(st.integers(1, 150), claims)
def test_who_is_short_has_the_largest_share_by_weight(total: int, drawn: Sequence[Claim]) -> None:
    """A sync that gets less than it wants gets as much a weight as anybody does."""
    shares = allotments(total, drawn)
    most = max(shares[claim.sync] / claim.weight for claim in drawn)

    for claim in drawn:
        if shares[claim.sync] < claim.held + claim.wanted - 1e-6:
            assert shares[claim.sync] / claim.weight == pytest.approx(most)


@given(st.integers(1, 100), claims)
def test_what_is_free_finds_a_taker(total: int, drawn: Sequence[Claim]) -> None:
    """As long as something is free and somebody wants it, somebody may take it."""
    free = max(0, total - sum(claim.held for claim in drawn))

    granted = [
        more(total, free, claim, [other for other in drawn if other is not claim])
        for claim in drawn
    ]

    assert all(0 <= taken <= min(free, c.wanted) for taken, c in zip(granted, drawn, strict=True))
    if free and any(claim.wanted for claim in drawn):
        assert any(granted)


def test_idle_share_is_lent_and_given_back() -> None:
    """Who is alone may have all; when another one wants its half, no more is taken until then."""
    idle, hungry = Claim("b", 1, 0, 0), Claim("b", 1, 0, 10)

    assert more(100, 40, Claim("a", 1, 60, 10), [idle]) == 10
    assert more(100, 40, Claim("a", 1, 60, 10), [hungry]) == 10
    assert more(100, 40, Claim("a", 1, 60, 10), [Claim("b", 1, 0, 100)]) == 0
    assert more(100, 40, hungry, [Claim("a", 1, 60, 10)]) == 10


def test_weights_count() -> None:
    """A sync of weight three gets three quarters of what two want in full."""
    shares = allotments(100, [Claim("a", 3, 0, 100), Claim("b", 1, 0, 100)])

    assert shares == {"a": 75.0, "b": 25.0}
