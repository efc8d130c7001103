"""Who answers for a plan that a gate has stopped, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from activation.errors import UsageError
from activation.gates.verdict import Gate, Verdict
from activation.ledger import Ledger
from activation.ledger.approvals import LIFE, OVERRIDABLE
from activation.ledger.audit import Act
from activation.ledger.gates import GATES
from activation.ledger.plans import PlanState
from activation.planning.model import BlastRadius, Plan, SourceProfile
from activation_tests.ledger.conftest import StandingClock

DIGEST = "a1" * 32


def make(
    ledger: Ledger, *failed: str, digest: str = DIGEST, phase: str = "full", **evidence: bool
) -> None:
    """Record a plan that these gates have stopped."""
    plan = Plan(
        digest=digest,
        sync="s",
        phase=phase,
        created_at=ledger.store.clock.now(),
        contract_digest="c",
        mapping_digest="m",
        table="t",
        source=SourceProfile(0, 0, 0, 0, None),
        blast=BlastRadius(0, 0, 0, 0, 0, 0, 0, 0),
    )
    ledger.plans.record(plan, connection="crm", attempts_seen=0)
    verdicts = [
        Verdict(g, passed=g not in failed, summary=f"{g} said so", evidence={**evidence})
        for g in Gate
    ]
    ledger.plans.record_verdicts(digest, verdicts)


def approve(ledger: Ledger, *gates: str, digits: str = DIGEST[:12]) -> None:
    """Approve as somebody."""
    ledger.approvals.approve(digits, gates, reason="wanted", author="operator")


def test_an_approval_names_plan_gates_author_and_end(ledger: Ledger, clock: StandingClock) -> None:
    """It is kept with the whole digest, and stands in the audit chain."""
    make(ledger, "blast_radius", "grain")

    approve(ledger, "blast_radius")

    (one,) = ledger.approvals.of(DIGEST).values()
    assert (one.plan_digest, one.gate, one.author, one.reason) == (
        DIGEST,
        "blast_radius",
        "operator",
        "wanted",
    )
    assert one.expires_at == clock.now() + timedelta(hours=24)
    entry = ledger.audit.list()[0]
    assert (entry.act, entry.author, entry.reason) == (Act.APPROVE, "operator", "wanted")
    assert entry.subject["plan"] == DIGEST
    assert entry.subject["gates"] == "blast_radius"
    assert ledger.audit.verify() is None


def test_all_that_failed_is_overridden_if_no_gate_is_named(ledger: Ledger) -> None:
    """Without a gate, every gate that stopped the plan is named."""
    make(ledger, "blast_radius", "grain")

    approve(ledger)

    assert set(ledger.approvals.of(DIGEST)) == {"blast_radius", "grain"}


def test_an_approval_ends_after_a_day(ledger: Ledger, clock: StandingClock) -> None:
    """A microsecond before the end it holds, at the end no longer."""
    make(ledger, "grain")
    approve(ledger)

    clock.at += LIFE - timedelta(microseconds=1)
    assert ledger.approvals.of(DIGEST)
    clock.later(microseconds=1)
    assert not ledger.approvals.of(DIGEST)


def test_an_approval_dies_when_the_plan_is_made_again(ledger: Ledger) -> None:
    """A plan that comes out the same again needs a new approval."""
    make(ledger, "grain")
    approve(ledger)

    make(ledger, "grain")

    assert not ledger.approvals.of(DIGEST)


@pytest.mark.parametrize("gate", sorted(GATES - OVERRIDABLE))
def test_nobody_overrides(ledger: Ledger, gate: str) -> None:
    """Consent is others' to give, and the kill switch is resumed."""
    make(ledger, gate, "grain")

    with pytest.raises(UsageError, match=f"`{gate}` can be overridden by nobody"):
        approve(ledger)
    with pytest.raises(UsageError, match="by nobody"):
        approve(ledger, gate)

    assert not ledger.approvals.of(DIGEST)
    assert {"consent", "kill_switch"} == GATES - OVERRIDABLE


def test_a_final_verdict_is_overridden_by_nobody(ledger: Ledger) -> None:
    """A gate says of this very verdict that no approval helps."""
    make(ledger, "freshness", final=True)

    with pytest.raises(UsageError, match="by nobody: freshness said so"):
        approve(ledger)


@pytest.mark.parametrize(
    ("digits", "match"),
    [
        ("b" * 64, "no plan"),
        (DIGEST[:11], "names no plan"),
        ("%" * 12, "names no plan"),
        ("", "names no plan"),
    ],
)
def test_a_plan_is_named_by_its_digest(ledger: Ledger, digits: str, match: str) -> None:
    """Twelve digits at least, of a plan that there is."""
    make(ledger, "grain")

    with pytest.raises(UsageError, match=match):
        approve(ledger, digits=digits)


def test_two_plans_with_the_same_digits_are_told(ledger: Ledger) -> None:
    """Digits that begin several digests name none of them."""
    make(ledger, "grain")
    make(ledger, "grain", digest=DIGEST[:20] + "f" * 44, phase="canary")

    with pytest.raises(UsageError, match="several plans"):
        approve(ledger)


def _superseded(ledger: Ledger) -> None:
    make(ledger, "grain", digest="b2" * 32)


def _settled(ledger: Ledger) -> None:
    ledger.plans.mark(DIGEST, PlanState.SETTLED)


@pytest.mark.parametrize(
    ("then", "match"), [(_superseded, "is not the newest"), (_settled, "has been sent")]
)
def test_only_a_plan_that_can_be_sent_is_approved(
    ledger: Ledger, then: Callable[[Ledger], None], match: str
) -> None:
    """Neither what a newer plan has replaced nor what is out already."""
    make(ledger, "grain")
    then(ledger)

    with pytest.raises(UsageError, match=match):
        approve(ledger)


@pytest.mark.parametrize(("failed", "match"), [([], "No gate has"), (["grain"], "Gate `schema`")])
def test_only_a_failed_gate_is_overridden(ledger: Ledger, failed: list[str], match: str) -> None:
    """An approval in advance would be one of something that nobody has seen."""
    make(ledger, *failed)

    with pytest.raises(UsageError, match=match):
        approve(ledger, "schema")


def test_an_approval_says_who_and_why(ledger: Ledger) -> None:
    """Without words there is none."""
    make(ledger, "grain")

    with pytest.raises(UsageError, match="reason"):
        ledger.approvals.approve(DIGEST, reason=" ", author="operator")
