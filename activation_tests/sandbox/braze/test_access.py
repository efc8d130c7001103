from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.braze.workspace import Workspace
from activation_tests.sandbox.turning_clock import START, TurningClock


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Basic k3y", 'Bearer "k3y"', "k3y"])
def test_who_has_no_key_is_not_let_in(workspace: Workspace, header: str | None) -> None:
    """A key in quotes is none, either."""
    headers = {} if header is None else {"Authorization": header}

    answer = requests.post(
        f"{workspace.sandbox.address}/users/track", json={}, headers=headers, timeout=5
    )

    assert (answer.status_code, answer.json()) == (401, {"message": "Invalid API Key"})
    assert "X-RateLimit-Limit" not in answer.headers


def test_only_one_key_may_be_known(tmp_path: Path) -> None:
    """A sandbox with credentials of its own takes their secret as the key, and no other."""
    clock = TurningClock()
    with running(tmp_path, clock=clock, credentials=("app", "k3y")) as address:
        known, other = Workspace(Sandbox(address), clock), Workspace(Sandbox(address), clock)
        other.http.headers["Authorization"] = "Bearer other"

        assert known.track({"external_id": "u"}).status_code == 201
        assert other.track({"external_id": "u"}).status_code == 401
        known.http.close()
        other.http.close()


def test_permissions_can_be_withheld(workspace: Workspace) -> None:
    """Each endpoint has its permission; the status for a lack of it is told in two ways."""
    workspace.sandbox.call("POST", "braze/permissions", {"withheld": ["users.delete"]})

    refused = workspace.post("/users/delete", {"external_ids": ["u"]})
    workspace.quirk(permission_status=401)
    otherwise = workspace.post("/users/delete", {"external_ids": ["u"]})

    assert (refused.status_code, refused.json()) == (403, {"message": "Access Denied"})
    assert otherwise.status_code == 401
    assert workspace.track({"external_id": "u"}).status_code == 201


@pytest.mark.parametrize("path", ["/users/nothing", "/users", "/email/x", "/v2/subscription/x"])
def test_unknown_paths_are_invalid(workspace: Workspace, path: str) -> None:
    """A path that Braze does not have is 404 with its words."""
    answer = workspace.post(path, {})

    assert (answer.status_code, answer.json()) == (404, {"message": "Invalid URL"})


@pytest.mark.parametrize(
    ("path", "body", "limit", "reset"),
    [
        ("/users/track", {"attributes": [{"external_id": "u"}]}, 3000, 3),
        ("/users/export/ids", {"external_ids": ["u"]}, 250, 60),
        ("/users/export/ids", {"external_ids": ["u"], "fields_to_export": ["email"]}, 40, 1),
        ("/users/delete", {"external_ids": ["u"]}, 20_000, 60),
        ("/users/merge", {"merge_updates": []}, 20_000, 60),
        ("/users/external_ids/rename", {}, 1000, 60),
        ("/v2/subscription/status/set", {}, 5000, 60),
        ("/email/status", {}, 250_000, 3600),
    ],
)
def test_each_endpoint_has_its_limit(
    workspace: Workspace, path: str, body: dict[str, object], limit: int, reset: int
) -> None:
    """Answers tell limit, what is left, and the moment at which the window begins anew."""
    answer = workspace.post(path, body)

    epoch = int(START.timestamp())
    assert answer.headers["X-RateLimit-Limit"] == str(limit)
    assert answer.headers["X-RateLimit-Remaining"] == str(limit - 1)
    assert answer.headers["X-RateLimit-Reset"] == str(epoch - epoch % reset + reset)
    assert "Retry-After" not in answer.headers


def test_a_full_window_is_429_until_it_turns(workspace: Workspace) -> None:
    """The reset tells when; the date on the answer is on the same clock."""
    workspace.sandbox.set_quota("users/track", system="braze", limit=2)
    statuses = [workspace.track({"external_id": "u"}).status_code for _ in range(2)]

    refused = workspace.track({"external_id": "u"})

    assert statuses == [201, 201]
    assert (refused.status_code, refused.json()) == (429, {"message": "Rate Limited"})
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.headers["Date"] == "Tue, 01 Sep 2026 10:00:00 GMT"
    wait = int(refused.headers["X-RateLimit-Reset"]) - int(START.timestamp())
    workspace.settle(wait)
    assert workspace.track({"external_id": "u"}).status_code == 201


def test_the_reset_may_be_told_in_seconds(workspace: Workspace) -> None:
    """One connector says that it is; a switch makes it so."""
    workspace.quirk(reset_header="seconds")

    answer = workspace.track({"external_id": "u"})

    assert 0 < int(answer.headers["X-RateLimit-Reset"]) <= 3


@pytest.mark.parametrize(
    ("fault", "options", "status", "message"),
    [
        ("unavailable", {}, 503, "Service Unavailable"),
        ("server_error_after_apply", {}, 500, "Internal Server Error"),
        ("expired_session", {}, 401, "Invalid API Key"),
        ("rate_limited", {"limit": "users"}, 429, "Rate Limited"),
        ("quota_exhausted", {}, 429, "Rate Limited"),
        ("whole_batch_refused", {}, 400, "Bad Request"),
        ("status", {"status": 502, "message": "Bad Gateway"}, 502, "Bad Gateway"),
    ],
)
def test_faults_speak_as_braze_does(
    workspace: Workspace, fault: str, options: dict[str, Any], status: int, message: str
) -> None:
    """Each fault is answered in Braze's words."""
    workspace.sandbox.faults.add(fault, system="braze", times=1, **options)

    answer = workspace.track({"external_id": "u"})

    assert (answer.status_code, answer.json()) == (status, {"message": message})
    if status == 429:
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert int(answer.headers["X-RateLimit-Reset"]) > START.timestamp()


def test_rows_can_be_refused(workspace: Workspace) -> None:
    """A value can be made to be refused, and rows to be busy."""
    workspace.sandbox.faults.add("refuse_value", field="external_id", value="bad", system="braze")

    answer = workspace.track({"external_id": "good"}, {"external_id": "bad"})

    (error,) = answer.json()["errors"]
    assert (error["type"], error["index"]) == ("BLACKLISTED_EXTERNAL_USER_ID", 1)
    workspace.sandbox.faults.clear()
    workspace.sandbox.faults.add("row_locked", share=1.0, system="braze")
    assert workspace.track({"external_id": "good"}).status_code == 400


def test_requests_are_logged_with_their_keys(workspace: Workspace) -> None:
    """The log holds what was written, and no payload."""
    workspace.track({"external_id": "u", "plan": "pro"}, {"external_id": "v"})

    entry = workspace.sandbox.requests()[-1]

    assert (entry["system"], entry["path"], entry["status"]) == ("braze", "/users/track", 201)
    assert (entry["rows"], entry["key_values"]) == (2, ["u", "v"])
    assert "pro" not in str(entry)


def test_a_person_can_edit_and_delete(workspace: Workspace) -> None:
    """What somebody does in the dashboard is there at once."""
    workspace.set({"external_id": "u", "plan": "pro"})

    workspace.sandbox.call("POST", "braze/users/u", {"plan": "edited"})
    assert workspace.custom("u") == {"plan": "edited"}
    workspace.sandbox.call("DELETE", "braze/users/u")

    assert workspace.user("u") is None
