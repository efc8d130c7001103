from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.model import Contract
from activation.gates.blast_radius import blast_radius
from activation.gates.grain import grain
from activation.gates.shares import allowed, limit_percent, percent
from activation_tests.gates.conftest import amended, plan

COUNTS = {
    "changed": "changed",
    "created": "created_in_loaded_phases",
    "cleared": "cleared",
    "deleted": "deleted",
    "lost": "lost",
}
BASIS_POINTS = st.integers(min_value=0, max_value=10_000)
ROWS = st.integers(min_value=1, max_value=10**9)


def written(basis_points: int) -> str:
    """Return a share as a contract spells it."""
    return f"{basis_points // 100}.{basis_points % 100:02}%"


@given(basis_points=BASIS_POINTS, rows=ROWS)
def test_a_share_of_rows_is_exact(basis_points: int, rows: int) -> None:
    """The rows a share allows are the exact product, rounded down; no float error."""
    assert allowed(basis_points / 10_000, rows) == basis_points * rows // 10_000


@pytest.mark.parametrize(("limit", "rows", "most"), [(0.29, 100, 29), (0.07, 100, 7), (1, 3, 3)])
def test_a_share_that_floats_get_wrong(limit: float, rows: int, most: int) -> None:
    """29 % of 100 rows is 29, though the product of the floats is a little less."""
    assert allowed(limit, rows) == most


@pytest.mark.parametrize("guard", COUNTS)
@given(basis_points=BASIS_POINTS, before=ROWS)
def test_exactly_at_a_guard_passes_and_one_row_over_fails(
    demo: Contract, guard: str, basis_points: int, before: int
) -> None:
    """Every guard allows its share, rounded down, and not one row more."""
    contract = amended(demo, "guards", **{guard: written(basis_points)})
    most = int(Fraction(basis_points, 10_000) * before)
    blast = {"delivered_before": before, COUNTS[guard]: most}

    at_limit = blast_radius(contract, plan(blast=blast))
    over = blast_radius(contract, plan(blast=blast | {COUNTS[guard]: most + 1}))

    assert at_limit.passed
    assert not over.passed
    assert over.evidence[f"{guard}_allowed"] == most


@pytest.mark.parametrize(("before", "most"), [(10, 25), (250, 25), (260, 26), (10_000, 1_000)])
def test_withdrawals_are_allowed_their_share_and_always_a_few(
    demo: Contract, before: int, most: int
) -> None:
    """A tenth of the delivered rows may say no at once, and 25 of however few."""
    blast = {"delivered_before": before, "revoked": most}

    at_limit = blast_radius(demo, plan(blast=blast))
    over = blast_radius(demo, plan(blast=blast | {"revoked": most + 1}))

    assert at_limit.passed
    assert not over.passed
    assert f"belong to people who said no since ({most + 1:,})" in over.summary
    assert over.evidence["revoked_allowed"] == most


def test_a_breach_is_told_with_its_numbers(demo: Contract) -> None:
    """The sentence has the share, the rows and the limit of each breached guard."""
    blast = {
        "delivered_before": 9812,
        "changed": 4121,
        "deleted": 1,
        "created_in_loaded_phases": 20_000,
    }

    verdict = blast_radius(demo, plan(blast=blast))

    assert verdict.summary == (
        "42 % of 9,812 delivered rows would change (4,121); the limit is 30 % (2,943); "
        "new rows in loaded phases are 204 % of 9,812 delivered rows (20,000); "
        "the limit is 5 % (490); "
        "0.0102 % of 9,812 delivered rows would be deleted (1); the limit is 0 % (0)."
    )
    assert "activation plan salesforce_contact --phase canary --rows 20" in (
        verdict.next_step or ""
    )


def test_a_first_load_passes(demo: Contract) -> None:
    """Without delivered rows there is nothing to hurt, however many rows are new."""
    verdict = blast_radius(demo, plan(blast={"created": 9812, "created_in_loaded_phases": 9812}))

    assert verdict.passed
    assert verdict.summary == (
        "First load of phase canary: nothing was delivered before; 9,812 rows would be new."
    )


def test_an_empty_model_with_delivered_rows_fails(demo: Contract) -> None:
    """An empty model fails whatever the guards say."""
    generous = amended(demo, "guards", lost="100%")

    verdict = blast_radius(
        generous, plan({"rows": 0, "keys": 0}, {"delivered_before": 10, "lost": 10})
    )

    assert not verdict.passed
    assert verdict.summary == "Model customer_churn is empty and 10 rows are out."


