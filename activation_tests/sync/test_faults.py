"""A vendor in trouble costs time, and never a row, a second record or a neighbour."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from activation.errors import QuotaExhausted, Unavailable
from activation.ledger.runs import RunState
from activation.reconciliation.parity import Discrepancy
from activation_tests.sync.project import SYNC, Project


@pytest.fixture
def opened(project: Project) -> Project:
    """Return a project of 400 rows whose widest phase is open."""
    project.fill(400)
    project.open_phase()
    return project


def _keys(project: Project) -> Counter[str]:
    """Return how many records each key has."""
    return Counter(record["Customer_Key__c"] for record in project.sandbox.records("Contact"))


def test_a_refused_value_costs_its_row_alone(opened: Project) -> None:
    """One row becomes a dead letter with the vendor's code; its neighbours are delivered."""
    opened.sandbox.faults.add(
        "refuse_value",
        field="Email",
        value="c7@example.com",
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )

    delivered = opened.run()

    assert delivered.totals["delivered"] == 399
    assert delivered.totals["rejected"] == delivered.outcomes.dead_letters == 1
    assert _keys(opened) == Counter(f"C-{i:05d}" for i in range(400) if i != 7)
    with opened.services() as services:
        (letter,) = services.ledger.dead_letters.list(SYNC)
    assert letter.code == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    assert "c7@example.com" not in str(letter)
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.REJECTED] == 1
    assert delivered.parity.unexplained == 0


def test_a_dead_letter_waits_for_its_payload_to_change(opened: Project) -> None:
    """The unchanged row is held and costs no request; once it changes, it is delivered."""
    opened.sandbox.faults.add("refuse_value", field="Email", value="c7@example.com")
    opened.run()
    opened.writes()

    again = opened.run()

    assert again.totals["held"] == 1
    assert again.totals["planned"] == 1
    assert opened.writes() == []

    opened.sql(
        "UPDATE main_marts.customer_churn SET email = 'seven@example.com', "
        "scored_at = scored_at + INTERVAL 10 MINUTE WHERE customer_id = 'C-00007'"
    )
    mended = opened.run()

    assert mended.totals["delivered"] == mended.totals["planned"] == 1
    assert opened.contact("C-00007")["Email"] == "seven@example.com"
    with opened.services() as services:
        assert services.ledger.dead_letters.counts(SYNC) == ()


def test_an_outage_is_waited_out(opened: Project) -> None:
    """Requests that meet a 503 are sent again until all rows are there."""
    opened.sandbox.faults.add("unavailable", times=2, method="PATCH")

    delivered = opened.run()

    writes = opened.writes()
    assert delivered.stopped is None
    assert delivered.totals["delivered"] == 400
    assert Counter(entry["status"] for entry in writes) == {200: 2, 503: 2}
    assert opened.clock.waited > 0


def test_an_outage_that_lasts_stops_and_loses_nothing(opened: Project) -> None:
    """A vendor that stays away ends the run; what was not sent stays planned for the next."""
    opened.sandbox.faults.add("unavailable", method="PATCH")

    delivered = opened.run()

    assert isinstance(delivered.stopped, Unavailable)
    assert delivered.parity is None
    assert delivered.totals["planned"] == delivered.totals["held"] == 400
    assert opened.sandbox.count("Contact") == 0

    opened.sandbox.faults.clear()

    assert opened.run().totals["delivered"] == 400
    assert set(_keys(opened).values()) == {1}


def test_the_daily_quota_stops_and_loses_nothing(opened: Project) -> None:
    """When the vendor's day is used up the rest is held; the next day brings every row once."""
    opened.sandbox.faults.add("quota_exhausted", method="PATCH")

    delivered = opened.run()

    assert isinstance(delivered.stopped, QuotaExhausted)
    assert "REQUEST_LIMIT_EXCEEDED" in str(delivered.stopped)
    assert delivered.totals["held"] == delivered.totals["planned"] == 400
    with opened.services() as services:
        (run,) = services.ledger.runs.list(SYNC)
    assert run.state == "stopped"

    opened.sandbox.faults.clear()
    again = opened.run()

    assert again.stopped is None
    assert again.totals["delivered"] == 400
    assert set(_keys(opened).values()) == {1}


