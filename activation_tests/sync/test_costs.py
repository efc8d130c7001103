"""What a plan says that it costs is what it takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from activation.destinations.braze.traits import EVENTS, TRACK
from activation.destinations.salesforce.collections import Collections
from activation.destinations.traits import Billing
from activation.governor.budget import Budget, day_of
from activation.ledger.quota import reserve
from activation_tests.sync.project import SYNC, Project


def test_the_requests_are_those_that_are_made(project: Project) -> None:
    """Writes and read-backs are predicted to the request, and nothing is left for other days."""
    project.fill(1_900)
    project.open_phase()
    planned = project.plan()
    cost = planned.cost
    project.requests()

    delivered = project.deliver()

    reads = [r for r in project.requests("GET") if "/query" in r["path"]]
    assert (cost.requests, delivered.requests) == (10, 10)
    assert (cost.read_backs, len(reads)) == (1, 1)
    assert (cost.jobs, cost.lookups, cost.billed, planned.outlook.days) == (0, 0, 0, 1)
    assert cost.total == 11


def test_a_sample_is_read_by_key(project: Project) -> None:
    """A sampled comparison reads no more keys than it draws."""

    def sampled(attributes: dict[str, Any]) -> None:
        attributes["parity"] = {"mode": "sample", "sample_rows": 450, "unexplained": "1%"}

    project.edit_contract(sampled)
    project.fill(2_500)
    project.open_phase()

    assert project.plan().cost.read_backs == 3


@pytest.mark.parametrize(
    ("a_day", "used", "days"), [(10, 0, 1), (9, 0, 2), (4, 0, 3), (4, 4, 4), (4, 2, 3)]
)
def test_a_small_day_makes_many(project: Project, a_day: int, used: int, days: int) -> None:
    """The plan says on which day its 10 requests will be done, by what is left of today."""

    def narrow(attributes: dict[str, Any]) -> None:
        attributes["quota"]["requests_per_day"] = a_day

    project.edit_contract(narrow)
    project.fill(1_900)
    project.open_phase()
    if used:
        budget = Budget("salesforce", SYNC, a_day, headroom=0.2)
        with project.services() as services, services.ledger.store.write() as connected:
            reserve(connected, budget, day_of(project.clock.now()), used)

    assert project.plan().outlook.days == days


def test_what_is_billed_is_counted_by_field_or_by_row(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each written field is billed but the free ones; nothing is billed for what is the same."""
    billing = Billing("data points", per_row=1, per_field=2, free=frozenset({"Email"}))
    traits = replace(Collections.traits, billing=billing)
    monkeypatch.setattr(Collections, "traits", traits)
    project.fill(100)
    project.open_phase()
    planned = project.plan()

    assert planned.plan.written["Email"] == 100
    assert planned.cost.billed == 100 + 2 * 6 * 100
    assert planned.cost.billed_unit == "data points"


def test_braze_says_what_it_charges_for() -> None:
    """Attributes are billed by the field and events by the row; identifiers are free."""
    assert TRACK.billing is not None
    assert EVENTS.billing is not None
    assert (TRACK.billing.per_row, TRACK.billing.per_field) == (0, 1)
    assert (EVENTS.billing.per_row, EVENTS.billing.per_field) == (1, 0)
    assert "external_id" in TRACK.billing.free
