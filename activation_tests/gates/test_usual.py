"""What a plan does, against the mean of the last plans."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.guards import Usual
from activation.contract.model import Contract
from activation.gates.blast_radius import blast_radius
from activation.gates.mappings import mapping_of
from activation.gates.past import MEASURES, Last, Ordinary, Past
from activation.gates.usual import expectations
from activation_tests.gates.conftest import NOW, amended, plan

DAY = timedelta(days=1)
REACHED = NOW - timedelta(hours=1)
"""How far the data of `plan()` reaches."""
COUNTS = {
    "changed": "changed",
    "created": "created_in_loaded_phases",
    "cleared": "cleared",
    "deleted": "deleted",
    "lost": "lost",
}


def days(*rows: int, before: int = 10_000, measure: str = "changed") -> Past:
    """Return one ordinary plan a day, newest first, each with so many rows."""
    return Past(
        ordinary=tuple(
            Ordinary(REACHED - (n + 1) * DAY, before, {measure: count})
            for n, count in enumerate(rows)
        )
    )


def most(past: Past, *, before: int = 10_000, usual: Usual | None = None) -> int | None:
    """Return how many changed rows are still usual."""
    found = expectations(usual or Usual(), past, before=before, newest=REACHED)
    return found["changed"].most if found else None


def generous(demo: Contract, **usual: object) -> Contract:
    """Return the contract with limits that stop nothing, so that only what is usual counts."""
    return amended(demo, "guards", **dict.fromkeys(COUNTS, "100%"), usual=usual)


@pytest.mark.parametrize(("plans", "known"), [(4, False), (5, True)])
def test_too_few_plans_say_nothing(*, plans: int, known: bool) -> None:
    """With fewer plans than the contract asks for, nothing is usual or unusual."""
    assert (most(days(*[200] * plans)) is not None) is known


def test_four_times_the_mean_is_usual() -> None:
    """The mean of the plans times the contract's factor, and not a row more."""
    assert most(days(100, 200, 300, 400, 500)) == 1200
    assert most(days(100, 200, 300, 400, 500), usual=Usual(times=2.5)) == 750


def test_only_so_many_plans_are_looked_back() -> None:
    """Older plans than the contract looks back to do not count."""
    assert most(days(*[100] * 5, *[1000] * 5), usual=Usual(runs=5)) == 400


def test_a_small_share_is_never_unusual() -> None:
    """Where nothing ever changed, one in a hundred rows may."""
    assert most(days(*[0] * 5)) == 100


@pytest.mark.parametrize(("before", "limit"), [(20_000, 2_400), (5_000, 1_200)])
def test_share_and_number_are_both_held_against_their_means(before: int, limit: int) -> None:
    """A grown table may change as large a share, a shrunken one as many rows, as before."""
    assert most(days(*[300] * 5), before=before) == limit


def test_more_is_usual_after_a_pause() -> None:
    """After three days without a plan, three days' work is expected of one."""
    late = Past(
        ordinary=tuple(
            Ordinary(REACHED - (n + 3) * DAY, 10_000, {"changed": 100}) for n in range(5)
        )
    )

    assert most(late) == 1_200


def test_plans_over_nothing_delivered_do_not_count() -> None:
    """First loads have no share; without them there are too few plans."""
    assert most(days(*[100] * 9, before=0)) is None


@given(
    rows=st.lists(st.integers(min_value=0, max_value=10_000), min_size=5, max_size=20),
    times=st.floats(min_value=1.01, max_value=10),
)
def test_what_has_been_is_never_above_the_mean_times_its_number(
    rows: list[int], times: float
) -> None:
    """No plan that is as large as the mean of the last ones is unusual."""
    limit = most(days(*rows), usual=Usual(times=times))

    assert limit is not None
    assert limit >= int(sum(rows) / len(rows))


@pytest.mark.parametrize("measure", MEASURES)
def test_one_row_more_than_usual_stops_the_plan(demo: Contract, measure: str) -> None:
    """Every measure is held against the last plans, though the contract's limits allow it."""
    contract, past = generous(demo), days(*[50] * 5, measure=measure)
    blast = {"delivered_before": 10_000, COUNTS[measure]: 200}

    at_limit = blast_radius(contract, plan(blast=blast), past)
    over = blast_radius(contract, plan(blast=blast | {COUNTS[measure]: 201}), past)

    assert at_limit.passed
    assert at_limit.summary.endswith("and as usual against the last 5 plans.")
    assert not over.passed
    assert (
        "(201), which is unusual: 50.0 is the mean of the last 5 plans, and up to 200 is still "
        "usual." in over.summary
    )
    assert over.evidence[f"{measure}_usual"] == 200
    assert over.evidence["plans_compared"] == 5


def test_few_plans_are_told(demo: Contract) -> None:
    """While too few plans are known, the verdict says that only the contract's limits count."""
    verdict = blast_radius(demo, plan(blast={"delivered_before": 100, "changed": 30}), days(1, 1))

    assert verdict.passed
    assert verdict.summary.endswith("fewer than 5 earlier plans are known to compare with.")


def test_a_limit_of_the_contract_is_told_before_what_is_usual(demo: Contract) -> None:
    """What is beyond the contract's own limit is told by that alone."""
    blast = {"delivered_before": 100, "changed": 31}

    verdict = blast_radius(demo, plan(blast=blast), days(*[1] * 5, before=100))

    assert "the limit is 30 % (30)" in verdict.summary
    assert "unusual" not in verdict.summary


def remapped(demo: Contract, **fields: str | None) -> Past:
    """Return the past of another mapping: these fields were mapped so, or not at all."""
    mapping = {**mapping_of(demo), **{f: m for f, m in fields.items() if m is not None}}
    gone = [f for f, m in fields.items() if m is None]
    last = Last(NOW - DAY, REACHED - DAY, {f: m for f, m in mapping.items() if f not in gone})
    return Past(ordinary=days(*[1] * 5).ordinary, last=last)


def test_a_changed_mapping_is_named_field_by_field(demo: Contract) -> None:
    """The sentence begins with what was mapped otherwise in the last plan."""
    past = remapped(
        demo, Churn_Band__c="band, text(10), clear", FirstName=None, Old__c="old, text(9), keep"
    )

    verdict = blast_radius(demo, plan(blast={"delivered_before": 100, "changed": 100}), past)

    assert verdict.summary.startswith(
        "The mapping changed since the last plan: Churn_Band__c (was band, text(10), clear; is "
        "churn_band, text(10), clear), FirstName (new), Old__c (taken away); 100 % of 100"
    )
    assert verdict.evidence["remapped_fields"] == ["Churn_Band__c", "FirstName", "Old__c"]
    assert "because the contract's fields changed" in (verdict.next_step or "")


def test_a_changed_mapping_is_not_held_against_earlier_plans(demo: Contract) -> None:
    """Changes follow from the mapping, so that only the contract's limit counts for them."""
    blast = {"delivered_before": 10_000, "changed": 3_000, "cleared": 200}

    changed = blast_radius(
        demo, plan(blast=blast), remapped(demo, Churn_Band__c="b, text(9), keep")
    )
    same = blast_radius(demo, plan(blast=blast), remapped(demo))

    assert changed.passed
    assert not same.passed


def test_a_changed_mapping_does_not_excuse_lost_rows(demo: Contract) -> None:
    """Rows are not lost by mapping a field otherwise."""
    blast = {"delivered_before": 10_000, "lost": 150}
    past = remapped(demo, Churn_Band__c="b, text(9), keep")

    assert not blast_radius(demo, plan(blast=blast), past).passed
