"""The token endpoint, sessions and the daily pool."""

# ruff: noqa: S608 - SOQL of the tests
from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from activation.sandbox.client import Sandbox
from activation.sandbox.server import running
from activation_tests.sandbox.org import Org, contact, refusal
from activation_tests.sandbox.turning_clock import START, TurningClock

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def ask(address: str, *basic: str, **form: str) -> requests.Response:
    """Ask for a token, with name and secret as Basic authorization if given."""
    auth = (basic[0], basic[1]) if basic else None
    return requests.post(f"{address}/services/oauth2/token", data=form, auth=auth, timeout=5)


def assertion(**claims: Any) -> str:
    """Return a JWT with these claims and a signature that nobody checks."""
    usual = {"iss": "app", "sub": "someone@example.com", "aud": "https://login.example.com"}
    parts: list[Any] = [{"alg": "RS256"}, {**usual, **claims}, "signature"]
    encoded = (base64.urlsafe_b64encode(json.dumps(p).encode()).decode() for p in parts)
    return ".".join(part.rstrip("=") for part in encoded)


def test_client_credentials_come_as_basic_or_form(sandbox: Sandbox) -> None:
    """Both ways of naming the client give a token, with the sandbox as instance."""
    as_basic = ask(sandbox.address, "app", "word", grant_type="client_credentials")
    as_form = ask(
        sandbox.address,
        grant_type="client_credentials",
        client_id="app",
        client_secret="word",  # noqa: S106
    )

    for answer in (as_basic, as_form):
        body = answer.json()
        assert answer.status_code == 200
        assert body["instance_url"] == sandbox.address
        assert body["token_type"] == "Bearer"  # noqa: S105
        assert body["issued_at"] == str(int(START.timestamp() * 1000))
        assert "expires_in" not in body


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "app"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": _JWT, "assertion": "a.b"}, "invalid_grant"),
        ({"grant_type": _JWT, "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_bad_token_requests_are_a_400(sandbox: Sandbox, form: dict[str, str], error: str) -> None:
    """A token request that does not hold is refused with an OAuth error."""
    answer = ask(sandbox.address, **form)

    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_a_jwt_is_accepted_until_it_expires(sandbox: Sandbox) -> None:
    """An assertion with a future expiry opens a session, one of the past does not."""
    now = int(START.timestamp())
    good = ask(sandbox.address, grant_type=_JWT, assertion=assertion(exp=str(now + 180)))
    late = ask(sandbox.address, grant_type=_JWT, assertion=assertion(exp=now - 1))

    assert good.status_code == 200
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


def test_expected_credentials_are_checked(tmp_path: Path) -> None:
    """A sandbox that expects a client refuses all others."""
    with running(tmp_path, credentials=("app", "word")) as address:
        wrong = ask(address, "app", "other", grant_type="client_credentials")
        right = ask(address, "app", "word", grant_type="client_credentials")

    assert wrong.status_code == 400
    assert right.status_code == 200


def test_without_a_valid_token_nothing_is_told(org: Org) -> None:
    """An unknown token answers 401 in an array and costs nothing."""
    before = Sandbox(org.address).quota()["used"]
    answer = org.call("GET", "limits", headers={"Authorization": "Bearer wrong"})

    assert refusal(answer) == (401, "INVALID_SESSION_ID")
    assert answer.json()[0]["message"] == "Session expired or invalid"
    assert Sandbox(org.address).quota()["used"] == before


def test_a_session_ends_when_it_is_not_used(org: Org, clock: TurningClock) -> None:
    """Two hours after its last use a session is over."""
    clock.turn(7000)
    assert org.call("GET", "limits").status_code == 200
    clock.turn(7000)
    assert org.call("GET", "limits").status_code == 200
    clock.turn(7201)
    assert org.call("GET", "limits").status_code == 401


def test_every_answer_tells_the_usage(org: Org) -> None:
    """Each data call costs one request, failed ones too, and says so."""
    good = org.upsert(contact("c-1"), contact("c-2"))
    bad = org.query("nonsense")

    assert good.headers["Sforce-Limit-Info"] == "api-usage=1/110000"
    assert bad.headers["Sforce-Limit-Info"] == "api-usage=2/110000"


def test_an_empty_pool_answers_403_until_24_hours_have_passed(
    org: Org, sandbox: Sandbox, clock: TurningClock
) -> None:
    """At the limit calls are refused without Retry-After; the pool rolls on by the minute."""
    sandbox.set_quota(limit=5, used=4)
    assert org.call("GET", "limits").status_code == 200
    over = org.upsert(contact("c-1"))

    assert refusal(over) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "Retry-After" not in over.headers
    assert sandbox.quota() == {"limit": 5, "used": 5}
    assert sandbox.count("Contact") == 0

    clock.turn(24 * 3600 + 60)
    org.login()
    assert org.upsert(contact("c-1")).status_code == 200
    assert sandbox.quota() == {"limit": 5, "used": 1}


def test_too_long_an_address_is_refused(org: Org) -> None:
    """URI and headers together may have 16,384 bytes."""
    long_query = org.query(f"SELECT Id FROM Contact WHERE LastName = '{'x' * 17000}'")
    long_header = org.call("GET", "limits", headers={"X-Long": "x" * 17000})

    assert long_query.status_code == 414
    assert long_header.status_code == 431
