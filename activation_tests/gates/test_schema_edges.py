"""Where misfits stand in the contract, and the last digit that still fits."""

from dataclasses import replace

import pytest

from activation.contract.model import Contract
from activation.gates.schema import misfits
from activation.gates.shares import percent
from activation_tests.gates.conftest import contact

BAND, SCORE = "Churn_Band__c", "Churn_Score__c"


def place(contract: Contract, field: str) -> int:
    """Return where a field stands in the contract."""
    return [mapping.to for mapping in contract.fields].index(field)


def test_each_misfit_has_its_place(demo: Contract) -> None:
    """A shut object and a value that is not taken are found in the file by their keys."""
    (shut,) = misfits(demo, replace(contact(), creatable=False))
    (value,) = misfits(demo, contact(), values={BAND: ("Severe",)})

    assert shut.at == ("destination", "object")
    assert value.at == ("fields", place(demo, BAND), "to")


@pytest.mark.parametrize(
    ("precision", "scale", "fits"), [(5, 2, True), (4, 2, False), (3, None, True), (2, None, False)]
)
def test_the_digits_before_the_point_must_fit(
    demo: Contract, precision: int, scale: int | None, *, fits: bool
) -> None:
    """decimal(5,2) has three of them; without a scale all digits of a field stand there."""
    changed = contact(**{SCORE: {"precision": precision, "scale": scale}})

    assert (misfits(demo, changed) == ()) is fits


@pytest.mark.parametrize(("precision", "fits"), [(5, True), (4, False)])
def test_whole_decimals_need_all_their_digits(
    demo: Contract, precision: int, *, fits: bool
) -> None:
    """decimal(5,0) has five digits before the point."""
    plain = demo.model_dump(mode="json")
    plain["fields"][place(demo, SCORE)]["type"] = "decimal(5,0)"
    changed = contact(**{SCORE: {"precision": precision, "scale": 0}})

    assert (misfits(Contract.model_validate(plain), changed) == ()) is fits


@pytest.mark.parametrize(("part", "shown"), [(5, "0.05 %"), (10_000, "100 %"), (123_450, "1234 %")])
def test_shares_are_told_shortly(part: int, shown: str) -> None:
    """Three digits below a hundred per cent, whole ones above."""
    assert percent(part, 10_000) == shown
