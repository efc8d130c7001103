"""Requests as they travel, and what refusals mean."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from activation.destinations.base import Answer, Connection, QuotaReading, Target
from activation.destinations.hubspot.destination import HubSpot
from activation.destinations.traits import Verb
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    ConfigurationError,
    DestinationError,
    QuotaRefused,
    Throttled,
    Transient,
)
from activation_tests.destinations.hubspot.conftest import TOKEN
from activation_tests.destinations.hubspot.rows import TARGET, batch, contacts, result
from activation_tests.destinations.scripted import Scripted, Server

PATH = "/crm/v3/objects/contacts/batch/upsert"
DAILY = {
    "status": "error",
    "message": "You have reached your daily limit.",
    "errorType": "RATE_LIMIT",
    "policyName": "DAILY",
    "correlationId": "c-1",
}
BURST = {
    **DAILY,
    "message": "You have reached your ten_secondly_rolling limit.",
    "policyName": "TEN_SECONDLY_ROLLING",
}
SEARCH = {
    "status": "error",
    "message": "You have reached your secondly limit.",
    "correlationId": "c-1",
    "category": "RATE_LIMITS",
}


def send(hubspot: HubSpot, target: Target = TARGET, **columns: list[Any]) -> Answer:
    """Encode one row and send it."""
    rows = pa.table({"sync_key": ["u-0"], **(columns or {"firstname": ["Kim"]})})
    endpoint = hubspot.endpoint(target, rows=1)
    return endpoint.send(target, endpoint.encode(target, rows), seconds=5)


def refused(hubspot: HubSpot) -> DestinationError:
    """Send a row that is refused, and return the error."""
    with pytest.raises(DestinationError) as caught:
        send(hubspot)
    return caught.value


def test_a_request_is_what_hubspot_describes(hubspot: HubSpot, server: Server) -> None:
    """The wrapper, the unique property, a trace id, text values, and the client's headers."""
    server.answer(Scripted(batch(result(0))))

    answer = send(hubspot)

    (seen,) = server.calls()
    assert (seen.method, seen.path, seen.query) == ("POST", PATH, {})
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"
    assert seen.headers["Content-Type"] == "application/json"
    assert json.loads(seen.body) == {
        "inputs": [
            {
                "id": "u-0",
                "idProperty": "customer_key",
                "objectWriteTraceId": "0",
                "properties": {"customer_key": "u-0", "firstname": "Kim"},
            }
        ]
    }
    assert (answer.status, answer.requests) == (200, 1)


@pytest.mark.parametrize(
    ("version", "path"),
    [("v3", PATH), ("2026-03", "/crm/objects/2026-03/contacts/batch/upsert")],
)
def test_the_version_is_a_setting(
    connection: Connection, server: Server, version: str, path: str
) -> None:
    """Numbered and dated versions have other addresses, and the same bodies."""
    server.answer(Scripted(batch(result(0))))
    hubspot = HubSpot(replace(connection, api_version=version))

    send(hubspot)

    assert server.calls()[0].path == path
    hubspot.close()


def test_a_day_is_read_off_the_headers(hubspot: HubSpot, server: Server) -> None:
    """HubSpot tells what is left; refusals tell it too."""
    told = {"X-HubSpot-RateLimit-Daily": "1000", "X-HubSpot-RateLimit-Daily-Remaining": "990"}
    less = {**told, "X-HubSpot-RateLimit-Daily-Remaining": "989"}
    server.answer(Scripted(batch(result(0)), headers=told), Scripted(b"{}", 503, headers=less))

    assert send(hubspot).quota == QuotaReading(used=10, limit=1000)
    refused(hubspot)

    assert hubspot.quota() == QuotaReading(used=11, limit=1000)
    assert len(server.calls()) == 2


