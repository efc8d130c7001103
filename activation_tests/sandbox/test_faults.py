"""Trouble on demand, over real HTTP."""

from __future__ import annotations

import threading

import pytest
import requests

from activation.errors import UsageError
from activation.sandbox.client import Sandbox
from activation_tests.sandbox.org import KEY, Org, codes, contact, refusal
from activation_tests.sandbox.turning_clock import TurningClock


def test_a_fault_strikes_as_often_as_told(org: Org, sandbox: Sandbox) -> None:
    """`times` counts the requests that are struck; then all is well again."""
    sandbox.faults.add("unavailable", times=2)

    statuses = [org.upsert(contact("c-1")).status_code for _ in range(3)]

    assert statuses == [503, 503, 200]
    assert sandbox.faults.all()[0]["fired"] == 2


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("unavailable", 503, "SERVER_UNAVAILABLE"),
        ("quota_exhausted", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("whole_batch_refused", 400, "INVALID_FIELD"),
        ("expired_session", 401, "INVALID_SESSION_ID"),
        ("rate_limited", 403, "REQUEST_LIMIT_EXCEEDED"),
    ],
)
def test_refusals_write_nothing(
    org: Org, sandbox: Sandbox, name: str, status: int, code: str
) -> None:
    """These faults answer before anything is applied."""
    sandbox.faults.add(name, times=1)

    assert refusal(org.upsert(contact("c-1"))) == (status, code)
    assert sandbox.count("Contact") == 0


def test_any_status_can_be_had_with_a_time_to_wait(org: Org, sandbox: Sandbox) -> None:
    """The status, the code and Retry-After are as asked for, and nothing is written."""
    sandbox.faults.add("status", times=1, status=502, code="BAD_GATEWAY", retry_after=7)

    answer = org.upsert(contact("c-1"))

    assert refusal(answer) == (502, "BAD_GATEWAY")
    assert answer.headers["Retry-After"] == "7"
    assert sandbox.count("Contact") == 0


def test_a_success_can_have_stored_nothing(org: Org, sandbox: Sandbox) -> None:
    """The answer is a 200 that speaks of no row."""
    sandbox.faults.add("stored_nothing", times=1)

    answer = org.upsert(contact("c-1"))

    assert (answer.status_code, answer.json()) == (200, [])
    assert sandbox.count("Contact") == 0


def test_a_fault_can_be_for_one_vendor(org: Org, sandbox: Sandbox) -> None:
    """It strikes that vendor's requests, and a vendor that is not there cannot be named."""
    sandbox.faults.add("unavailable", times=1, system="salesforce")
    assert [org.upsert(contact("c-1")).status_code for _ in range(2)] == [503, 200]

    with pytest.raises(UsageError, match="Systems: "):
        sandbox.faults.add("unavailable", system="nobody")


def test_a_server_error_hides_a_write(org: Org, sandbox: Sandbox) -> None:
    """The answer is a 500, the record is there."""
    sandbox.faults.add("server_error_after_apply", times=1)

    assert refusal(org.upsert(contact("c-1"))) == (500, "UNKNOWN_EXCEPTION")
    assert sandbox.count("Contact") == 1


@pytest.mark.parametrize(
    ("name", "records"), [("lost_response", 1), ("timeout_after_apply", 1), ("lost_request", 0)]
)
def test_dropped_lines(org: Org, sandbox: Sandbox, name: str, records: int) -> None:
    """The line drops without an answer, after or before the write took effect."""
    sandbox.faults.add(name, times=1)

    with pytest.raises(requests.ConnectionError):
        org.upsert(contact("c-1"))
    assert sandbox.count("Contact") == records
    entry = sandbox.requests()[-1]
    assert (entry["fault"], entry["answered"]) == (name, False)
    assert entry["status"] == (200 if records else None)
    assert org.upsert(contact("c-1")).status_code == 200


def test_a_late_request_is_applied_after_the_line_dropped(
    org: Org, sandbox: Sandbox, clock: TurningClock
) -> None:
    """The older request lands over the newer one, some seconds after it was given up."""
    sandbox.faults.add("late_apply", times=1, seconds=30)
    with pytest.raises(requests.ConnectionError):
        org.upsert(contact("c-1", Title="older"))
    clock.await_sleeper()
    org.upsert(contact("c-1", Title="newer"))
    assert org.stored("c-1")["Title"] == "newer"

    clock.turn(31)
    # Each look gives the sandbox a turn to wake the request up.
    looks = (entry["status"] for _ in range(100) for entry in sandbox.requests()[1:2])

    assert 200 in looks
    assert org.stored("c-1")["Title"] == "older"


def test_a_slow_answer_comes_when_its_time_has_passed(
    org: Org, sandbox: Sandbox, clock: TurningClock
) -> None:
    """While one request waits, others are served; then it is answered as usual."""
    sandbox.faults.add("slow", times=1, seconds=20)
    answers: list[int] = []
    other = Org(sandbox.address)
    waiting = threading.Thread(
        target=lambda: answers.append(org.upsert(contact("c-1")).status_code)
    )
    waiting.start()
    clock.await_sleeper()
    assert other.upsert(contact("c-2")).status_code == 200
    assert answers == []

    clock.turn(21)
    waiting.join(5)
    other.http.close()

    assert answers == [200]
    assert other.names(f"{KEY} != null") == ["c-2", "c-1"]


