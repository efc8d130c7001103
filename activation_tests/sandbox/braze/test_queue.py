from __future__ import annotations

from pathlib import Path

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.braze.workspace import Workspace
from activation_tests.sandbox.turning_clock import TurningClock


def test_what_is_accepted_takes_effect_later(workspace: Workspace) -> None:
    """An update is not to be seen until its time has come."""
    workspace.set({"external_id": "u", "plan": "old"})

    workspace.track({"external_id": "u", "plan": "new"})

    assert workspace.custom("u") == {"plan": "old"}
    assert workspace.sandbox.call("GET", "braze/queue") == {"waiting": 1}
    workspace.settle()
    assert workspace.custom("u") == {"plan": "new"}
    assert workspace.sandbox.call("GET", "braze/queue") == {"waiting": 0}


def test_the_delay_can_be_set(workspace: Workspace) -> None:
    """Without a delay effects are there at once; a long one lasts."""
    workspace.quirk(queue_seconds=0.0)
    workspace.track({"external_id": "u", "plan": "now"})
    assert workspace.custom("u") == {"plan": "now"}

    workspace.quirk(queue_seconds=300.0)
    workspace.track({"external_id": "u", "plan": "later"})
    workspace.settle(299)
    assert workspace.custom("u") == {"plan": "now"}
    workspace.settle(1)
    assert workspace.custom("u") == {"plan": "later"}


def test_order_is_kept_unless_it_is_not(workspace: Workspace) -> None:
    """With a spread, a later request for the same user may take effect before an earlier one."""
    for spread, in_order in ((0.0, True), (60.0, False)):
        workspace.quirk(queue_spread=spread)
        for version in range(1, 6):
            workspace.track(*[{"external_id": f"u-{n}", "version": version} for n in range(20)])
        workspace.settle(100)
        last = {workspace.custom(f"u-{n}")["version"] for n in range(20)}
        assert (last == {5}) is in_order


def test_profiles_may_come_whole(workspace: Workspace) -> None:
    """Half-way a new profile is there without attributes; a switch turns that off."""
    workspace.track({"external_id": "u", "plan": "pro"})
    workspace.settle(1)
    assert workspace.custom("u") == {}

    workspace.quirk(creates_first=False)
    workspace.track({"external_id": "v", "plan": "pro"})
    workspace.settle(1)

    assert workspace.user("v") is None


def test_the_queue_outlives_a_restart(tmp_path: Path) -> None:
    """What was accepted before the sandbox went down takes effect after it is up again."""
    clock = TurningClock()
    with running(tmp_path, clock=clock) as address:
        first = Workspace(Sandbox(address), clock)
        first.track({"external_id": "u", "plan": "pro"})
        first.http.close()
    clock.turn(60)
    with running(tmp_path, clock=clock) as address:
        second = Workspace(Sandbox(address), clock)
        user = second.user("u")
        second.http.close()

    assert user is not None
    assert user["custom_attributes"] == {"plan": "pro"}
    assert user["created_at"] == "2026-09-01T10:00:02.000Z"