def test_the_day_is_asked_for_once_if_nothing_told_it(hubspot: HubSpot, server: Server) -> None:
    """The account's usage is one request; a refusal of it is no trouble yet."""
    usage = {"name": "private-apps-api-calls-daily", "usageLimit": 500, "currentUsage": 7}
    server.answer(Scripted({"results": [usage]}))

    assert hubspot.quota() == hubspot.quota() == QuotaReading(used=7, limit=500)

    (seen,) = server.calls()
    assert seen.path == "/account-info/v3/api-usage/daily/private-apps"


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ((429, DAILY), QuotaRefused, "DAILY"),
        ((429, {**DAILY, "policyName": "daily"}), QuotaRefused, "DAILY"),
        ((429, {"message": "You have reached your daily limit."}), QuotaRefused, "DAILY"),
        ((429, BURST), Throttled, "TEN_SECONDLY_ROLLING"),
        ((429, SEARCH), Throttled, "RATE_LIMITS"),
        ((429, b"slow down"), Throttled, "RATE_LIMITS"),
        ((423, {"category": "RESOURCE_LOCKED"}), Transient, "RESOURCE_LOCKED"),
        ((477, b""), Transient, "HTTP_477"),
        ((500, {"message": "internal error"}), Transient, "HTTP_500"),
        ((401, {"category": "INVALID_AUTHENTICATION"}), AccessRefused, "INVALID_AUTHENTICATION"),
        ((403, {"category": "MISSING_SCOPES"}), AccessRefused, "MISSING_SCOPES"),
        ((400, {"category": "VALIDATION_ERROR"}), BatchRefused, "VALIDATION_ERROR"),
        ((409, {"category": "CONFLICT"}), BatchRefused, "CONFLICT"),
        ((404, b"<html>"), BatchRefused, "HTTP_404"),
        ((302, b""), BatchRefused, "HTTP_302"),
    ],
)
def test_refusals_have_types(
    hubspot: HubSpot, server: Server, answer: tuple[int, Any], kind: type, code: str
) -> None:
    """The day is told from what passes; what is wrong from what may be sent again."""
    status, body = answer
    server.answer(Scripted(body, status))

    error = refused(hubspot)

    assert type(error) is kind
    assert error.code == code
    assert str(error).startswith(f"POST {PATH} was refused with {status} ")


@pytest.mark.parametrize(
    ("answer", "headers", "wait"),
    [
        ((429, BURST), {}, 10.0),
        ((429, BURST), {"X-HubSpot-RateLimit-Interval-Milliseconds": "7"}, 0.007),
        ((429, BURST), {"Retry-After": "3"}, 3.0),
        ((429, SEARCH), {}, 1.0),
        ((423, b"{}"), {}, 2.0),
        ((477, b"{}"), {"Retry-After": "3600"}, 3600.0),
        ((502, b""), {}, None),
    ],
)
def test_when_to_come_back(
    hubspot: HubSpot,
    server: Server,
    answer: tuple[int, Any],
    headers: dict[str, str],
    wait: float | None,
) -> None:
    """Ten seconds, a second, two; or as a header says."""
    status, body = answer
    server.answer(Scripted(body, status, headers=headers))

    error = refused(hubspot)

    assert isinstance(error, Transient)
    assert error.retry_after == wait
    assert error.applied is (Applied.UNKNOWN if status == 502 else Applied.NO)


@pytest.mark.parametrize(
    ("status", "applied"),
    [(500, Applied.UNKNOWN), (504, Applied.UNKNOWN), (524, Applied.UNKNOWN), (503, Applied.NO)],
)
def test_whether_a_failure_may_have_been_applied(
    hubspot: HubSpot, server: Server, status: int, applied: Applied
) -> None:
    """What never reached HubSpot has changed nothing; of the others nobody knows."""
    server.answer(Scripted(b"", status))

    error = refused(hubspot)

    assert isinstance(error, Transient)
    assert error.applied is applied


def test_missing_scopes_are_named(hubspot: HubSpot, server: Server) -> None:
    """The hint says which scopes would do; what does not look like one is left out."""
    context = {"requiredGranularScopes": ["crm.objects.contacts.write", "<b>kim@example.com"]}
    body = {"category": "MISSING_SCOPES", "errors": [{"message": "x", "context": context}]}
    server.answer(Scripted(body, 403))

    told = str(refused(hubspot))

    assert "one of the scopes crm.objects.contacts.write." in told
    assert "kim" not in told


def test_a_refusal_names_the_first_wrong_value_and_quotes_none(
    hubspot: HubSpot, server: Server
) -> None:
    """The code comes out of the message's list; the vendor's text stays out."""
    message = (
        'Property values were not valid: [{"isValid":false,"message":"Email address '
        'kim@example is invalid","error":"INVALID_EMAIL","name":"email"}]'
    )
    server.answer(Scripted({"category": "VALIDATION_ERROR", "message": message}, 400))

    error = refused(hubspot)

    assert error.code == "INVALID_EMAIL"
    assert "kim" not in str(error)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"COMPLETE"'])
def test_a_success_that_cannot_be_read_is_a_doubt(
    hubspot: HubSpot, server: Server, body: bytes
) -> None:
    """It may have been applied, whatever the bytes are."""
    server.answer(Scripted(body))

    error = refused(hubspot)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("GARBLED_ANSWER", Applied.UNKNOWN)


