"""How Salesforce checks and stores values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.sandbox.salesforce.errors import CallRefused, RowRefused
from activation.sandbox.salesforce.fields import field, number, text
from activation.sandbox.salesforce.ids import lengthen, make_id, parse_id
from activation.sandbox.salesforce.values import Stored, normaliser, parse_datetime
from activation_tests.sandbox.org import Org, contact

_SCORE = normaliser(number("Score__c", "double", 5, 2))
_TEXT = normaliser(text("Title", 20))
_EMAIL = normaliser(text("Email", 80, type="email"))


def test_values_come_back_as_salesforce_stores_them(org: Org) -> None:
    """Text is trimmed, e-mail lower-cased, numbers rounded, times cut to seconds in UTC."""
    org.upsert(
        contact(
            " c-1 ",
            FirstName="  Ann\t",
            Title="   ",
            Email="Ann@Example.COM ",
            Churn_Score__c=12.345,
            Monthly_Value__c=10,
            HasOptedOutOfEmail=True,
            Churn_Scored_At__c="2026-09-01T12:00:00.987+02:00",
            Birthdate="1990-02-28",
        )
    )

    stored = org.stored("c-1")
    assert stored["Customer_Key__c"] == "c-1"
    assert stored["FirstName"] == "Ann"
    assert stored["Title"] is None
    assert stored["Email"] == "ann@example.com"
    assert stored["Churn_Score__c"] == 12.35
    assert stored["Monthly_Value__c"] == 10.0
    assert stored["HasOptedOutOfEmail"] is True
    assert stored["DoNotCall"] is False
    assert stored["Churn_Scored_At__c"] == "2026-09-01T10:00:00.000+0000"
    assert stored["Birthdate"] == "1990-02-28"
    assert stored["Name"] == "Ann Test"


@pytest.mark.parametrize(
    ("value", "stored"),
    [(0.005, 0.01), (-0.005, -0.01), (999.994, 999.99), ("7.5", 7.5), (3, 3.0), ("", None)],
)
def test_numbers_are_rounded_half_up_to_their_scale(value: object, stored: Stored) -> None:
    """A number keeps two decimals, halves away from zero; an empty text is no number."""
    assert _SCORE(value) == stored


@pytest.mark.parametrize("value", [1000, -1000, 999.999, 1e12])
def test_numbers_out_of_range_refuse_the_row(value: object) -> None:
    """Five digits, two of them decimals, end below a thousand, rounded ones too."""
    with pytest.raises(RowRefused, match="outside of valid range"):
        _SCORE(value)


@pytest.mark.parametrize("value", ["many", True, [1], "nan", {"a": 1}])
def test_what_is_no_number_refuses_the_call(value: object) -> None:
    """A value of another JSON type cannot be deserialized."""
    with pytest.raises(CallRefused, match="Cannot deserialize"):
        _SCORE(value)


@pytest.mark.parametrize(
    "given_text",
    [
        "2026-09-01",
        "2026-09-01T10:00:00",
        "2026-02-30T10:00:00Z",
        "01.09.2026",
        "2026-09-01 10:00Z",
    ],
)
def test_what_is_no_moment(given_text: str) -> None:
    """A time needs date, time and offset, and must exist."""
    assert parse_datetime(given_text) is None


@pytest.mark.parametrize("address", ["a@example.com", "A.B+c@sub.example.org", "o'x@example.net"])
def test_addresses_are_accepted_and_lower_cased(address: str) -> None:
    """A usual address is stored in lower case."""
    assert _EMAIL(address) == address.lower()


@pytest.mark.parametrize(
    "address", ["a", "a@b", "@example.com", "a@@example.com", "a b@example.com"]
)
def test_what_is_no_address_refuses_the_row(address: str) -> None:
    """An e-mail field refuses what is no address."""
    with pytest.raises(RowRefused, match="invalid email address"):
        _EMAIL(address)


@given(st.text(max_size=20))
def test_storing_what_was_stored_changes_nothing(value: str) -> None:
    """Text normalisation is idempotent, and never leaves blanks at the ends."""
    stored = _TEXT(value)

    assert stored is None or (stored == _TEXT(stored) and stored == str(stored).strip(" \t\r\n"))


@given(st.floats(min_value=-999.99, max_value=999.99))
def test_rounding_moves_a_number_by_half_a_unit_at_most(value: float) -> None:
    """A stored number is within half a hundredth, and storing it again changes nothing."""
    stored = _SCORE(value)

    assert isinstance(stored, float)
    assert abs(stored - value) <= 0.005 + 1e-9
    assert _SCORE(stored) == stored


def test_lengths_count_characters_after_trimming() -> None:
    """Blanks around a text do not count; one character more than allowed is refused."""
    assert _TEXT("  " + "ä" * 20 + "  ") == "ä" * 20
    with pytest.raises(RowRefused, match=r"max length=20"):
        _TEXT("x" * 21)


def test_inactive_picklist_values_are_refused() -> None:
    """Only active entries of a restricted picklist are accepted."""
    entries = [{"value": "Old", "active": False}, {"value": "New", "active": True}]
    check = normaliser(
        field("Band__c", "picklist", length=255, restrictedPicklist=True, picklistValues=entries)
    )

    assert check("New") == "New"
    with pytest.raises(RowRefused, match="restricted picklist"):
        check("Old")


def test_the_last_three_characters_of_an_id_check_its_case() -> None:
    """The known pair of a short and a long id holds."""
    assert lengthen("00D200000000ABC")[:15] == "00D200000000ABC"
    assert lengthen("001000000000000") == "001000000000000AAA"
    assert lengthen("001ABCDE0000000") == "001ABCDE0000000YHA"


@given(st.integers(min_value=1, max_value=62**9 - 1))
def test_ids_are_told_apart_without_their_case(number_of_record: int) -> None:
    """The long form follows from the short one, and differs from others in more than case."""
    identity = make_id("003", number_of_record)

    assert parse_id(identity[:15]) == identity
    assert len(identity) == 18
    neighbour = make_id("003", number_of_record + 26) if number_of_record < 62**9 - 27 else "x"
    assert neighbour.lower() != identity.lower()