def test_an_empty_model_passes_where_nothing_was_delivered(demo: Contract) -> None:
    """An empty model with nothing delivered is no disaster."""
    assert blast_radius(demo, plan({"rows": 0, "keys": 0})).passed


def test_a_changed_mapping_is_named_as_the_cause(demo: Contract) -> None:
    """Where every row differs because the contract changed, the next step says so."""
    blast = {"delivered_before": 10, "changed": 10}

    verdict = blast_radius(demo, plan(blast=blast, mapping_changed=True))

    assert "because the contract's fields changed" in (verdict.next_step or "")


@given(basis_points=BASIS_POINTS, rows=ROWS, data=st.data())
def test_grain_allows_its_share_and_not_one_row_more(
    demo: Contract, basis_points: int, rows: int, data: st.DataObject
) -> None:
    """Empty and repeated keys count together against the guard."""
    contract = amended(demo, "guards", grain=written(basis_points))
    most = basis_points * rows // 10_000
    empty = data.draw(st.integers(min_value=0, max_value=most))
    source = {"rows": rows, "null_keys": empty, "repeated_keys": most - empty}

    assert grain(contract, plan(source)).passed
    assert not grain(contract, plan(source | {"null_keys": empty + 1})).passed


def test_grain_tells_its_numbers(demo: Contract) -> None:
    """The sentence has the share, both counts and the limit."""
    verdict = grain(demo, plan({"rows": 1000, "null_keys": 10, "repeated_keys": 2}))

    assert verdict.summary == (
        "1.2 % of 1,000 rows have no key of their own (10 empty, 2 repeated); "
        "the limit is 1 % (10)."
    )
    assert (verdict.next_step or "").startswith(
        "Mend the model: customer_id must be filled and unique in customer_churn."
    )


def test_keys_that_the_destination_takes_for_one_are_told_apart(demo: Contract) -> None:
    """Repeated keys that are only spelled alike by the destination are counted beside the rest."""
    verdict = grain(demo, plan({"repeated_keys": 20, "folded_keys": 12}))

    assert "(0 empty, 20 repeated, 12 of them only as salesforce tells keys apart)" in (
        verdict.summary
    )
    assert verdict.evidence["folded_keys"] == 12


@pytest.mark.parametrize(("respelled", "reminted"), [(0, 10), (10, 0), (4, 6)])
def test_few_rows_may_come_back_under_another_key(
    demo: Contract, respelled: int, reminted: int
) -> None:
    """New spellings and new keys count together, up to the guard's share of delivered rows."""
    blast = {"delivered_before": 1000}
    source = {"respelled_keys": respelled, "reminted_keys": reminted}

    at_limit = grain(demo, plan(source, blast))
    over = grain(demo, plan(source | {"reminted_keys": reminted + 1}, blast))

    assert at_limit.passed
    assert not over.passed
    assert over.summary == (
        f"1.1 % of 1,000 delivered rows came back under another key ({respelled} spelled "
        f"otherwise, {reminted + 1} under a new one); the limit is 1 % (10)."
    )


def test_a_missing_column_fails_grain(demo: Contract) -> None:
    """A model that lacks a mapped column fails, though every key is there."""
    verdict = grain(demo, plan({"missing_columns": ("email", "churn_band")}))

    assert not verdict.passed
    assert verdict.summary == "Model customer_churn lacks email, churn_band, which is mapped."
    assert verdict.evidence["final"] is True


def test_an_empty_model_has_no_bad_key(demo: Contract) -> None:
    """No rows, no bad keys: other gates speak of an empty model."""
    assert grain(demo, plan({"rows": 0, "keys": 0})).passed


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(4122, 9812, "42 %"), (1, 3, "33.3 %"), (3, 1, "300 %"), (1, 10_000, "0.01 %")],
)
def test_a_share_is_told_in_three_digits(part: int, whole: int, text: str) -> None:
    """People read three digits."""
    assert percent(part, whole) == text


@pytest.mark.parametrize(("limit", "text"), [(0.001, "0.1 %"), (0.29, "29 %"), (1.0, "100 %")])
def test_a_limit_is_told_as_it_is_written(limit: float, text: str) -> None:
    """The contract's own digits, not those of a float."""
    assert limit_percent(limit) == text
