"""What HubSpot allows at a time, and how it tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.hubspot.portal import Portal, refusal, row
from activation_tests.sandbox.turning_clock import TurningClock

PREFIX = "X-HubSpot-RateLimit-"


def _told(answer: requests.Response) -> dict[str, str]:
    names = [name for name in answer.headers if name.lower().startswith(PREFIX.lower())]
    return {name[len(PREFIX) :].lower(): answer.headers[name] for name in names}


def test_a_hundred_requests_in_any_ten_seconds(
    portal: Portal, sandbox: Sandbox, clock: TurningClock
) -> None:
    """The window rolls: what was sent first drops out first."""
    sandbox.set_quota("burst", system="hubspot", limit=3)
    statuses = []
    for _ in range(4):
        statuses.append(portal.upsert(row("u-1")).status_code)
        clock.turn(2)
    clock.turn(2.5)  # 10.5 seconds after the first
    statuses += [portal.upsert(row("u-1")).status_code for _ in range(2)]

    assert statuses == [200, 200, 200, 429, 200, 429]


def test_the_burst_limit_has_a_body_of_its_own(portal: Portal, sandbox: Sandbox) -> None:
    """It names its policy and its error type, and no category; there is no Retry-After."""
    sandbox.set_quota("burst", system="hubspot", limit=0)

    answer = portal.upsert(row("u-1"))

    body = answer.json()
    assert (answer.status_code, body["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    assert (body["status"], body["errorType"]) == ("error", "RATE_LIMIT")
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert "category" not in body
    assert "Retry-After" not in answer.headers


def test_the_day_has_its_own_limit_until_midnight(
    portal: Portal, sandbox: Sandbox, clock: TurningClock
) -> None:
    """The policy is another one; at midnight of the account's zone requests count anew."""
    sandbox.set_quota(system="hubspot", limit=1)
    assert portal.upsert(row("u-1")).status_code == 200

    answer = portal.upsert(row("u-1"))

    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
    assert answer.json()["message"] == "You have reached your daily limit."
    clock.turn(14 * 3600 - 1)
    assert portal.upsert(row("u-1")).status_code == 429
    clock.turn(1)
    assert portal.upsert(row("u-1")).status_code == 200


def test_headers_tell_what_is_left(portal: Portal) -> None:
    """The day, the ten seconds, and the second that is not enforced any more."""
    portal.upsert(row("u-1"))

    assert _told(portal.upsert(row("u-1"))) == {
        "daily": "250000",
        "daily-remaining": "249998",
        "interval-milliseconds": "10000",
        "max": "100",
        "remaining": "98",
        "secondly": "10",
        "secondly-remaining": "8",
    }


def test_a_faster_sandbox_tells_shorter_intervals(tmp_path: Path) -> None:
    """With a scale of 1000 the ten seconds are ten milliseconds of the caller's."""
    with running(tmp_path, time_scale=1000) as address:
        portal = Portal(address)
        assert _told(portal.upsert(row("u-1")))["interval-milliseconds"] == "10"
        portal.http.close()


def test_searches_have_a_pace_of_their_own(portal: Portal, clock: TurningClock) -> None:
    """Five a second, counted by the day and not with the burst; their headers tell no burst."""
    answers = [portal.search({"filterGroups": []}) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert refusal(answers[-1]) == (429, "RATE_LIMITS")
    assert answers[-1].json()["message"] == "You have reached your secondly limit."
    assert _told(answers[0]) == {"daily": "250000", "daily-remaining": "249999"}
    assert _told(portal.upsert(row("u-1")))["remaining"] == "99"
    clock.turn(1)
    assert portal.search({"filterGroups": []}).status_code == 200


def test_an_app_of_many_accounts_has_no_day(sandbox: Sandbox) -> None:
    """With OAuth there are 110 in ten seconds, and no daily headers."""
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": "word"}
    token = requests.post(f"{sandbox.address}/oauth/v3/token", data=form, timeout=5).json()
    portal = Portal(sandbox.address, token["access_token"])
    sandbox.set_quota(system="hubspot", limit=0)

    told = _told(portal.upsert(row("u-1")))

    assert told["max"] == "110"
    assert "daily" not in told
    portal.http.close()


def test_usage_can_be_asked_for(portal: Portal, clock: TurningClock) -> None:
    """What was used today, of how much, and when the day ends."""
    portal.upsert(row("u-1"))
    clock.turn(60)

    answer = portal.call("GET", "/account-info/v3/api-usage/daily/private-apps")

    assert answer.json() == {
        "results": [
            {
                "name": "private-apps-api-calls-daily",
                "usageLimit": 250_000,
                "currentUsage": 2,
                "collectedAt": "2026-09-01T10:01:00.000Z",
                "fetchStatus": "SUCCESS",
                "resetsAt": "2026-09-02T00:00:00.000Z",
            }
        ]
    }


@pytest.mark.parametrize(
    ("fault", "status", "policy"),
    [
        ({"name": "quota_exhausted"}, 429, "DAILY"),
        ({"name": "rate_limited"}, 429, "TEN_SECONDLY_ROLLING"),
        ({"name": "rate_limited", "limit": "search"}, 429, None),
        ({"name": "status", "status": 423}, 423, None),
        ({"name": "status", "status": 477, "retry_after": 5}, 477, None),
        ({"name": "status", "status": 502}, 502, None),
        ({"name": "unavailable"}, 503, None),
        ({"name": "whole_batch_refused"}, 400, None),
        ({"name": "expired_session"}, 401, None),
    ],
)
def test_faults_speak_as_hubspot_does(
    portal: Portal, sandbox: Sandbox, fault: dict[str, Any], status: int, policy: str | None
) -> None:
    """Each fault has the vendor's status and body, once; nothing is written."""
    sandbox.faults.add(times=1, system="hubspot", **fault)

    answer = portal.upsert(row("u-1"))

    assert (answer.status_code, answer.json().get("policyName")) == (status, policy)
    assert answer.headers.get("Retry-After") == ("5" if status == 477 else None)
    assert sandbox.count("contacts", system="hubspot") == 0
    assert portal.upsert(row("u-1")).status_code == 200


def test_a_success_can_have_stored_nothing(portal: Portal, sandbox: Sandbox) -> None:
    """A complete batch that speaks of no row."""
    sandbox.faults.add("stored_nothing", times=1)

    answer = portal.upsert(row("u-1"))

    assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert sandbox.count("contacts", system="hubspot") == 0


def test_the_log_holds_no_keys_in_its_paths(portal: Portal, sandbox: Sandbox) -> None:
    """Single records and addresses are left out of what is logged."""
    for path in (
        "/crm/v3/objects/contacts/kim@example.com",
        "/crm/v3/objects/contacts/u-1",
        "/crm/objects/2026-03/contacts/u-1",
        "/communication-preferences/v3/status/email/kim@example.com",
        "/crm/v3/objects/contacts/batch/read",
    ):
        portal.call("GET", path)

    assert [entry["path"] for entry in sandbox.requests()] == [
        "/crm/v3/objects/contacts/{value}",
        "/crm/v3/objects/contacts/{value}",
        "/crm/objects/2026-03/contacts/{value}",
        "/communication-preferences/v3/status/email/{value}",
        "/crm/v3/objects/contacts/batch/read",
    ]
