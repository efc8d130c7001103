from __future__ import annotations

import base64
import json

import pytest

from activation.destinations.base import Connection
from activation.destinations.zendesk.destination import Zendesk
from activation.errors import AccessRefused, Applied, ConfigurationError, Transient
from activation_tests.destinations.scripted import Scripted, Server
from activation_tests.destinations.zendesk.desk import (
    CREATED,
    USERS,
    Hours,
    completed,
    job,
    named,
    send,
)

EXPIRED = Scripted({"error": "invalid_token", "error_description": "expired"}, status=401)


def test_asks_for_a_token_as_an_oauth_client(server: Server, desk: Zendesk) -> None:
    """The token is asked for in JSON, beside the API, for half an hour and the scopes needed."""
    server.answer(job("queued"), completed(CREATED))

    send(desk, USERS, named("a"))

    (call,) = server.token_calls()
    assert call.headers["Content-Type"] == "application/json"
    assert json.loads(call.body) == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": "s3cret",
        "scope": "read users:write organizations:write",
        "expires_in": 1800,
    }
    assert {c.headers["Authorization"] for c in server.calls()} == {"Bearer token-1"}


@pytest.mark.parametrize("status", [200, 201])
def test_takes_a_token_with_either_status(server: Server, desk: Zendesk, status: int) -> None:
    """The reference says 201, the guide shows 200."""
    server.tokens.append(Scripted({"access_token": "t", "token_type": "bearer"}, status=status))
    server.answer(job("queued"), completed(CREATED))

    send(desk, USERS, named("a"))

    assert server.calls()[0].headers["Authorization"] == "Bearer t"


def test_an_expired_token_is_replaced_once(server: Server, desk: Zendesk) -> None:
    """A call that was turned away for its token goes again with a new one, unnoticed."""
    server.answer(EXPIRED, job("queued"), completed(CREATED))

    (result,), _ = send(desk, USERS, named("a"))

    assert result.error is None
    assert [c.headers["Authorization"] for c in server.calls()] == [
        "Bearer token-1",
        "Bearer token-2",
        "Bearer token-2",
    ]


def test_a_token_that_is_refused_again_ends_the_call(server: Server, desk: Zendesk) -> None:
    """Two refusals are the credentials', not the token's."""
    server.answer(EXPIRED)

    with pytest.raises(AccessRefused) as caught:
        send(desk, USERS, named("a"))

    assert caught.value.code == "invalid_token"
    assert len(server.calls()) == 2


def test_an_api_token_is_basic_authentication(server: Server, hours: Hours) -> None:
    """Until they end, API tokens stand for a user's password, and cannot be renewed."""
    credentials = {"email": "agent@example.com", "api_token": "t0ken"}
    desk = Zendesk(Connection("desk", "zendesk", server.address, credentials), hours, hours.pass_)
    server.answer(Scripted({"error": "Couldn't authenticate you"}, status=401))

    with pytest.raises(AccessRefused) as caught:
        send(desk, USERS, named("a"))
    desk.close()

    (call,) = server.calls()
    basic = base64.b64encode(b"agent@example.com/token:t0ken").decode()
    assert call.headers["Authorization"] == f"Basic {basic}"
    assert server.token_calls() == []
    assert caught.value.code == "HTTP_401"


@pytest.mark.parametrize(
    ("credentials", "missing"),
    [
        ({}, "client_id"),
        ({"client_id": "app"}, "client_secret"),
        ({"api_token": "t"}, "email"),
    ],
)
def test_incomplete_credentials_are_named(
    server: Server, credentials: dict[str, str], missing: str
) -> None:
    """What is missing among the credentials is named, before anything is sent."""
    with pytest.raises(ConfigurationError, match=missing):
        send(
            Zendesk(Connection("desk", "zendesk", server.address, credentials)),
            USERS,
            named("a"),
        )

    assert server.seen == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Scripted({"error": "invalid_client"}, status=401), AccessRefused),
        (Scripted({"error": "invalid_scope"}, status=400), AccessRefused),
        (Scripted(b"", status=500), Transient),
        (Scripted(b"slow", status=429), Transient),
        (Scripted({"access_token": "two words"}, status=201), Transient),
        (Scripted(b"", drop=True), Transient),
    ],
)
def test_no_token_is_no_doubt(
    server: Server, desk: Zendesk, answer: Scripted, kind: type[Exception]
) -> None:
    """What goes wrong before the first call has written nothing."""
    server.tokens.append(answer)

    with pytest.raises(kind) as caught:
        send(desk, USERS, named("a"))

    assert getattr(caught.value, "applied", Applied.NO) is Applied.NO
    assert server.calls() == []


@pytest.mark.parametrize(
    "base_url", ["http://acme.zendesk.com", "https://acme.zendesk.com/api", "acme.zendesk.com"]
)
def test_refuses_addresses_that_are_not_an_account(base_url: str) -> None:
    """Plain HTTP off this machine and half addresses are refused at once."""
    with pytest.raises(ConfigurationError, match="desk"):
        Zendesk(Connection("desk", "zendesk", base_url, {}))
