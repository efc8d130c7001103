"""Tokens: static ones, and those of OAuth, renewed by the clock."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from activation.destinations.base import Connection
from activation.destinations.hubspot.destination import HubSpot
from activation.errors import AccessRefused, DestinationError, Transient
from activation_tests.destinations.hubspot.rows import batch, result
from activation_tests.destinations.hubspot.test_send import send
from activation_tests.destinations.scripted import Scripted, Server
from activation_tests.sync.project import LeapingClock

CREDENTIALS = {"client_id": "app", "client_secret": "s3cret"}
FINE = Scripted(batch(result(0)))
DROPPED = Scripted({"category": "EXPIRED_AUTHENTICATION"}, 401)


@pytest.fixture
def oauth(connection: Connection, clock: LeapingClock) -> Iterator[HubSpot]:
    """Return a destination with OAuth."""
    destination = HubSpot(replace(connection, credentials=CREDENTIALS), clock)
    yield destination
    destination.close()


def token(life: Any = 1800) -> Scripted:
    """Return a token as HubSpot gives it."""
    return Scripted({"access_token": f"t-{life}", "expires_in": life, "token_type": "bearer"})


def test_a_token_is_asked_for_once(oauth: HubSpot, server: Server) -> None:
    """Client credentials in a form; all calls share the token."""
    server.answer(FINE)

    send(oauth)
    send(oauth)

    (asked,) = server.token_calls()
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["app"],
        "client_secret": ["s3cret"],
    }
    assert {call.headers["Authorization"] for call in server.calls()} == {"Bearer token-1"}


def test_a_refresh_token_is_used_where_there_is_one(connection: Connection, server: Server) -> None:
    """The grant is another one."""
    oauth = HubSpot(replace(connection, credentials={**CREDENTIALS, "refresh_token": "r"}))
    server.answer(FINE)

    send(oauth)

    form = parse_qs(server.token_calls()[0].body.decode())
    assert (form["grant_type"], form["refresh_token"]) == (["refresh_token"], ["r"])
    oauth.close()


def test_a_token_is_renewed_before_it_expires(
    oauth: HubSpot, server: Server, clock: LeapingClock
) -> None:
    """By the clock, a minute early: a 401 is no sign that it is too old."""
    server.tokens.extend([token(), token(1799)])
    server.answer(FINE)
    send(oauth)
    clock.waited += 1739
    send(oauth)
    assert len(server.token_calls()) == 1

    clock.waited += 2
    send(oauth)

    assert len(server.token_calls()) == 2
    assert server.calls()[-1].headers["Authorization"] == "Bearer t-1799"


def test_a_dropped_token_is_replaced_once(oauth: HubSpot, server: Server) -> None:
    """Nothing was carried out until then; a second 401 is for a human."""
    server.answer(DROPPED, FINE)
    assert send(oauth).status == 200
    server.answers.clear()
    server.answer(DROPPED)

    with pytest.raises(AccessRefused):
        send(oauth)

    assert len(server.calls()) == 4


def test_a_static_token_is_not_tried_twice(hubspot: HubSpot, server: Server) -> None:
    """There is no other."""
    server.answer(DROPPED)

    with pytest.raises(AccessRefused, match="rotated"):
        send(hubspot)

    assert len(server.calls()) == 1


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [
        (Scripted({"message": "unknown client"}, 400), AccessRefused),
        (Scripted(b"", 503), Transient),
        (Scripted({"access_token": 7}), Transient),
        (Scripted(drop=True), Transient),
    ],
)
def test_no_token_is_no_doubt_about_a_row(
    oauth: HubSpot, server: Server, scripted: Scripted, kind: type[DestinationError]
) -> None:
    """Nothing was written, whatever became of the request for a token."""
    server.tokens.append(scripted)

    with pytest.raises(kind) as caught:
        send(oauth)

    assert getattr(caught.value, "applied", "no") == "no"
    assert "s3cret" not in str(caught.value)
    assert server.calls() == []


def test_an_app_of_many_accounts_has_a_pace_of_its_own(oauth: HubSpot) -> None:
    """110 in ten seconds, and no day."""
    from activation_tests.destinations.hubspot.rows import TARGET

    assert oauth.endpoint(TARGET, rows=1).traits.buckets[0].requests == 110
    assert oauth.quota() is None
