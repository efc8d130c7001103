from datetime import timedelta

import pytest

from activation.contract.model import Contract
from activation.gates.evaluate import evaluate
from activation.gates.verdict import Gate
from activation.planning.model import FieldProfile, Plan
from activation_tests.gates.conftest import NOW, contact, plan

FAILING = {
    Gate.FRESHNESS: plan({"newest_version": NOW - timedelta(days=9)}),
    Gate.GRAIN: plan({"null_keys": 999}),
    Gate.CONSENT: plan({"consents": {}}),
    Gate.BLAST_RADIUS: plan(blast={"delivered_before": 10, "deleted": 1}),
    Gate.DISTRIBUTION: plan({"fields": {"Churn_Score__c": FieldProfile(1000, 30, 9, outside=1)}}),
    Gate.SCHEMA: plan(values={"Churn_Band__c": ("Severe",)}),
    Gate.KILL_SWITCH: plan(),
}


def test_a_good_plan_passes_every_gate_in_order(demo: Contract) -> None:
    """There is one verdict a gate, in the gates' order."""
    verdicts = evaluate(demo, plan(), schema=contact(), paused=None, now=NOW)

    assert [verdict.gate for verdict in verdicts] == list(Gate)
    assert [verdict.gate for verdict in verdicts if not verdict.passed] == []
    assert [verdict.next_step for verdict in verdicts] == [None] * len(Gate)


@pytest.mark.parametrize(("gate", "failing"), FAILING.items())
def test_one_thing_wrong_fails_one_gate(demo: Contract, gate: Gate, failing: Plan) -> None:
    """What one gate judges does not fail another, and each failure says what to do next."""
    paused = "by operator: wrong segment" if gate is Gate.KILL_SWITCH else None

    verdicts = evaluate(demo, failing, schema=contact(), paused=paused, now=NOW)

    failed = [verdict for verdict in verdicts if not verdict.passed]
    assert [verdict.gate for verdict in failed] == [gate]
    assert failed[0].next_step


def test_a_pause_is_told_with_its_reason(demo: Contract) -> None:
    """The kill switch's verdict repeats who paused and why."""
    *_, verdict = evaluate(demo, plan(), schema=contact(), paused="wrong segment", now=NOW)

    assert verdict.summary == "Sending is paused: wrong segment"


def test_a_key_longer_than_its_field_fails(demo: Contract) -> None:
    """The longest key among the rows to send must fit."""
    verdicts = evaluate(
        demo, plan(longest={"Customer_Key__c": 65}), schema=contact(), paused=None, now=NOW
    )

    assert [verdict.gate for verdict in verdicts if not verdict.passed] == [Gate.SCHEMA]
