from __future__ import annotations

from pathlib import Path

import pytest

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.turning_clock import TurningClock
from activation_tests.sandbox.zendesk.desk import Desk


def test_the_account_has_its_minute(desk: Desk, sandbox: Sandbox) -> None:
    """A minute's requests are counted from minute to minute; the 429 is plain text."""
    sandbox.call("POST", "zendesk/account", {"plan": "support_essential"})
    desk.clock.turn(60 + 33)

    answers = [desk.call("GET", "users/me") for _ in range(11)]

    assert [a.status_code for a in answers] == [200] * 10 + [429]
    first, last = answers[0].headers, answers[-1]
    assert (first["X-Rate-Limit"], first["X-Rate-Limit-Remaining"]) == ("10", "9")
    assert (first["ratelimit-remaining"], first["ratelimit-reset"]) == ("9", "27")
    assert last.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert last.headers["Retry-After"] == "27"
    assert last.text == "Number of allowed API requests per minute exceeded"
    desk.clock.turn(27)
    assert desk.call("GET", "users/me").status_code == 200


def test_a_limit_may_answer_in_json(desk: Desk, sandbox: Sandbox) -> None:
    """Bodies of limits are text or JSON: a quirk."""
    sandbox.set_quirk("zendesk", "plain_text_limits", value=False)
    sandbox.faults.add("rate_limited", system="zendesk", times=1)

    answer = desk.call("GET", "users/me")

    assert (answer.status_code, answer.json()["error"]) == (429, "APIRateLimitExceeded")


def test_single_writes_are_one_a_second(desk: Desk) -> None:
    """Upserts and updates of single users share one request a second."""
    body = {"user": {"name": "A", "external_id": "a"}}

    first = desk.call("POST", "users/create_or_update", body)
    second = desk.call("POST", "users/create_or_update", body)
    desk.clock.turn(1)
    third = desk.call("POST", "users/create_or_update", body)

    assert [a.status_code for a in (first, second, third)] == [201, 429, 200]
    assert second.headers["Retry-After"] == "1"


def test_a_user_is_updated_five_times_a_minute(desk: Desk) -> None:
    """The creation does not count, the sixth update waits; the account's headers tell nothing."""
    user = desk.upsert(name="A", external_id="a")
    statuses = []
    for _ in range(6):
        desk.clock.turn(1)
        answer = desk.call("PUT", f"users/{user['id']}", {"user": {"notes": "x"}})
        statuses.append(answer.status_code)

    assert statuses == [200] * 5 + [429]
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    assert answer.text == (
        "You have exceeded the rate limit for updating a single unique user. "
        "user email:  id:  external_id: "
    )
    assert answer.headers["Retry-After"] == "53"
    assert int(answer.headers["X-Rate-Limit-Remaining"]) > 600
    assert desk.upsert(name="B", external_id="b")["name"] == "B"


def test_an_organization_is_updated_five_times_a_minute(desk: Desk) -> None:
    """Its limit answers in the published form, with a list of errors."""
    number = desk.organization(name="A")["id"]
    path = f"organizations/{number}"

    answers = [desk.call("PUT", path, {"organization": {"notes": "x"}}) for _ in range(6)]

    assert [a.status_code for a in answers] == [200] * 5 + [429]
    (told,) = answers[-1].json()["errors"]
    assert told == {"code": "TooManyRequests", "title": "Too many requests to update"}


@pytest.mark.parametrize(("plan", "allowed"), [("suite_enterprise", 10), ("high_volume", 30)])
def test_exports_are_few(desk: Desk, sandbox: Sandbox, plan: str, allowed: int) -> None:
    """Ten incremental exports a minute, thirty with the add-on, and a header of their own."""
    sandbox.call("POST", "zendesk/account", {"plan": plan})
    path = "incremental/users/cursor?start_time=1"

    answers = [desk.call("GET", path) for _ in range(allowed + 1)]

    assert [a.status_code for a in answers] == [200] * allowed + [429]
    told = answers[0].headers["zendesk-ratelimit-incremental-exports"]
    assert told.startswith(f"total={allowed}; remaining={allowed - 1}; resets=")


def test_exports_leave_the_latest_minute_out(desk: Desk) -> None:
    """What was written in the last minute comes later; deleted users come too."""
    desk.user(name="A", external_id="a", email="a@example.com")
    desk.clock.turn(61)
    gone = desk.user(name="B", external_id="b")
    desk.call("DELETE", f"users/{gone['id']}")

    first = desk.call("GET", "incremental/users/cursor?start_time=1&per_page=1").json()
    cursor = first["after_cursor"]
    second = desk.call("GET", f"incremental/users/cursor?cursor={cursor}").json()
    desk.clock.turn(61)
    third = desk.call("GET", f"incremental/users/cursor?cursor={second['after_cursor']}").json()

    assert [first["end_of_stream"], second["end_of_stream"]] == [False, True]
    assert [u["name"] for u in (*first["users"], *second["users"])] == ["Account Owner", "A"]
    assert [(u["name"], u["active"]) for u in third["users"]] == [("B", False)]
    now = int(desk.clock.now().timestamp())
    assert desk.call("GET", f"incremental/users/cursor?start_time={now}").status_code == 422


def test_the_search_lags_and_ends_at_a_thousand(desk: Desk, sandbox: Sandbox) -> None:
    """A write shows in the index after a minute; beyond 1,000 results there is 422."""
    desk.user(name="Kim Example", email="kim@example.com", external_id="k")
    query = "search?query=type:user email:kim@example.com"
    assert desk.call("GET", query).json()["count"] == 0

    desk.clock.turn(60)

    (found,) = desk.call("GET", query).json()["results"]
    assert (found["result_type"], found["external_id"]) == ("user", "k")
    assert desk.call("GET", "users/search?query=kim@example.com").json()["count"] == 1
    assert desk.call("GET", "users/search?query=im@example.com").json()["count"] == 0
    assert desk.call("GET", "search/count?query=type:user kim").json() == {"count": 1}
    deep = desk.call("GET", f"{query}&page=11")
    assert (deep.status_code, deep.json()["error"]) == (422, "invalid")
    sandbox.set_quirk("zendesk", "search_lag_seconds", 0)
    desk.user(name="Other", email="o@example.com")
    assert desk.call("GET", "users/search?query=o@example.com").json()["count"] == 1


def test_the_account_outlives_a_restart(tmp_path: Path) -> None:
    """Users, jobs, tokens and the account's settings are on disk."""
    clock = TurningClock()
    with running(tmp_path, clock=clock) as address:
        Sandbox(address).call("POST", "zendesk/account", {"imports": True, "plan": "suite_team"})
        desk = Desk(address, clock)
        desk.user(name="A", external_id="a", email="a@example.com")
        body = {"users": [{"name": "B", "external_id": "b"}]}
        job = desk.start("users/create_or_update_many", body)
    clock.turn(5)

    with running(tmp_path, clock=clock) as address:
        desk.address = address
        assert desk.status(job)["results"][0]["id"] == desk.found("b")["id"]
        assert desk.found("a")["email"] == "a@example.com"
        account = Sandbox(address).call("GET", "zendesk/account")
        assert account == {"plan": "suite_team", "imports": True}
    desk.http.close()
