"""When a phase is healthy enough for the next one to open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.rollout import Promotion, Rollout
from activation.rollout.conditions import Metrics, State, Step, judge

NOW = datetime(2026, 1, 10, tzinfo=UTC)
PROMOTION = Promotion.model_validate(
    {"soak": "24h", "outcomes": 300, "rejected": "1%", "unexplained": "0.1%", "dead_letters": "1%"}
)
HEALTHY = Metrics(
    delivered=1000,
    rejected=5,
    loaded_at=NOW - timedelta(hours=25),
    unexplained=0.0,
    dead_letters=5,
    planned=1000,
)


def test_a_healthy_phase_is_promoted() -> None:
    """With every condition met, the next phase opens; the reason names all of them."""
    decision = judge(PROMOTION, HEALTHY, NOW)

    assert decision.step is Step.PROMOTE
    assert all(c.state is State.MET for c in decision.conditions)
    assert "outcomes: 1,005 (asked for: at least 300)" in decision.because


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({"delivered": 290, "rejected": 9}, {"outcomes", "rejected", "dead_letters", "conflicts"}),
        ({"loaded_at": None}, {"soak"}),
        ({"loaded_at": NOW - timedelta(hours=23)}, {"soak"}),
        ({"unexplained": None}, {"unexplained"}),
    ],
)
def test_too_little_known_means_stay(change: dict[str, object], lacking: set[str]) -> None:
    """Too few outcomes, a missing measurement or too short a time are no reason to stop."""
    decision = judge(PROMOTION, replace(HEALTHY, **change), NOW)  # type: ignore[arg-type]

    assert decision.step is Step.STAY
    assert {c.name for c in decision.conditions if c.state is State.LACKING} == lacking


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"rejected": 20}, "rejected"),
        ({"unexplained": 0.002}, "unexplained"),
        ({"dead_letters": 30}, "dead_letters"),
        ({"conflicts": 60}, "conflicts"),
    ],
)
def test_a_limit_that_is_passed_stops(change: dict[str, object], broken: str) -> None:
    """One broken limit stops the rollout, also while something else is still lacking."""
    for loaded_at in (HEALTHY.loaded_at, None):
        metrics = replace(HEALTHY, loaded_at=loaded_at, **change)  # type: ignore[arg-type]
        decision = judge(PROMOTION, metrics, NOW)

        assert decision.step is Step.STOP
        assert decision.because.startswith(f"{broken}: ")


@given(
    st.builds(
        Metrics,
        delivered=st.integers(0, 2000),
        rejected=st.integers(0, 2000),
        loaded_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        unexplained=st.none() | st.floats(0, 1),
        dead_letters=st.integers(0, 100),
        planned=st.integers(0, 2000),
        conflicts=st.integers(0, 100),
    )
)
def test_worse_never_promotes(metrics: Metrics) -> None:
    """Whatever is not promoted is not promoted with more rejected rows or less known either."""
    if judge(PROMOTION, metrics, NOW).step is not Step.PROMOTE:
        worse = replace(metrics, delivered=0, unexplained=None)
        assert judge(PROMOTION, worse, NOW).step is not Step.PROMOTE
    if metrics.delivered + metrics.rejected < PROMOTION.outcomes:
        assert judge(PROMOTION, metrics, NOW).step is not Step.PROMOTE


@pytest.mark.parametrize("holdout", ["1%", "30%"])
def test_a_holdout_is_beyond_the_widest_phase(holdout: str) -> None:
    """Phases may not reach into the holdout; the message says what the widest may have."""
    phases = [{"name": "canary", "share": "1%"}, {"name": "full", "share": "100%"}]

    with pytest.raises(ValueError, match="the holdout keeps"):
        Rollout.model_validate({"salt": "s", "phases": phases, "holdout": holdout})


def test_phases_may_reach_up_to_the_holdout() -> None:
    """98 % and a holdout of 2 % fit, whatever floats make of their sum."""
    phases = [{"name": "canary", "share": "1%"}, {"name": "full", "share": "98%"}]
    rollout = Rollout.model_validate({"salt": "s", "phases": phases, "holdout": "2%"})

    assert rollout.after("canary") == rollout.phases[1]
    assert rollout.after("full") is None
