"""Erasures over other vendors: for good where they can, and looked up where reads lag."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from activation.sandbox.client import Sandbox
from activation.sync import people
from activation_tests.sync import test_rollback_vendors as hubspot
from activation_tests.sync.project import Project, make_project, opened_project
from activation_tests.sync.test_reengagement import Workspace, workspace

__all__ = ["workspace"]  # a fixture

GONE = "C-00007"


@pytest.fixture
def contacts(tmp_path: Path, vendor: Sandbox, migrated_ledger: Path) -> Iterator[Project]:
    """Return a project that has delivered contacts to HubSpot."""
    root = make_project(
        tmp_path / "project", migrated_ledger, sync=hubspot.SYNC, models=hubspot.MODELS
    )
    with opened_project(root, vendor, sync=hubspot.SYNC) as project:
        hubspot._add(project, "C", 20, "Uses it more.")
        project.open_phase()
        assert project.run().totals["delivered"] == 20
        project.clock.waited += 60
        yield project


def test_a_contact_is_erased_for_good(contacts: Project) -> None:
    """HubSpot erases a contact by its own call for that, and a read confirms it."""
    with contacts.services() as services:
        (foreseen,) = people.foresee(services, [GONE])
        people.ask_erasure(services, [GONE], reason="request 17", author="tests")
        people.carry_out_erasures(services, run_id="erasing")
        contacts.clock.waited += timedelta(minutes=5).total_seconds()
        people.carry_out_erasures(services, run_id="looking")
        (erasure,) = services.ledger.erasures.list()

    assert (foreseen.people, foreseen.effect) == (1, "erased for good")
    assert (erasure.state, erasure.why) == ("confirmed", "erased for good")
    assert erasure.restorable_until is None
    paths = [r["path"] for r in contacts.requests("POST")]
    assert sum("gdpr-delete" in path for path in paths) == 1
    assert contacts.run().totals["blocked"] == 1


def test_a_profile_is_erased_where_success_means_queued(workspace: Workspace) -> None:
    """Braze accepts a deletion and carries it out later: it is due until a read shows it done."""
    workspace.run()
    project = workspace.project

    def look(run_id: str) -> tuple[str, str]:
        with project.services() as services:
            people.carry_out_erasures(services, run_id=run_id)
            (erasure,) = services.ledger.erasures.list()
            return erasure.state, erasure.why

    with project.services() as services:
        people.ask_erasure(services, [GONE], reason="request 17", author="tests")
    first = look("erasing")
    project.clock.waited += timedelta(minutes=30).total_seconds()
    last = look("looking")

    lagging = "a read may show what is gone for 5 minutes; the next look tells"
    assert first == ("open", lagging)
    assert last == ("confirmed", "erased for good")
    assert len([r for r in project.requests("POST") if r["path"].endswith("users/delete")]) == 1
