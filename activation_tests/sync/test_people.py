"""The rights of people, over real HTTP: who received them, suppression, erasure."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest

from activation.destinations.salesforce.collections import Collections
from activation.ledger.erasures import Erasure
from activation.ledger.people import PersonAct
from activation.rollout.rollback import Order
from activation.sync import people
from activation.sync.people import Recipient
from activation_tests.sync.project import SYNC, Project, unguarded

ROWS = 40
GONE = "C-00007"


@pytest.fixture
def ran(project: Project) -> Project:
    """Return a project of 40 customers, all of them delivered."""
    project.fill(ROWS)
    # One of forty is more than a guard of some percent lets pass.
    project.edit_contract(unguarded)
    project.open_phase()
    assert project.run().totals["delivered"] == ROWS
    project.requests()
    return project


def erase(project: Project, *keys: str) -> tuple[Erasure, ...]:
    """Erase people, as the command does, and return how far it came."""
    with project.services() as services:
        people.ask_erasure(services, keys, reason="request 17", author="tests")
        done, stopped = people.carry_out_erasures(services, run_id="erasing")
        assert stopped == {}
        return done


def received(project: Project, *keys: str) -> tuple[Recipient, ...]:
    """Return who received these people."""
    with project.services() as services:
        return people.recipients(services, keys)


def writes(project: Project) -> list[str]:
    """Return the methods of what was sent to change records since the last call."""
    asking = ("GET", "POST")  # Salesforce's composite writes are PATCH and DELETE
    return [r["method"] for r in project.requests() if r["method"] not in asking]


def written(project: Project) -> set[str]:
    """Return the keys that were written since the last call."""
    patches = [r["key_values"] for r in project.requests() if r["method"] == "PATCH"]
    return {key for values in patches for key in _listed(values)}


def _listed(values: Any) -> list[str]:
    found: list[str] = json.loads(values) if isinstance(values, str) else values or []
    return found


def at_rest(project: Project, value: str) -> list[str]:
    """Return our tables of the warehouse that hold a value."""
    tables = project.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'activation'"
    )
    return [
        name
        for (name,) in tables
        if project.sql(
            f"SELECT 1 FROM activation.{name} AS t WHERE t::VARCHAR LIKE $v",  # noqa: S608
            {"v": f"%{value}%"},
        )
    ]


def test_an_erased_person_is_gone_everywhere(ran: Project) -> None:
    """The record is removed, the read-back confirms it, and nothing of ours has the person."""
    (before,) = received(ran, GONE)
    (done,) = erase(ran, GONE.lower())

    assert (before.standing, before.first_at, before.last_at) == (
        "there",
        ran.clock.now(),
        before.first_at,
    )
    assert (done.state, done.why) == (
        "confirmed",
        "recycled; its own users can bring it back for 15 days",
    )
    assert done.restorable_until == ran.clock.now() + timedelta(days=15)
    assert GONE not in {r["Customer_Key__c"] for r in ran.sandbox.records("Contact")}
    assert len(ran.sandbox.records("Contact")) == ROWS - 1
    assert at_rest(ran, GONE) == at_rest(ran, GONE.lower()) == []
    (after,) = received(ran, GONE)
    assert (after.standing, after.first_at) == ("erasure confirmed", before.first_at)


def test_an_erased_person_does_not_come_back(ran: Project) -> None:
    """Neither a run, a resync, a newer row nor another spelling sends the person again."""
    erase(ran, GONE)
    ran.requests()

    again = ran.run()
    assert again.tallies["create"].blocked_by == {"erased": 1}
    assert again.parity is not None
    assert (again.parity.unexplained, again.findings[-1].passed) == (0, True)
    with ran.open() as sync:
        sync.resync(reason="lost", author="tests")
    ran.score_again(changed=ROWS)
    ran.sql(
        "UPDATE main_marts.customer_churn SET customer_id = lower(customer_id) "
        "WHERE customer_id = $k",
        {"k": GONE},
    )
    moved = ran.run()

    assert moved.totals["delivered"] == ROWS - 1
    assert moved.tallies["create"].blocked_by == {"erased": 1}
    assert GONE not in written(ran)
    assert len(ran.sandbox.records("Contact")) == ROWS - 1


def test_an_erasure_while_a_delivery_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the act no request carries the person; what had left before is removed afterwards."""
    project.fill(1000)
    project.edit_contract(lambda c: c["quota"].update(concurrency=1))
    project.open_phase()
    project.plan()
    send = Collections.send
    early, late = "C-00003", "C-00999"
    calls: list[int] = []

    def interrupted(self: Collections, *args: Any, **options: Any) -> Any:
        answer = send(self, *args, **options)
        if len(calls) == 1:
            with project.services() as services:
                people.ask_erasure(services, [early, late], reason="request 17", author="tests")
                _, stopped = people.carry_out_erasures(services, run_id="erasing")
                assert "is being delivered by" in stopped[SYNC]
        calls.append(1)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(Collections, "send", interrupted)
        delivered = project.deliver()
    assert (delivered.totals["delivered"], delivered.totals["blocked"]) == (999, 1)
    assert early in {r["Customer_Key__c"] for r in project.sandbox.records("Contact")}
    assert late not in written(project)

    planned = project.plan()

    assert (planned.plan.rows(), planned.plan.counts[0].reason) == (2, "erased")
    assert writes(project) == ["DELETE"]
    assert early not in {r["Customer_Key__c"] for r in project.sandbox.records("Contact")}
    with project.services() as services:
        assert {e.state for e in services.ledger.erasures.list()} == {"confirmed"}


