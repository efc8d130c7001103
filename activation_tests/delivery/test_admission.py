from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from activation.destinations.memory import MEMORY, Fault, Trouble
from activation.destinations.traits import Verb
from activation.errors import ConfigurationError, Refused, Unavailable, UsageError
from activation.gates.verdict import Gate, Verdict
from activation.ledger import tables
from activation.ledger.gates import GATES
from activation.ledger.leases import Lease
from activation.ledger.plans import PlanState
from activation.planning.model import ActionCount, Disposition
from activation_tests.delivery.conftest import MakeRig
from activation_tests.delivery.rig import Rig, actions, contract, with_removals


def test_the_ledger_asks_for_every_gate() -> None:
    """The gates without which nothing is sent are the gates there are."""
    assert {str(gate) for gate in Gate} == GATES


@pytest.mark.parametrize("gate", list(Gate))
def test_a_missing_verdict_refuses(make_rig: MakeRig, gate: Gate) -> None:
    """A plan that one gate has never judged is not sent."""
    rig = make_rig(5)
    rig.plan(gates=set(Gate) - {gate})

    with pytest.raises(Refused, match=f"{gate}: never asked"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_failed_verdict_refuses(make_rig: MakeRig) -> None:
    """A plan that a gate has stopped is not sent; the refusal says why and what to do."""
    rig = make_rig(5)
    failed = Verdict(
        Gate.BLAST_RADIUS, passed=False, summary="40 % would change", next_step="Look at the model."
    )
    passed = [Verdict(g, passed=True, summary="") for g in Gate if g is not Gate.BLAST_RADIUS]
    rig.ledger.plans.record_verdicts(rig.digest, [failed, *passed])

    with pytest.raises(Refused, match="40 % would change") as refusal:
        rig.deliver()

    assert refusal.value.hint == "Look at the model."
    assert rig.destination.requests == []


def stopped_by(rig: Rig, *gates: Gate, **evidence: str) -> None:
    """Let these gates have stopped the plan."""
    verdicts = [Verdict(g, passed=g not in gates, summary="", evidence={**evidence}) for g in Gate]
    rig.ledger.plans.record_verdicts(rig.digest, verdicts)


def approve(rig: Rig, *gates: str) -> None:
    """Let somebody answer for the plan."""
    rig.ledger.approvals.approve(rig.digest, gates, reason="wanted", author="operator")


def test_an_approved_plan_is_sent(make_rig: MakeRig) -> None:
    """A gate that somebody has overridden stops the plan no longer."""
    rig = make_rig(5)
    stopped_by(rig, Gate.BLAST_RADIUS, Gate.GRAIN)
    approve(rig)

    rig.deliver()

    assert rig.totals()["delivered"] == 5


def test_an_approval_of_one_gate_overrides_no_other(make_rig: MakeRig) -> None:
    """What else has stopped the plan stops it still, consent above all."""
    rig = make_rig(5)
    stopped_by(rig, Gate.BLAST_RADIUS, Gate.CONSENT)
    approve(rig, "blast_radius")

    with pytest.raises(Refused, match="consent"):
        rig.deliver()

    assert rig.destination.requests == []


def test_an_approval_that_got_into_the_ledger_overrides_no_consent(make_rig: MakeRig) -> None:
    """Whatever the table of approvals says, delivery asks what can be overridden at all."""
    rig = make_rig(5)
    stopped_by(rig, Gate.CONSENT, Gate.GRAIN)
    approve(rig, "grain")
    with rig.ledger.store.write() as connected:
        connected.execute(tables.approval.update().values(gate="consent"))

    with pytest.raises(Refused, match="consent"):
        rig.deliver()

    assert rig.destination.requests == []


@pytest.mark.parametrize(("minutes", "sent"), [(23 * 60 + 59, True), (24 * 60, False)])
def test_an_approved_plan_lives_as_long_as_its_approval(
    make_rig: MakeRig, minutes: int, *, sent: bool
) -> None:
    """Whoever approves a plan may have the night for it; a day later it is refused again."""
    rig = make_rig(5)
    stopped_by(rig, Gate.BLAST_RADIUS)
    approve(rig)
    rig.later(minutes=minutes)

    if sent:
        rig.deliver()
    else:
        with pytest.raises(Refused, match="blast_radius"):
            rig.deliver()

    assert bool(rig.destination.requests) is sent


def test_a_replanned_sync_needs_a_new_approval(make_rig: MakeRig) -> None:
    """An approval is of one plan, and does not carry over to the next."""
    rig = make_rig(5)
    stopped_by(rig, Gate.BLAST_RADIUS)
    approve(rig)
    newer = rig.with_rows(actions(5, value="v2"))
    newer.plan(digest="b" * 64)
    stopped_by(newer, Gate.BLAST_RADIUS)

    with pytest.raises(Refused, match="not the newest"):
        replace(newer, digest=rig.digest).deliver()
    with pytest.raises(Refused, match="blast_radius"):
        newer.deliver()

    assert rig.destination.requests == []


@pytest.mark.parametrize(("minutes", "sent"), [(30, True), (31, False)])
def test_data_that_has_gone_stale_since_is_not_sent(
    make_rig: MakeRig, minutes: int, *, sent: bool
) -> None:
    """What was young enough when it was planned must be so when it is sent."""
    rig = make_rig(5)
    until = rig.time.now() + timedelta(minutes=30)
    stopped_by(rig, young_until=until.isoformat())
    rig.later(minutes=minutes)

    if sent:
        rig.deliver()
    else:
        with pytest.raises(Refused, match="gone stale since it was planned"):
            rig.deliver()

    assert bool(rig.destination.requests) is sent


def test_an_unknown_plan_is_refused(make_rig: MakeRig) -> None:
    """A digest that the ledger does not know is a mistake of the caller."""
    rig = make_rig(5)
    rig.digest = "c" * 64

    with pytest.raises(UsageError, match="cccccccccccc"):
        rig.deliver()


def test_an_old_plan_is_refused(make_rig: MakeRig) -> None:
    """A plan older than an hour is not sent."""
    rig = make_rig(5)
    rig.later(minutes=61)

    with pytest.raises(Refused, match="older than 60 minutes"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_superseded_plan_is_refused(make_rig: MakeRig) -> None:
    """Once a newer plan of the phase exists, the older one is not sent."""
    rig = make_rig(5)
    rig.with_rows(actions(5, value="v2")).plan(digest="b" * 64)

    assert rig.ledger.plans.get(rig.digest).state is PlanState.SUPERSEDED
    with pytest.raises(Refused, match="not the newest"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_plan_overtaken_in_another_phase_is_refused(make_rig: MakeRig) -> None:
    """A plan is not sent after a later plan of another phase, whose rows it could set back."""
    rig = make_rig(5)
    rig.later(minutes=1)
    canary = rig.with_rows(actions(2, value="v2"))
    canary.plan(digest="b" * 64, phase="canary")
    canary.deliver()

    with pytest.raises(Refused, match="overtaken by bbbbbbbbbbbb"):
        rig.deliver()

    assert rig.destination.records["k00001"]["Score"] == "v2"


def test_a_plan_made_before_an_unanswered_attempt_is_refused(make_rig: MakeRig) -> None:
    """A plan that cannot know of an attempt which may land late does not write over it."""
    rig = make_rig(5, script=[Fault(Trouble.LATE)] * 4)
    rig.later(minutes=1)
    newer = rig.with_rows(actions(5, value="v2"))
    newer.plan(digest="b" * 64, phase="everybody")
    with pytest.raises(Unavailable):
        rig.deliver()

    with pytest.raises(Refused, match="overtaken by aaaaaaaaaaaa"):
        newer.deliver()
    rig.destination.land()

    assert {record["Score"] for record in rig.destination.records.values()} == {"v1"}
    newer.plan(digest="c" * 64, phase="everybody")
    newer.deliver()
    assert {record["Score"] for record in rig.destination.records.values()} == {"v2"}


def test_a_plan_made_before_another_delivery_is_refused(make_rig: MakeRig) -> None:
    """A plan that cannot know what is delivered by now is not sent, whatever the clocks said."""
    rig = make_rig(5)
    rig.later(minutes=1)
    newer = rig.with_rows(actions(5, value="v2"))
    newer.plan(digest="b" * 64, phase="everybody")
    rig.later(minutes=-2)

    rig.deliver()

    with pytest.raises(Refused, match="overtaken by aaaaaaaaaaaa"):
        newer.deliver()


def test_a_later_plan_that_sent_nothing_overtakes_nothing(make_rig: MakeRig) -> None:
    """A later plan of another phase does not stand in the way before it sends."""
    rig = make_rig(5)
    rig.later(minutes=1)
    rig.with_rows(actions(2)).plan(digest="b" * 64, phase="canary")

    assert rig.deliver().settled


def test_a_plan_is_judged_under_the_lease(make_rig: MakeRig) -> None:
    """A plan is not sent if a newer one came while its run waited for the lease."""
    rig = make_rig(5)
    acquire = rig.ledger.leases.acquire
    newer = rig.with_rows(actions(5, value="v2"))

    def slowly(sync: str, owner: str, *, seconds: float) -> Lease:
        lease = acquire(sync, owner, seconds=seconds)
        newer.plan(digest="b" * 64)
        return lease

    rig.ledger.leases = SimpleNamespace(  # type: ignore[assignment]
        acquire=slowly, release=rig.ledger.leases.release
    )
    with pytest.raises(Refused, match="not the newest"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_plan_of_another_contract_is_refused(make_rig: MakeRig) -> None:
    """A plan made before the contract changed is not sent."""
    rig = make_rig(5)
    rig.contract = contract(objective="Something else entirely.")

    with pytest.raises(Refused, match="another state of the contract"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_plan_of_another_sync_is_refused(make_rig: MakeRig) -> None:
    """A plan is only sent under the contract of its own sync."""
    rig = make_rig(5)
    rig.contract = contract(sync="others")

    with pytest.raises(Refused, match="not of others"):
        rig.deliver()

    assert rig.destination.requests == []


def test_a_verb_that_the_destination_lacks_is_refused(make_rig: MakeRig) -> None:
    """A plan with removals sends nothing, not even its updates, if there is no way to remove."""
    rig = make_rig(5, traits=replace(MEMORY, verbs=frozenset({Verb.UPSERT})))
    rig = rig.with_rows(with_removals(rig.frozen.rows, 2))
    rig.plan(digest="d" * 64)

    with pytest.raises(ConfigurationError, match="can remove"):
        rig.deliver()

    assert rig.destination.requests == []


def test_an_empty_plan_settles(make_rig: MakeRig) -> None:
    """A plan with nothing to send is delivered without a request."""
    rig = make_rig(5)
    rig = replace(rig.with_rows(actions(0)), digest="e" * 64)
    rig.plan(extra=[ActionCount("update", Disposition.BLOCKED, "denied", 7)])

    outcomes = rig.deliver()

    assert (outcomes.totals["planned"], outcomes.totals["blocked"], outcomes.requests) == (7, 7, 0)
    assert outcomes.settled