@pytest.mark.parametrize(
    "scripted", [Scripted(drop=True), Scripted(batch(result(0)), cut=5), Scripted(silent=True)]
)
def test_a_lost_answer_is_a_doubt(hubspot: HubSpot, server: Server, scripted: Scripted) -> None:
    """Dropped, cut off, or never sent."""
    server.answer(scripted)
    endpoint = hubspot.endpoint(TARGET, rows=1)
    rows = pa.table({"sync_key": ["u-0"], "firstname": ["Kim"]})

    with pytest.raises(Transient) as caught:
        endpoint.send(TARGET, endpoint.encode(TARGET, rows), seconds=0.5)

    assert caught.value.applied is Applied.UNKNOWN
    assert "127.0.0.1" not in str(caught.value)


def test_threads_share_nothing_but_the_pace(hubspot: HubSpot, server: Server) -> None:
    """Many requests at once each get their own answer."""
    server.respond = lambda seen: Scripted(
        batch(result(0, json.loads(seen.body)["inputs"][0]["id"]))
    )
    found: list[str] = []

    def one(number: int) -> None:
        endpoint = hubspot.endpoint(TARGET, rows=1)
        rows = pa.table({"sync_key": [f"k-{number}"], "firstname": ["Kim"]})
        answer = endpoint.send(TARGET, endpoint.encode(TARGET, rows), seconds=5)
        if endpoint.decode(answer, [f"k-{number}"])[0].error is None:
            found.append(f"k-{number}")

    threads = [threading.Thread(target=one, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(f"k-{n}" for n in range(16))


@pytest.mark.parametrize(
    ("target", "verb", "name"),
    [
        ("contacts", Verb.UPSERT, "upsert"),
        ("deals", Verb.UPDATE, "update"),
        ("2-123", Verb.CREATE, "create"),
        ("p62515_car", Verb.REMOVE, "archive"),
        ("0-1", Verb.ERASE, "erase"),
        ("lists/7", Verb.REMOVE, "memberships"),
        ("subscriptions/7", Verb.UPSERT, "subscriptions"),
    ],
)
def test_each_verb_has_its_endpoint(hubspot: HubSpot, target: str, verb: Verb, name: str) -> None:
    """By object and verb; the pace is that of the account."""
    key = "email" if target.startswith("sub") else "customer_key"
    aim = Target(target, key, (), verb)

    endpoint = hubspot.endpoint_named(aim, name)

    assert endpoint.traits.name == name
    assert verb in endpoint.traits.verbs
    assert [(b.requests, b.seconds) for b in endpoint.traits.buckets] == [(100, 10.0)]


@pytest.mark.parametrize(
    ("target", "verb", "name"),
    [
        ("companies", Verb.ERASE, "erase"),
        ("lists/7", Verb.CREATE, "memberships"),
        ("subscriptions/7", Verb.REMOVE, "subscriptions"),
        ("contacts", Verb.UPSERT, "archive"),
    ],
)
def test_what_hubspot_cannot_do_is_told(
    hubspot: HubSpot, target: str, verb: Verb, name: str
) -> None:
    """Only contacts can be erased, and nobody is subscribed again."""
    key = "email" if target.startswith("sub") else "customer_key"

    with pytest.raises(ConfigurationError, match="HubSpot"):
        hubspot.endpoint_named(Target(target, key, (), verb), name)


@pytest.mark.parametrize(
    ("object_name", "key"),
    [
        ("contacts/1", "customer_key"),
        ("lists/x", "customer_key"),
        ("con tacts", "customer_key"),
        ("contacts", "customer key"),
        ("subscriptions/1", "customer_key"),
    ],
)
def test_names_that_cannot_be_are_refused(hubspot: HubSpot, object_name: str, key: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError):
        hubspot.endpoint(Target(object_name, key, ()), rows=1)


@pytest.mark.parametrize(
    ("given", "requests"),
    [
        ({}, 100),
        ({"plan": "enterprise"}, 190),
        ({"plan": "professional", "api_limit_increase": "bought"}, 200),
    ],
)
def test_the_pace_follows_from_the_plan(
    connection: Connection, given: dict[str, str], requests: int
) -> None:
    """100 in ten seconds, 190 with the larger plans; the lower of two figures with more bought."""
    hubspot = HubSpot(replace(connection, account=given))

    assert hubspot.endpoint(contacts(), rows=1).traits.buckets[0].requests == requests
    hubspot.close()


@pytest.mark.parametrize(
    "given",
    [
        {"account": {"plan": "profesional"}},
        {"account": {"tier": "starter"}},
        {"api_version": "3"},
        {"base_url": "http://api.hubapi.com"},
        {"credentials": {}},
        {"credentials": {"client_id": "x"}},
        {"credentials": {"access_token": "two words"}},
    ],
)
def test_a_connection_that_cannot_be_used_is_told(
    connection: Connection, given: dict[str, Any]
) -> None:
    """The account's words, the version, the address and the credentials are checked at once."""
    with pytest.raises(ConfigurationError, match=r"[cC]onnection crm"):
        HubSpot(replace(connection, **given))
