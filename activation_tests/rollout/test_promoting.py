"""A rollout of a real project: promoted while healthy, stopped when not, released by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from activation.errors import UsageError
from activation.ledger.audit import Act
from activation.rollout.conditions import Step
from activation.rollout.promoting import Outlook, promote
from activation_tests.sync.project import SYNC, Project

ROWS = 2000


def _conditions(contract: dict[str, Any]) -> None:
    contract["rollout"] |= {
        "phases": [
            {"name": "canary", "share": "10%"},
            {"name": "half", "share": "50%"},
            {"name": "full", "share": "98%"},
        ],
        "holdout": "2%",
        "promotion": {
            "soak": "1h",
            "outcomes": 100,
            "rejected": "1%",
            "unexplained": "0.5%",
            "dead_letters": "5%",
        },
    }
    contract["guards"] |= {"changed": "100%", "created": "100%"}


@pytest.fixture
def rollout(project: Project) -> Project:
    """Return a project whose canary phase is open, with conditions."""
    project.edit_contract(_conditions)
    project.fill(ROWS)
    project.open_phase("canary")
    return project


def _promote(project: Project) -> tuple[Outlook, str | None]:
    with project.services() as services:
        found, opened = promote(project.contract, services.ledger)
    assert found is not None
    return found, None if opened is None else opened.name


def _soak(project: Project) -> None:
    project.clock.waited += timedelta(hours=2).total_seconds()


def test_healthy_phases_are_promoted_to_the_last(rollout: Project) -> None:
    """Each phase opens the next once it has soaked; the last opens none, and the holdout none."""
    opened = []
    for phase in ("canary", "half", "full"):
        rollout.run(phase)
        assert _promote(rollout)[1] is None
        _soak(rollout)
        opened.append(_promote(rollout)[1])

    keys = {record["Customer_Key__c"] for record in rollout.sandbox.records("Contact")}
    assert opened == ["half", "full", None]
    assert 0.97 * ROWS < len(keys) < 0.99 * ROWS
    with rollout.services() as services:
        acts = [e for e in services.ledger.audit.list() if e.act == Act.OPEN]
    assert [(e.subject["phase"], e.author) for e in acts[:2]] == [
        ("full", "promotion"),
        ("half", "promotion"),
    ]


def test_a_broken_limit_stops_until_released(rollout: Project) -> None:
    """Too many refusals stop the rollout for good; after a release it is judged anew."""
    rollout.sandbox.faults.add("refuse_value", field="Churn_Band__c", value="High")
    rollout.run("canary")
    rollout.sandbox.faults.clear()
    _soak(rollout)

    found, opened = _promote(rollout)
    assert opened is None
    assert found.phase.stopped_because is not None
    assert found.phase.stopped_because.startswith("rejected: ")
    rollout.score_again(changed=ROWS)
    rollout.run("canary")
    _soak(rollout)
    assert _promote(rollout)[1] is None, "what healed by itself does not open by itself"

    with rollout.services() as services:
        services.ledger.phases.release(SYNC, reason="mended", author="operator")
    assert _promote(rollout)[1] is None, "nothing is known since the release"
    rollout.score_again(changed=ROWS)
    rollout.run("canary")
    _soak(rollout)
    assert _promote(rollout)[1] == "half"


def test_only_a_stopped_rollout_is_released(rollout: Project) -> None:
    """A release of what goes on is refused, and so is one without a reason."""
    with rollout.services() as services:
        with pytest.raises(UsageError, match="not stopped"):
            services.ledger.phases.release(SYNC, reason="mended", author="operator")
        with pytest.raises(UsageError, match="reason"):
            services.ledger.phases.release(SYNC, reason=" ", author="operator")


def test_without_conditions_nothing_opens(rollout: Project) -> None:
    """A contract without `rollout.promotion` is promoted by hand only."""
    rollout.edit_contract(lambda contract: contract["rollout"].pop("promotion"))
    rollout.run("canary")
    _soak(rollout)

    found, opened = _promote(rollout)

    assert (found.decision, opened) == (None, None)


def test_a_phase_that_did_not_soak_stays(rollout: Project) -> None:
    """The soak begins with the first full delivery, not with the opening."""
    _soak(rollout)
    rollout.run("canary")

    found, _ = _promote(rollout)

    assert found.decision is not None
    assert found.decision.step is Step.STAY
