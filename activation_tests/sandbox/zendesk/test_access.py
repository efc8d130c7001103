from __future__ import annotations

import pytest

from activation.sandbox.client import Sandbox
from activation_tests.sandbox.turning_clock import TurningClock
from activation_tests.sandbox.zendesk.desk import Desk, refusal


def test_a_token_lives_as_long_as_it_was_asked_to(desk: Desk, clock: TurningClock) -> None:
    """A token's life is chosen; after it every call is refused with 401."""
    answer = desk.login(expires_in=600)
    assert (answer.status_code, answer.json()["expires_in"]) == (201, 600)

    clock.turn(599)
    assert desk.call("GET", "users/me").status_code == 200
    clock.turn(1)

    assert refusal(desk.call("GET", "users/me")) == (401, "invalid_token")


def test_a_token_lives_half_an_hour_unless_asked(desk: Desk) -> None:
    """Clients of today get tokens that expire."""
    assert desk.login().json()["expires_in"] == 1800


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"client_secret": ""}, (401, "invalid_client")),
        ({"expires_in": 299}, (400, "invalid_request")),
        ({"expires_in": 172_801}, (400, "invalid_request")),
    ],
)
def test_token_requests_are_refused(
    desk: Desk, asked: dict[str, object], refused: tuple[int, str]
) -> None:
    """Only client credentials are taken, for five minutes to two days."""
    assert refusal(desk.login(**asked)) == refused


def test_scopes_are_held_to(desk: Desk) -> None:
    """A token may do what its scopes say; another call is refused with 403."""
    desk.login(scope="organizations:write users:read")

    assert desk.call("GET", "users").status_code == 200
    assert desk.call("POST", "users", {"user": {"name": "A"}}).status_code == 403
    assert desk.call("GET", "organizations").status_code == 403
    made = desk.call("POST", "organizations", {"organization": {"name": "A"}})
    assert made.status_code == 201


def test_an_invalid_scope_makes_a_token_that_may_nothing(desk: Desk) -> None:
    """A scope that is no text is taken, and each call with it is refused."""
    assert desk.login(scope=["read", "write"]).status_code == 201

    assert desk.call("GET", "users").status_code == 403


def test_the_token_tells_of_itself(desk: Desk) -> None:
    """The scopes of a token can be asked for, and only the beginning of it is shown."""
    told = desk.call("GET", "oauth/tokens/current").json()["token"]

    assert told["scopes"] == ["read", "write"]
    assert len(told["token"]) == 10


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Bearer nothing", 401),
        ("Basic bm90aGluZw==", 401),
        # a@example.com/token:t
        ("Basic YUBleGFtcGxlLmNvbS90b2tlbjp0", 200),
    ],
)
def test_who_calls_is_asked(desk: Desk, authorization: str | None, status: int) -> None:
    """An API token is a user's name with /token behind it, by Basic authentication."""
    headers = {"Authorization": authorization}

    assert desk.call("GET", "users/me", headers=headers).status_code == status


def test_imports_are_off_until_support_enables_them(desk: Desk, sandbox: Sandbox) -> None:
    """A new account may not create users in bulk; a change of known ones is no import."""
    sandbox.reset()
    desk.login()
    users = {"users": [{"name": "A", "external_id": "a"}]}

    for path in ("users/create_or_update_many", "users/create_many"):
        answer = desk.call("POST", path, users)
        assert answer.status_code == 403
        assert answer.json() == {"error": "Forbidden", "message": "Data imports are not enabled"}

    assert desk.call("PUT", "users/update_many", users).status_code == 200
    assert desk.call("POST", "organizations/create_many", {"organizations": []}).ok


def test_unknown_addresses_are_not_found(desk: Desk) -> None:
    """What is no address, and what is no record, are told apart."""
    assert refusal(desk.call("GET", "nothing")) == (404, "InvalidEndpoint")
    assert refusal(desk.call("GET", "users/1")) == (404, "RecordNotFound")


def test_addresses_may_end_in_json(desk: Desk) -> None:
    """Both spellings of an address are the same."""
    assert desk.call("GET", "users/me.json").json() == desk.call("GET", "users/me").json()