def test_a_suppressed_person_is_withdrawn_and_comes_back(ran: Project) -> None:
    """What `on_revoke` says is done by the next plan, nothing else is sent, until it is lifted."""

    def suppress(*, lift: bool) -> int:
        with ran.services() as services:
            return people.suppress(
                services,
                [GONE.lower()],
                scope=f"sync:{SYNC}",
                lift=lift,
                reason="asked",
                author="t",
            )

    assert suppress(lift=False) == 1
    ran.score_again(changed=ROWS)
    ran.run()
    assert ran.contact(GONE)["Email"] is None
    assert ran.contact("C-00008")["Email"] == "c8@example.com"
    ran.score_again(changed=ROWS)
    ran.requests()
    assert ran.run().tallies["update"].blocked_by == {"suppressed": 1}
    assert GONE not in written(ran)

    assert suppress(lift=True) == 1
    ran.run()
    assert ran.contact(GONE)["Email"] == "c7@example.com"
    assert at_rest(ran, GONE.lower()) == []


def test_what_cannot_be_done_now_stays_due(ran: Project) -> None:
    """While sending is paused nothing is removed; the next plan after it does it first."""
    with ran.services() as services:
        services.ledger.switches.pause("all", reason="look", author="tests")
        people.ask_erasure(services, [GONE], reason="request 17", author="tests")
        done, stopped = people.carry_out_erasures(services, run_id="erasing")
        assert (done, "was paused by" in stopped[SYNC]) == ((), True)
        services.ledger.switches.resume("all", reason="seen", author="tests")

    ran.plan()

    with ran.services() as services:
        (erasure,) = services.ledger.erasures.list()
        assert erasure.state == "confirmed"
        acts = [e.subject.get("sync") for e in services.ledger.audit.list() if e.act == "erase"]
    assert acts == [SYNC, None]
    assert [a.act for a in services.ledger.people.acts(GONE.lower())] == [PersonAct.ERASE]


def test_a_record_that_somebody_made_is_removed_too(ran: Project) -> None:
    """A person whom we never delivered, or have forgotten, is looked for by the key itself."""
    ran.sql("DELETE FROM activation.delivered_salesforce_contact WHERE sync_key = $k", {"k": GONE})

    (done,) = erase(ran, GONE)

    assert (done.state, done.last_at) == ("confirmed", None)
    assert len(ran.sandbox.records("Contact")) == ROWS - 1


def test_a_rollback_brings_nobody_back(project: Project) -> None:
    """What a delivery had overwritten is forgotten with the person, and a rollback leaves it so."""
    project.fill(ROWS)
    project.edit_contract(unguarded)
    project.edit_contract(lambda c: c.update(rollback={"keep": "14d", "created": "archive"}))
    project.open_phase()
    project.run()
    project.score_again(changed=ROWS)
    project.run()
    assert f"images_{SYNC}" in at_rest(project, GONE)
    erase(project, GONE)
    assert at_rest(project, GONE) == []
    project.requests()

    with project.open() as sync:
        back = sync.roll_back(Order(run="run-2"), run_id="undo", reason="wrong", author="tests")

    assert back.delivered is not None
    assert back.delivered.totals["delivered"] == ROWS - 1
    assert GONE not in written(project)
    assert len(project.sandbox.records("Contact")) == ROWS - 1


def test_nobody_is_named_in_a_reason(ran: Project) -> None:
    """A reason that holds the key would be kept in the clear, so it is refused."""
    from activation.errors import UsageError

    with ran.services() as services, pytest.raises(UsageError, match="names the person"):
        people.ask_erasure(services, [GONE], reason=f"{GONE.lower()} asked", author="tests")


def test_a_hashed_field_agrees_in_parity(project: Project) -> None:
    """What was hashed or masked before it left is compared as it left, and a resync knows it."""

    def protect(contract: dict[str, Any]) -> None:
        of = {field["to"]: field for field in contract["fields"]}
        of["Email"]["type"] = of["LastName"]["type"] = "text(64)"
        of["LastName"]["protect"] = {"do": "hash", "tidy": ["trim", "lower"]}
        of["FirstName"]["protect"] = {"do": "mask", "keep": "first_letter"}
        contract["tests"] = []

    project.edit_contract(protect)
    project.fill(ROWS)
    project.open_phase()
    first = project.run()

    assert first.parity is not None
    assert (first.totals["delivered"], first.parity.unexplained) == (ROWS, 0)
    contact = project.contact(GONE)
    assert contact["LastName"] == hashlib.sha256(b"last7").hexdigest()
    assert contact["FirstName"] == "F***"
    with project.open() as sync:
        assert sync.resync(reason="look", author="tests").equal == ROWS
    project.requests()
    assert project.run().totals["planned"] == 0
