from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from activation.contract.model import Contract, FieldType
from activation.contract.values import Duration, Share

SHARE: TypeAdapter[float] = TypeAdapter(Share)
DURATION: TypeAdapter[timedelta] = TypeAdapter(Duration)


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_a_share_is_the_fraction_nearest_to_what_is_written(percent: Decimal) -> None:
    """Reading a percentage loses nothing: the fraction's digits are those of the text."""
    share = SHARE.validate_python(f"{percent}%")

    assert Decimal(repr(share)) == percent / 100


@given(st.decimals(min_value=0, max_value=100, places=3))
def test_a_share_is_written_as_it_is_read(percent: Decimal) -> None:
    """A share written out and read again is the same share."""
    share = SHARE.validate_python(f"{percent}%")

    assert SHARE.validate_python(SHARE.dump_python(share)) == share


@pytest.mark.parametrize("value", ["5", "-1%", "1e1%", "nan%", "100.1%", 0.3, 1, True, False, None])
def test_what_is_no_share_is_refused(value: Any) -> None:
    """Only percentages from 0 to 100, and a plain 0, are shares."""
    with pytest.raises(ValidationError):
        SHARE.validate_python(value)


def test_zero_needs_no_percent_sign() -> None:
    """A plain 0 cannot be misunderstood."""
    assert SHARE.validate_python(0) == 0


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("1.5h", timedelta(minutes=90)),
        ("30h", timedelta(hours=30)),
        ("30 d", timedelta(days=30)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: timedelta) -> None:
    """Milliseconds, seconds, minutes, hours and days are the units."""
    assert DURATION.validate_python(text) == length


@given(st.integers(min_value=0, max_value=10**10))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    """A duration written out and read again is the same duration."""
    length = timedelta(milliseconds=milliseconds)

    assert DURATION.validate_python(DURATION.dump_python(length)) == length


@pytest.mark.parametrize("value", [30, 1.5, "30", "-1h", "1w", "PT1H", "h", None])
def test_what_has_no_unit_is_no_duration(value: Any) -> None:
    """A bare number, a negative one or another notation is refused."""
    with pytest.raises(ValidationError):
        DURATION.validate_python(value)


@pytest.mark.parametrize(
    "text", ["text(80)", "decimal(5,2)", "integer", "boolean", "date", "timestamp"]
)
def test_a_type_is_written_as_it_is_read(text: str) -> None:
    """A type keeps its spelling."""
    assert str(FieldType.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["text", "text(0)", "text(8,2)", "decimal", "decimal(5)", "decimal(2,5)", "decimal(39,0)",
     "integer(4)", "string", "Text(8)"],
)  # fmt: skip
def test_what_is_no_type_is_refused(text: str) -> None:
    """A type without its size, with a size too many, or unknown, is refused."""
    with pytest.raises(ValueError, match=r"write|needs|takes"):
        FieldType.parse(text)


def test_a_contract_survives_json(demo: Contract) -> None:
    """A contract written out as JSON and read again is the same, with the same digest."""
    again = Contract.model_validate_json(demo.model_dump_json())

    assert again == demo
    assert again.digest == demo.digest


def test_digests_follow_what_they_stand_for(demo: Contract) -> None:
    """A guard moves the contract's digest only; a null policy moves the mapping's as well."""
    plain = demo.model_dump(mode="json")
    wider = Contract.model_validate(plain | {"guards": plain["guards"] | {"changed": "31%"}})
    first, *others = plain["fields"]
    kept = Contract.model_validate(plain | {"fields": [first | {"nulls": "keep"}, *others]})

    assert wider.digest != demo.digest
    assert wider.mapping_digest == demo.mapping_digest
    assert kept.mapping_digest != demo.mapping_digest
