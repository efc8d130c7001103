"""A contract's own tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from activation.contract.loading import load_contracts
from activation.contract.model import Contract
from activation.destinations.salesforce.traits import OBJECT
from activation.planning.model import DestinationFacts
from activation.planning.rehearsal import rehearse
from activation.warehouse.duckdb_file import in_memory

CONTRACT = load_contracts(Path(__file__).parents[2] / "activation" / "defs")["salesforce_contact"]
FULL = {"last_name": "Example"}


def problems(given: dict[str, Any], expect: Any) -> list[str]:
    """Return what is wrong with one test of the demo's contract."""
    plain = CONTRACT.model_dump(mode="json")
    plain["tests"] = [{"name": "it", "given": given, "expect": expect}]
    with in_memory() as session:
        found = rehearse(session, Contract.model_validate(plain), DestinationFacts(OBJECT))
    return [problem.text for problem in found]


def test_the_shipped_tests_pass() -> None:
    """The contract of the demo does what its own tests say, and has some."""
    with in_memory() as session:
        assert rehearse(session, CONTRACT, DestinationFacts(OBJECT)) == ()
    assert len(CONTRACT.tests) >= 3


@pytest.mark.parametrize(
    ("given", "expect"),
    [
        (FULL | {"first_name": " Ada "}, {"FirstName": "Ada"}),
        (FULL | {"churn_score": 71.2}, {"Churn_Score__c": "71.20"}),
        (FULL | {"churn_score": "71.204"}, {"Churn_Score__c": 71.2}),
        (FULL, {"FirstName": None, "Monthly_Value__c": None}),
        ({}, "held"),
        (FULL | {"churn_score": "123456"}, "held"),
    ],
)
def test_what_is_right_passes(given: dict[str, Any], expect: Any) -> None:
    """Values are cast, rounded and normalised as in a plan; what cannot leave is held."""
    assert problems(given, expect) == []


@pytest.mark.parametrize(
    ("given", "expect", "told"),
    [
        (FULL | {"first_name": "Bea"}, {"FirstName": "Ada"}, "FirstName is `Bea`, expected `Ada`"),
        (FULL, {"FirstName": "Ada"}, "FirstName is empty, expected `Ada`"),
        (FULL, "held", "the row is not held"),
        ({}, {"FirstName": None}, "the row is held because of LastName"),
        (FULL | {"frist_name": "x"}, {}, "no field is made of `frist_name`; did you mean"),
        (FULL, {"FrstName": "x"}, "there is no field `FrstName`; did you mean `FirstName`?"),
    ],
)
def test_what_is_wrong_is_told(given: dict[str, Any], expect: Any, told: str) -> None:
    """A test that fails says which field is what, and what it should be."""
    (problem,) = problems(given, expect)

    assert told in problem


def test_a_value_is_a_value_and_no_sql() -> None:
    """Quotes and comments in a given value come out as they went in."""
    hostile = "x'); DROP TABLE t; --"

    assert problems(FULL | {"first_name": hostile}, {"FirstName": hostile}) == []