def test_an_expired_session_stays_expired_until_the_next_login(org: Org, sandbox: Sandbox) -> None:
    """The fault revokes the token that was presented."""
    sandbox.faults.add("expired_session", times=1)
    assert org.call("GET", "limits").status_code == 401
    assert org.call("GET", "limits").status_code == 401

    org.login()

    assert org.call("GET", "limits").status_code == 200


@pytest.mark.parametrize(("kind", "text"), [("truncated", "["), ("html", "<html>"), ("empty", "")])
def test_a_garbled_answer_hides_a_write(org: Org, sandbox: Sandbox, kind: str, text: str) -> None:
    """The write took effect, the answer cannot be read."""
    sandbox.faults.add("garbled_answer", times=1, kind=kind)

    answer = org.upsert(contact("c-1"))

    assert answer.status_code == 200
    assert answer.text.startswith(text)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert sandbox.count("Contact") == 1


def test_locked_rows_are_a_share_that_the_seed_fixes(org: Org, sandbox: Sandbox) -> None:
    """About the told share of the rows is locked, the same ones for the same seed."""
    rows = [contact(f"c-{n}") for n in range(200)]
    outcomes = []
    for _ in range(2):
        sandbox.faults.clear()
        sandbox.faults.add("row_locked", share=0.3, seed=7)
        outcomes.append(codes(org.upsert(*rows)))

    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {None, "UNABLE_TO_LOCK_ROW"}
    assert 40 <= outcomes[0].count("UNABLE_TO_LOCK_ROW") <= 80


def test_a_value_can_be_refused(org: Org, sandbox: Sandbox) -> None:
    """Rows with the value fail with the code told, the others pass."""
    sandbox.faults.add("refuse_value", field="Title", value="CEO")
    sandbox.faults.add("refuse_value", field="Phone", code="DUPLICATES_DETECTED", message="Known")

    answer = org.upsert(
        contact("c-1", Title="CEO"), contact("c-2", Title="x"), contact("c-3", Phone="1")
    )

    assert codes(answer) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION", None, "DUPLICATES_DETECTED"]


def test_faults_strike_only_what_they_match(org: Org, sandbox: Sandbox) -> None:
    """A path or a method narrows a fault down; the token endpoint is struck only by name."""
    sandbox.faults.add("unavailable", path_contains="composite", method="PATCH")

    assert org.call("GET", "limits").status_code == 200
    assert org.upsert(contact("c-1")).status_code == 503
    sandbox.faults.clear()
    sandbox.faults.add("unavailable")
    org.login()
    sandbox.faults.clear()
    sandbox.faults.add("unavailable", path_contains="oauth2/token")
    assert requests.post(f"{org.address}/services/oauth2/token", timeout=5).status_code == 503


def test_faults_strike_what_a_request_carries(org: Org, sandbox: Sandbox) -> None:
    """A text narrows a fault down to the requests whose bodies hold it."""
    sandbox.faults.add("whole_batch_refused", body_contains="c-2")

    assert org.upsert(contact("c-1"), contact("c-2")).status_code == 400
    assert codes(org.upsert(contact("c-1"))) == [None]
    assert sandbox.count("Contact") == 1


def test_chance_follows_the_seed(org: Org, sandbox: Sandbox) -> None:
    """With a seed, the same requests are struck again."""
    runs = []
    for _ in range(2):
        sandbox.faults.clear()
        sandbox.faults.add("unavailable", probability=0.5, seed=3)
        runs.append([org.call("GET", "limits").status_code for _ in range(20)])

    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_usage_can_jitter(org: Org, sandbox: Sandbox) -> None:
    """With the fault on, the usage told jumps around the truth."""
    sandbox.set_quota(used=1000)
    sandbox.faults.add("usage_jitter", spread=8)
    told = []
    for _ in range(20):
        header = org.call("GET", "limits").headers["Sforce-Limit-Info"]
        told.append(int(header.removeprefix("api-usage=").split("/")[0]))

    assert told != sorted(told)
    assert all(abs(one - 1000 - place) <= 9 for place, one in enumerate(told))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"name": "nothing"}, "Faults: unavailable"),
        ({"name": "slow", "options": {"second": 1}}, "Known: seconds"),
        ({"name": "slow", "options": {"seconds": "1"}}, "wrong type"),
        ({"name": "refuse_value"}, "needs options.field"),
        ({"name": "garbled_answer", "options": {"kind": "odd"}}, "truncated"),
        ({"name": "slow", "times": 0}, "above 0"),
        ({"name": "slow", "probability": 2}, "0 to 1"),
        ({"name": "slow", "match": {"path": "x"}}, "path_contains"),
        ({"name": "row_locked", "match": {"body_contains": "x"}}, "refuse_value"),
        ({"name": "slow", "time": 1}, "times"),
        ({"name": "usage_jitter", "times": 1}, "holds until it is removed"),
    ],
)
def test_wrong_faults_are_refused(sandbox: Sandbox, document: dict[str, object], told: str) -> None:
    """A fault that is not known is refused, and what is known is told."""
    with pytest.raises(UsageError, match=told):
        sandbox.call("POST", "faults", document)
    assert sandbox.faults.all() == []