def test_people_keep_their_headroom(project: Project) -> None:
    """With a fifth of the day's requests left we stop part-way, and never meet a refusal."""
    project.fill(1000)
    project.open_phase()
    project.sandbox.set_quota(limit=1000, used=796)

    delivered = project.run()

    totals = delivered.totals
    assert isinstance(delivered.stopped, QuotaExhausted)
    assert 0 < totals["delivered"] < 1000
    assert totals["delivered"] + totals["held"] == 1000
    assert {entry["status"] for entry in project.requests()} == {200}
    assert project.sandbox.count("Contact") == totals["delivered"]

    project.sandbox.set_quota(limit=100_000)
    again = project.run()

    assert again.totals["delivered"] == 1000 - totals["delivered"]
    assert set(_keys(project).values()) == {1}
    assert len(_keys(project)) == 1000


@pytest.mark.parametrize(
    "fault", ["timeout_after_apply", "server_error_after_apply", "lost_response", "lost_request"]
)
def test_a_lost_answer_makes_no_second_record(opened: Project, fault: str) -> None:
    """Whether the request took effect or not, each key has one record in the end."""
    options: dict[str, Any] = {"seconds": 0} if fault == "timeout_after_apply" else {}
    opened.sandbox.faults.add(fault, times=1, method="PATCH", **options)

    delivered = opened.run()

    assert delivered.totals["delivered"] == 400
    assert len(opened.writes()) == 3
    assert len(_keys(opened)) == 400
    assert set(_keys(opened).values()) == {1}


def test_a_revoked_consent_is_heeded_after_the_plan(opened: Project) -> None:
    """Who withdraws between plan and delivery is blocked and never reaches the vendor."""
    opened.plan()
    opened.consent("C-00007", "denied")

    delivered = opened.deliver()

    assert delivered.totals["blocked"] == 1
    assert delivered.totals["delivered"] == 399
    sent = {key for entry in opened.writes() for key in entry["key_values"]}
    assert "C-00007" not in sent
    assert len(sent) == 399


@pytest.mark.parametrize("status", ["denied", "unknown"])
def test_only_a_granted_consent_counts(opened: Project, status: str) -> None:
    """A row whose consent is not granted is blocked in the plan, and its neighbours are sent."""
    opened.consent("C-00007", status)
    opened.sql("DELETE FROM main_marts.customer_consent WHERE customer_id = 'C-00008'")

    delivered = opened.run()

    assert delivered.totals["blocked"] == 2
    assert _keys(opened) == Counter(f"C-{i:05d}" for i in range(400) if i not in {7, 8})
    assert delivered.parity is not None
    assert delivered.parity.classes[Discrepancy.BLOCKED] == 2


def test_a_parity_that_cannot_be_read_takes_no_count_away(opened: Project) -> None:
    """What was sent stays told, in the result and in the ledger, when the read-back fails."""
    opened.plan()
    opened.sandbox.faults.add("unavailable", method="GET", path_contains="/query")

    delivered = opened.deliver()

    assert isinstance(delivered.stopped, Unavailable)
    assert delivered.parity is None
    assert delivered.totals["delivered"] == 400
    with opened.services() as services:
        (run,) = services.ledger.runs.list(SYNC)
    assert run.state is RunState.STOPPED
    assert (run.tally["create"]["delivered"], run.requests) == (400, 2)

    opened.sandbox.faults.clear()
    again = opened.run()

    assert again.totals["planned"] == 0
    assert again.parity is not None
    assert again.parity.unexplained == 0


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [(503, "SERVER_UNAVAILABLE", "passes by itself"), (400, "INVALID_FIELD", "validate")],
)
def test_what_to_do_depends_on_what_the_vendor_said(
    opened: Project, status: int, code: str, hint: str
) -> None:
    """Trouble that passes asks for patience, a refusal for a look; neither blames the sandbox."""
    opened.plan()
    opened.sandbox.faults.add(
        "status", method="GET", path_contains="/query", status=status, code=code, message="no"
    )

    stopped = opened.deliver().stopped

    assert stopped is not None
    assert hint in str(stopped.hint)
