"""Edits of a contract, each with what it means."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.edits import Weight, edits, version_problems, weight
from activation.contract.loading import load_contract
from activation.contract.model import Contract

CONTRACT = load_contract(
    Path(__file__).parents[2] / "activation" / "defs" / "salesforce_contact" / "defs.yaml"
)
PLAIN: dict[str, Any] = CONTRACT.model_dump(mode="json")
BREAKING, MINOR, PATCH = Weight.BREAKING, Weight.MINOR, Weight.PATCH
Change = Callable[[dict[str, Any]], Any]


def put(path: str, value: Any) -> Change:
    """Return a change that sets one value; a field is told by its name."""

    def change(contract: dict[str, Any]) -> None:
        *way, last = path.split(".")
        part: Any = contract
        for step in way:
            named = isinstance(part, list)
            part = next(f for f in part if f["to"] == step) if named else part[step]
        part[last] = value

    return change


def add_field(data_class: str) -> Change:
    """Return a change that maps one more field."""
    field = {"to": "New__c", "column": "new", "type": "text(9)", "nulls": "keep"}
    controls = {"purpose": "to greet", "approver": "team:privacy"}
    field |= {"data_class": data_class} | (controls if data_class == "sensitive" else {})
    return lambda contract: contract["fields"].append(field)


def without_field(contract: dict[str, Any]) -> None:
    """Map one field less."""
    contract["fields"].pop(0)  # which no other edit changes


def phases(*shares: str) -> Change:
    """Return a change of the rollout's phases."""
    names = ("canary", "early", "half", "full", "more")
    made = [{"name": n, "share": s} for n, s in zip(names, shares, strict=False)]
    return put("rollout.phases", made)


def max_lag(duration: str) -> Change:
    """Return a change of how far back consent may reach."""
    return lambda contract: contract["consent"]["sources"][0].update(max_lag=duration)


def one_more_source(contract: dict[str, Any]) -> None:
    """Let a second model be asked."""
    (first,) = contract["consent"]["sources"]
    contract["consent"]["sources"].append(first | {"model": "suppressions"})


def with_holdout(contract: dict[str, Any]) -> None:
    """Keep two of a hundred from every phase."""
    phases("1%", "5%", "25%", "98%")(contract)
    contract["rollout"]["holdout"] = "2%"


LABELLED: dict[str, tuple[Change, Weight]] = {
    "another key field": (put("destination.key", "Other_Key__c"), BREAKING),
    "another object": (put("destination.object", "Lead"), BREAKING),
    "another connection": (put("destination.connection", "other"), BREAKING),
    "another model": (put("source.model", "customer_value"), BREAKING),
    "another grain": (put("source.grain", ["customer_id", "region"]), BREAKING),
    "another version column": (put("source.version", "updated_at"), BREAKING),
    "another name": (put("sync", "salesforce_contacts"), BREAKING),
    "mirror": (put("destination.mode", "mirror"), BREAKING),
    "update only": (put("destination.mode", "update_only"), MINOR),
    "a field without personal data": (add_field("none"), MINOR),
    "a personal field": (add_field("personal"), BREAKING),
    "a sensitive field": (add_field("sensitive"), BREAKING),
    "a field less": (without_field, BREAKING),
    "a longer text": (put("fields.LastName.type", "text(120)"), MINOR),
    "a shorter text": (put("fields.LastName.type", "text(40)"), BREAKING),
    "a text that was a number": (put("fields.Churn_Score__c.type", "text(10)"), BREAKING),
    "more digits": (put("fields.Churn_Score__c.type", "decimal(9,2)"), MINOR),
    "other decimals": (put("fields.Churn_Score__c.type", "decimal(5,1)"), BREAKING),
    "another column": (put("fields.Churn_Band__c.column", "segment"), BREAKING),
    "clear instead of keep": (put("fields.Monthly_Value__c.nulls", "clear"), BREAKING),
    "keep instead of clear": (put("fields.Email.nulls", "keep"), MINOR),
    "a class lowered": (put("fields.Email.data_class", "none"), BREAKING),
    "consent reaching further back": (max_lag("7d"), BREAKING),
    "consent reaching less far": (max_lag("12h"), MINOR),
    "consent of one more model": (one_more_source, MINOR),
    "another purpose": (put("consent.purpose", "marketing"), BREAKING),
    "another channel": (put("consent.channel", "email"), BREAKING),
    "older data": (put("freshness.max_age", "60h"), BREAKING),
    "younger data": (put("freshness.max_age", "24h"), MINOR),
    "a guard loosened": (put("guards.changed", "60%"), BREAKING),
    "a guard tightened": (put("guards.changed", "20%"), MINOR),
    "deletes allowed": (put("guards.deleted", "1%"), BREAKING),
    "more requests": (put("quota.requests_per_day", 4000), MINOR),
    "a new salt": (put("rollout.salt", "salesforce_contact-2"), BREAKING),
    "a wider canary": (phases("2%", "5%", "25%", "100%"), BREAKING),
    "a narrower canary": (phases("0.5%", "5%", "25%", "100%"), MINOR),
    "a holdout": (with_holdout, MINOR),
    "a shorter soak": (put("rollout.promotion.soak", "1h"), BREAKING),
    "fewer outcomes": (put("rollout.promotion.outcomes", 10), BREAKING),
    "promotion by hand": (put("rollout.promotion", None), BREAKING),
    "another time": (put("schedule", "0 7 * * *"), MINOR),
    "parity by sample": (put("parity.mode", "sample"), BREAKING),
    "another objective": (put("objective", "People see who is likely to leave."), PATCH),
    "another channel of alerts": (put("alerting.channel", "data"), PATCH),
    "another team": (put("owner", "team:data"), PATCH),
    "more dead letters unheard": (put("alerting.dead_letters", "5%"), BREAKING),
    "longer retries": (put("replay.within", "30m"), MINOR),
}


