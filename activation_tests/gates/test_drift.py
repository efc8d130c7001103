"""What changed on either side since the last plan, and since when it is known."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from activation.contract.model import Contract
from activation.gates.drift import GONE, drifts, seen
from activation.gates.past import Last, Past
from activation.gates.schema import schema_drift
from activation.planning.model import Plan
from activation_tests.gates.conftest import NOW, contact, plan

YESTERDAY, BEFORE = NOW - timedelta(days=1), NOW - timedelta(days=2)
COLUMNS = {
    "customer_id": "TEXT",
    "scored_at": "TIMESTAMP",
    "email": "TEXT",
    "churn_score": "DECIMAL(5, 2)",
    "monthly_value": "DECIMAL(12, 2)",
}


def now(**columns: str) -> Plan:
    """Return a plan whose model has these columns otherwise than before."""
    return plan({"columns": COLUMNS | columns})


def past(
    demo: Contract,
    since: Mapping[str, datetime] | None = None,
    noticed: Mapping[str, str] | None = None,
) -> Past:
    """Return the past of a plan two days ago over both sides as they were."""
    last = Last(BEFORE, BEFORE, seen=seen(demo, now(), contact()))
    return Past(last=last, since=since or {}, noticed=noticed or {})


def test_nothing_drifts_that_stays(demo: Contract) -> None:
    """Both sides as they were are no drift, and neither is the first plan."""
    looked = seen(demo, now(), contact())

    assert drifts(demo, now(), looked, past(demo)) == ()
    assert drifts(demo, now(churn_score="TEXT"), {}, Past()) == ()


def test_a_drift_is_told_with_its_times(demo: Contract) -> None:
    """It is told what it was, what it is, when it was first seen so and last seen otherwise."""
    looked = seen(demo, now(), contact(Email={"length": 90}))

    (drift,) = drifts(demo, now(), looked, past(demo))

    assert drift.sentence == (
        "destination `Email` is email(90) and was email(80), seen since 2026-03-02 06:00 UTC and "
        "not yet at 2026-02-28 06:00"
    )
    assert not drift.stops


@pytest.mark.parametrize("noticed", ["email(90)", "email(85)", None])
def test_a_drift_is_known_since_a_plan_saw_it(demo: Contract, noticed: str | None) -> None:
    """A stopped plan that saw the very same says since when; what it saw otherwise does not."""
    looked = seen(demo, now(), contact(Email={"length": 90}))
    what = "destination.Email"
    known = past(demo, since={what: YESTERDAY}, noticed={} if noticed is None else {what: noticed})

    (drift,) = drifts(demo, now(), looked, known)

    assert drift.since == (YESTERDAY if noticed == "email(90)" else NOW)


def test_what_is_gone_is_known_since_a_plan_missed_it(demo: Contract) -> None:
    """A field that a stopped plan no longer saw is gone since then."""
    looked = seen(demo, now(), contact(Email=None))
    known = past(demo, since={"destination.Email": YESTERDAY}, noticed={})

    (drift,) = drifts(demo, now(), looked, known)

    assert (drift.after, drift.since) == (GONE, YESTERDAY)
    assert drift.sentence.startswith("destination `Email` is gone and was email(80)")


def test_what_the_contract_no_longer_names_may_go(demo: Contract) -> None:
    """A field that is not mapped any more is nobody's drift."""
    plain = demo.model_dump(mode="json")
    fewer = Contract.model_validate(
        plain | {"fields": [f for f in plain["fields"] if f["to"] != "Email"]}
    )
    looked = seen(fewer, now(), contact(Email=None))

    assert drifts(fewer, now(), looked, past(demo)) == ()


@pytest.mark.parametrize(
    ("column", "kind", "passes"),
    [
        ("churn_score", "DECIMAL(6, 2)", True),
        ("churn_score", "DECIMAL(5, 1)", False),
        ("churn_score", "DECIMAL(4, 2)", False),
        ("churn_score", "TEXT", False),
        ("churn_score", "DOUBLE", False),
        ("scored_at", "DATE", False),
        ("email", "TEXT(20)", False),
        ("customer_id", "INT", False),
    ],
)
def test_a_column_that_may_hold_less_stops_the_plan(
    demo: Contract, column: str, kind: str, *, passes: bool
) -> None:
    """Digits, decimals, letters, times or another kind; somebody may say that it is fine."""
    verdict = schema_drift(demo, now(**{column: kind}), contact(), past(demo))

    assert verdict.passed is passes
    assert f"source `{column}` is {kind} and was {COLUMNS[column]}" in verdict.summary
    assert "final" not in verdict.evidence
    assert passes or "activation approve" in (verdict.next_step or "")


def test_a_column_of_no_use_is_final(demo: Contract) -> None:
    """A column whose values cannot be sent as the contract says stops it, with no way round."""
    verdict = schema_drift(demo, now(churn_score="DATE"), contact())

    assert not verdict.passed
    assert verdict.evidence["problems"] == [
        "column `churn_score` of customer_churn is DATE; the contract sends decimal(5,2)"
    ]
    assert verdict.evidence["final"] is True


def test_what_changed_is_told_beside_what_does_not_fit(demo: Contract) -> None:
    """The verdict on a shortened field says since when it is short."""
    verdict = schema_drift(demo, now(), contact(Email={"length": 79}), past(demo))

    assert not verdict.passed
    assert verdict.summary == (
        "Contact does not fit the contract: field `Email` takes 79 characters; the contract sends "
        "text(80). Since the last plan: destination `Email` is email(79) and was email(80), seen "
        "since 2026-03-02 06:00 UTC and not yet at 2026-02-28 06:00."
    )
    assert verdict.evidence["final"] is True


def test_picklists_are_compared_by_their_values(demo: Contract) -> None:
    """A value that is gone is a drift, whether it is sent today or not; long lists by a digest."""
    fewer = seen(demo, now(), contact(Churn_Band__c={"values": ("Low", "High")}))
    (drift,) = drifts(demo, now(), fewer, past(demo))
    assert (drift.before, drift.after) == (
        "picklist, one of High | Low | Medium",
        "picklist, one of High | Low",
    )

    long = tuple(f"v{n}" for n in range(50))
    one = seen(demo, now(), contact(Churn_Band__c={"values": long}))["destination.Churn_Band__c"]
    other = seen(demo, now(), contact(Churn_Band__c={"values": (*long[1:], "w")}))
    assert one.startswith("picklist, one of 50 values (")
    assert one != other["destination.Churn_Band__c"]


def test_permissions_are_compared(demo: Contract) -> None:
    """What the user may do with the object is a thing that drifts."""
    looked = seen(demo, now(), replace(contact(), deletable=False))

    (drift,) = drifts(demo, now(), looked, past(demo))

    assert drift.sentence.startswith(
        "destination `(Contact)` is open to create, update and was open to create, update, delete"
    )
