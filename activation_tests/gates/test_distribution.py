"""What values look like, against what is accepted and against the last plan."""

import pytest

from activation.contract.model import Contract
from activation.gates.distribution import distribution
from activation.gates.mappings import mapping_of
from activation.gates.past import Last, Past
from activation.planning.model import FieldProfile
from activation_tests.gates.conftest import NOW, amended, plan

ROWS = 10_000
SCORE = "Churn_Score__c"
BEFORE = FieldProfile(filled=9_000, mean=30.0, deviation=10.0)


def past(demo: Contract, before: FieldProfile = BEFORE, rows: int = ROWS) -> Past:
    """Return the past of one plan with one field."""
    last = Last(NOW, NOW, mapping_of(demo), rows=rows, profile={SCORE: before})
    return Past(last=last)


def judged(
    demo: Contract, now: FieldProfile, before: Past, *, rows: int = ROWS, field: str = SCORE
) -> tuple[bool, str]:
    """Return whether the gate passed, and what it said."""
    verdict = distribution(demo, plan({"rows": rows, "fields": {field: now}}), before)
    assert (verdict.next_step is None) is verdict.passed
    return verdict.passed, verdict.summary


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(("moved", "passes"), [(5.0, True), (5.01, False)])
def test_a_mean_may_move_by_half_a_deviation(
    demo: Contract, direction: int, moved: float, *, passes: bool
) -> None:
    """Up or down, exactly the contract's shift passes and more fails."""
    now = FieldProfile(9_000, 30.0 + direction * moved, 10.0)

    assert judged(demo, now, past(demo))[0] is passes


def test_a_moved_mean_is_told(demo: Contract) -> None:
    """The sentence has the field, how far it moved, from where to where, and the limit."""
    now = FieldProfile(9_000, 3000.0, 1000.0)

    assert judged(demo, now, past(demo))[1] == (
        "The mean of `Churn_Score__c` moved by 297 standard deviations, from 30 to 3000; "
        "the limit is 0.5."
    )


def test_a_field_may_have_a_shift_of_its_own(demo: Contract) -> None:
    """What the contract says of one field wins over what it says of all."""
    plain = demo.model_dump(mode="json")
    fields = [f | {"accepted": {"shift": 0.2}} if f["to"] == SCORE else f for f in plain["fields"]]
    strict = Contract.model_validate(plain | {"fields": fields})
    now = FieldProfile(9_000, 33.0, 10.0)

    assert judged(demo, now, past(demo))[0]
    assert not judged(strict, now, past(strict))[0]


@pytest.mark.parametrize(("mean", "passes"), [(40.0, True), (40.1, False)])
def test_the_mean_of_few_rows_moves_by_chance(demo: Contract, mean: float, *, passes: bool) -> None:
    """Of 25 rows, five standard errors are as much as one deviation."""
    before = past(demo, FieldProfile(25, 30.0, 10.0), rows=25)

    assert judged(demo, FieldProfile(25, mean, 10.0), before, rows=25)[0] is passes


@pytest.mark.parametrize(("filled", "passes"), [(8_500, True), (8_499, False), (9_501, False)])
def test_few_rows_may_gain_or_lose_a_value(demo: Contract, filled: int, *, passes: bool) -> None:
    """Five in a hundred rows may be filled or emptied at once."""
    assert judged(demo, FieldProfile(filled, 30.0, 10.0), past(demo))[0] is passes


def test_one_row_may_always_gain_or_lose_a_value(demo: Contract) -> None:
    """Of very few rows, one is more than the share."""
    before = past(demo, FieldProfile(8, 30.0, 10.0), rows=8)

    assert judged(demo, FieldProfile(7, 30.0, 10.0), before, rows=8)[0]
    assert not judged(demo, FieldProfile(6, 30.0, 10.0), before, rows=8)[0]


def test_an_empty_column_is_told(demo: Contract) -> None:
    """A column that ran empty has no mean, and is told by what it is filled with."""
    assert judged(demo, FieldProfile(0, None, None), past(demo))[1] == (
        "`Churn_Score__c` is filled in 0 % of the rows and was in 90 %; the limit is 5 % at once."
    )


def test_a_constant_column_has_no_deviation_to_move_by(demo: Contract) -> None:
    """Where all values were one, their mean is not judged; what changed in rows is elsewhere."""
    before = past(demo, FieldProfile(9_000, 30.0, 0.0))

    assert judged(demo, FieldProfile(9_000, 31.0, 0.1), before)[0]


@pytest.mark.parametrize("field", [SCORE, "key"])
def test_a_value_that_is_not_accepted_stops_the_plan(demo: Contract, field: str) -> None:
    """Without an earlier plan too, one value or key outside is one too many."""
    fine = judged(demo, FieldProfile(9_000, 30.0, 10.0), Past(), field=field)
    wrong = judged(demo, FieldProfile(9_000, 30.0, 10.0, outside=1), Past(), field=field)

    assert fine == (
        True,
        "Values are as the contract accepts them; there is no earlier plan to compare with.",
    )
    what = "keys" if field == "key" else "values of `Churn_Score__c`"
    assert wrong == (
        False,
        f"1 {what} are not as the contract accepts them; the limit is 0 % (0).",
    )


def test_a_share_may_be_outside_if_the_contract_says_so(demo: Contract) -> None:
    """`outside` is a share of the rows of the model, to the row."""
    contract = amended(demo, "guards", distribution={"outside": "0.1%"})

    assert judged(contract, FieldProfile(9_000, 30.0, 10.0, outside=10), past(contract))[0]
    assert not judged(contract, FieldProfile(9_000, 30.0, 10.0, outside=11), past(contract))[0]


def test_a_field_that_is_mapped_otherwise_is_not_compared(demo: Contract) -> None:
    """Another column or type has another mean."""
    before = past(demo)
    assert before.last is not None
    remapped = Last(NOW, NOW, {SCORE: "old, integer, clear"}, ROWS, before.last.profile)

    assert judged(demo, FieldProfile(9_000, 3000.0, 10.0), Past(last=remapped))[0]


def test_an_empty_model_has_no_values(demo: Contract) -> None:
    """Other gates speak of an empty model."""
    assert judged(demo, FieldProfile(0, None, None), past(demo), rows=0)[0]