def edited(change: Change) -> Contract:
    """Return the contract after a change."""
    plain = copy.deepcopy(PLAIN)
    change(plain)
    return Contract.model_validate(plain)


@pytest.mark.parametrize("name", LABELLED)
def test_an_edit_has_the_weight_that_people_give_it(name: str) -> None:
    """Each labelled edit is found, and weighs what it should."""
    change, expected = LABELLED[name]

    found = edits(CONTRACT, edited(change))

    assert weight(found) is expected, found


def test_the_same_contract_has_no_edit() -> None:
    """Another version number or approval is no edit of what is sent."""
    approved = put("approval", {"by": "team:privacy", "reason": "reviewed"})

    assert edits(CONTRACT, CONTRACT) == ()
    assert edits(CONTRACT, edited(approved)) == ()
    assert version_problems(CONTRACT, edited(put("version", "3.0.0"))) == ()


@given(st.lists(st.sampled_from(sorted(LABELLED)), min_size=2, max_size=4, unique=True))
def test_the_heaviest_edit_counts(names: list[str]) -> None:
    """Several edits weigh as much as the heaviest of them, whatever stands beside it."""
    plain = copy.deepcopy(PLAIN)
    expected = []
    for name in names:
        before = copy.deepcopy(plain)
        try:
            LABELLED[name][0](plain)
            Contract.model_validate(plain)
        except (StopIteration, TypeError, ValueError):
            plain = before  # two edits that do not fit each other
            continue
        expected.append(edits(Contract.model_validate(before), Contract.model_validate(plain)))
    heaviest = weight(edits(CONTRACT, Contract.model_validate(plain)))

    each = [w for found in expected if (w := weight(found)) is not None]
    assert heaviest is None or heaviest <= max(each)


@pytest.mark.parametrize(
    ("change", "too_low", "enough"),
    [
        (put("guards.changed", "60%"), "1.9.9", "2.0.0"),
        (put("guards.changed", "20%"), "1.0.9", "1.1.0"),
        (put("owner", "team:data"), "1.0.0", "1.0.1"),
    ],
    ids=["breaking", "minor", "patch"],
)
def test_the_version_says_how_heavy_it_is(change: Change, too_low: str, enough: str) -> None:
    """A version number that is too low for the edit is named with the one that is needed."""
    approval = put("approval", {"by": "team:privacy", "reason": "reviewed"})

    def with_version(version: str) -> Change:
        def both(contract: dict[str, Any]) -> None:
            change(contract)
            approval(contract)
            contract["version"] = version

        return both

    (problem,) = version_problems(CONTRACT, edited(with_version(too_low)))

    assert f"it must be {enough} or later" in problem.text
    assert version_problems(CONTRACT, edited(with_version(enough))) == ()


def test_a_breaking_edit_needs_a_new_approval() -> None:
    """Without an approver, or with the one of an earlier edit, a breaking edit is not done."""
    approval = {"by": "team:privacy", "reason": "reviewed"}
    before = edited(put("approval", approval))
    plain = before.model_dump(mode="json") | {"version": "2.0.0"}
    plain["guards"]["changed"] = "60%"

    (problem,) = version_problems(before, Contract.model_validate(plain))
    plain["approval"] = approval | {"reason": "the score is made anew in May"}

    assert "approval" in problem.text
    assert version_problems(before, Contract.model_validate(plain)) == ()


def test_an_unknown_edit_is_breaking() -> None:
    """Every key of a contract that no rule knows weighs the most."""
    from activation.contract.edits import _judged

    assert _judged(("brand", "new"), 1, 2).weight is BREAKING
