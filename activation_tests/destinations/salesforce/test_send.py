from __future__ import annotations

import base64
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

import pytest
import requests
from urllib3 import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError

from activation.destinations.base import Connection, QuotaReading
from activation.destinations.salesforce.destination import Salesforce
from activation.destinations.transport_errors import lost
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    DestinationError,
    QuotaRefused,
    Throttled,
    Transient,
)
from activation_tests.destinations.salesforce.rows import TARGET, requests_of
from activation_tests.destinations.scripted import Scripted, Server

Expected: TypeAlias = tuple[type[DestinationError], str, Applied | None]

OK = Scripted([{"id": "003xx0000001", "success": True, "errors": [], "created": True}])
EXPIRED = Scripted([{"message": "Session expired", "errorCode": "INVALID_SESSION_ID"}], status=401)


def refused(status: int, code: str, message: str = "no", **headers: str) -> Scripted:
    """Refuse in the shape that Salesforce does."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scripted([{"message": message, "errorCode": code}], status=status, headers=named)


def send(org: Salesforce, seconds: float = 5.0) -> None:
    """Send a payload."""
    requests_of(org, TARGET).send(TARGET, b'{"records":[]}', seconds=seconds)


def failure(org: Salesforce, seconds: float = 5.0) -> DestinationError:
    """Send a payload and return the error."""
    with pytest.raises(DestinationError) as caught:
        send(org, seconds)
    return caught.value


def test_sends_the_bytes_to_the_collections_upsert(server: Server, org: Salesforce) -> None:
    """The payload travels unchanged, as JSON, to the object and key of the target."""
    server.answer(OK)

    answer = requests_of(org, TARGET).send(TARGET, b'{"records":[1]}', seconds=5)

    (call,) = server.calls()
    assert call.method == "PATCH"
    assert call.path == "/services/data/v59.0/composite/sobjects/Contact/Crm_Key__c"
    assert call.body == b'{"records":[1]}'
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Authorization"] == "Bearer token-1"
    assert "X-PrettyPrint" not in call.headers
    assert (answer.status, json.loads(answer.body)) == (200, OK.body)


def test_gets_its_token_with_the_client_credentials(server: Server, org: Salesforce) -> None:
    """The token call is a form with the grant, and the id and secret as Basic authentication."""
    server.answer(OK)

    send(org)

    (call,) = server.token_calls()
    assert call.method == "POST"
    assert call.body == b"grant_type=client_credentials"
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    basic = base64.b64encode(b"app:s3cret").decode()
    assert call.headers["Authorization"] == f"Basic {basic}"


def test_reads_the_quota_on_success_and_on_refusal(server: Server, org: Salesforce) -> None:
    """Every answer's Sforce-Limit-Info is kept, whatever its status."""
    usage = "api-usage=17/15000; per-app-api-usage=3/250(appName=x)"
    server.answer(
        Scripted(OK.body, headers={"Sforce-Limit-Info": usage}),
        refused(400, "INVALID_FIELD", Sforce_Limit_Info="api-usage=15/15000"),
    )

    assert requests_of(org, TARGET).send(TARGET, b"{}", seconds=5).quota == QuotaReading(17, 15000)
    assert org.quota() == QuotaReading(17, 15000)
    failure(org)
    assert org.quota() == QuotaReading(15, 15000)


@pytest.mark.parametrize(
    ("scripted", "expected"),
    [
        (refused(503, "SERVER_UNAVAILABLE"), (Transient, "SERVER_UNAVAILABLE", Applied.NO)),
        (Scripted(b"<html>busy", status=503), (Transient, "HTTP_503", Applied.UNKNOWN)),
        (refused(500, "UNKNOWN_EXCEPTION"), (Transient, "UNKNOWN_EXCEPTION", Applied.UNKNOWN)),
        (Scripted(b"", status=502), (Transient, "HTTP_502", Applied.UNKNOWN)),
        (Scripted(b"", status=504), (Transient, "HTTP_504", Applied.UNKNOWN)),
        (Scripted(b"slow down", status=429), (Throttled, "HTTP_429", Applied.NO)),
        (
            refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."),
            (Throttled, "REQUEST_LIMIT_EXCEEDED", Applied.NO),
        ),
        (
            refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
            (QuotaRefused, "REQUEST_LIMIT_EXCEEDED", None),
        ),
        (refused(403, "OAUTH_APP_BLOCKED"), (AccessRefused, "OAUTH_APP_BLOCKED", None)),
        (refused(403, "API_DISABLED_FOR_ORG"), (AccessRefused, "API_DISABLED_FOR_ORG", None)),
        (Scripted(b"<html>firewall", status=403), (AccessRefused, "HTTP_403", None)),
        (refused(400, "INVALID_FIELD"), (BatchRefused, "INVALID_FIELD", None)),
        (refused(404, "NOT_FOUND"), (BatchRefused, "NOT_FOUND", None)),
        (Scripted(["/a", "/b"], status=300), (BatchRefused, "HTTP_300", None)),
        (
            Scripted(b"", status=302, headers={"Location": "/elsewhere"}),
            (BatchRefused, "HTTP_302", None),
        ),
        (Scripted(b"", status=413), (BatchRefused, "HTTP_413", None)),
        (Scripted(b"<html>", status=200), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted(b"", status=200), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted(b"", status=204), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted({"done": True}), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted(b'[{"success":true,"errors":[]'), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted(drop=True), (Transient, "CONNECTION_LOST", Applied.UNKNOWN)),
        (Scripted(OK.body, cut=5), (Transient, "CONNECTION_LOST", Applied.UNKNOWN)),
    ],
)
def test_maps_every_failure_to_its_kind(
    server: Server, org: Salesforce, scripted: Scripted, expected: Expected
) -> None:
    """Each way to fail becomes one kind of error, that says whether rows may have been written."""
    server.answer(scripted)

    error = failure(org)

    assert (type(error), error.code, getattr(error, "applied", None)) == expected
    assert len(server.calls()) == 1  # nothing was repeated behind our back


def test_silence_is_a_doubt(server: Server, org: Salesforce) -> None:
    """A request that got no answer in time may have been applied."""
    server.answer(OK, Scripted(silent=True))
    send(org)

    error = failure(org, seconds=0.1)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("READ_TIMEOUT", Applied.UNKNOWN)


def test_an_answer_that_trickles_in_is_given_up(server: Server, org: Salesforce) -> None:
    """A server that sends a byte now and then does not hold a request for ever."""
    server.answer(OK, Scripted(b"[" + b" " * 1000 + b"]", trickle=True))
    send(org)

    error = failure(org, seconds=0.1)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("READ_TIMEOUT", Applied.UNKNOWN)


def test_an_earlier_attempt_does_not_colour_the_next(server: Server, org: Salesforce) -> None:
    """A doubt stays one, also where it arises while an undoubted failure is being handled."""
    server.answer(Scripted(drop=True))
    try:
        raise NewConnectionError(None, "refused")  # type: ignore[arg-type]  # noqa: TRY301
    except NewConnectionError:
        error = failure(org)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("CONNECTION_LOST", Applied.UNKNOWN)


def test_a_connection_not_made_in_time_applied_nothing() -> None:
    """A time-out before the connection stood is no doubt."""
    pool = HTTPSConnectionPool("acme.my.salesforce.com")
    reason = ConnectTimeoutError()

    error = lost(requests.ConnectTimeout(MaxRetryError(pool, "/", reason)), "PATCH x", "Salesforce")

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("CONNECT_TIMEOUT", Applied.NO)


def test_a_closed_port_applied_nothing() -> None:
    """A connection that was refused is proof that nothing was sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        org = Salesforce(
            Connection(
                "crm",
                "salesforce",
                f"http://127.0.0.1:{port}",
                {"client_id": "a", "client_secret": "b"},
            )
        )

        error = failure(org)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("NO_CONNECTION", Applied.NO)


def test_a_server_that_went_away_applied_nothing(server: Server, org: Salesforce) -> None:
    """Once the token is there, a refused connection is still no doubt."""
    server.answer(OK)
    send(org)
    org.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        org._session._address = replace(org._session._address, port=port)

        error = failure(org)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("NO_CONNECTION", Applied.NO)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("999999999", 86400.0), ("soon", None), ("-1", None), ("", None)],
)
def test_passes_retry_after_on(
    server: Server, org: Salesforce, header: str, seconds: float | None
) -> None:
    """The wait that the vendor asks for is kept, up to a day; nonsense is no wait."""
    server.answer(refused(429, "TOO_MANY", Retry_After=header))

    error = failure(org)

    assert isinstance(error, Transient)
    assert error.retry_after == seconds


def test_a_dropped_token_is_replaced_once(server: Server, org: Salesforce) -> None:
    """After a 401 the same bytes go out with a new token."""
    server.answer(OK, EXPIRED, OK)
    send(org)

    send(org)

    assert [c.headers["Authorization"] for c in server.calls()] == [
        "Bearer token-1",
        "Bearer token-1",
        "Bearer token-2",
    ]
    assert server.calls()[1].body == server.calls()[2].body


def test_a_token_that_is_never_accepted_ends(server: Server, org: Salesforce) -> None:
    """A second 401 in a row is final: two calls, not an endless loop."""
    server.answer(EXPIRED)

    error = failure(org)

    assert isinstance(error, AccessRefused)
    assert error.code == "INVALID_SESSION_ID"
    assert len(server.calls()) == 2
    assert len(server.token_calls()) == 2


def test_many_threads_share_one_token(server: Server, org: Salesforce) -> None:
    """25 threads send at once, each gets its own answer, with one token call and one renewal."""

    def respond(request: object) -> Scripted:
        headers, body = request.headers, request.body  # type: ignore[attr-defined]
        if headers["Authorization"] == "Bearer token-1":
            return EXPIRED
        return Scripted([{"echo": json.loads(body)["n"]}])

    server.respond = respond

    def one(number: int) -> int:
        answer = requests_of(org, TARGET).send(
            TARGET, json.dumps({"n": number}).encode(), seconds=10
        )
        echoed: int = json.loads(answer.body)[0]["echo"]
        return echoed

    with ThreadPoolExecutor(25) as pool:
        assert list(pool.map(one, range(200))) == list(range(200))

    assert len(server.token_calls()) == 2


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [
        (Scripted({"error": "invalid_client"}, status=400), AccessRefused),
        (Scripted({"error": "invalid_grant"}, status=401), AccessRefused),
        (Scripted(b"", status=503), Transient),
        (Scripted(b"", status=429), Throttled),
        (Scripted(b"<html>"), Transient),
        (Scripted({"access_token": ""}), Transient),
        (Scripted({"access_token": "a\r\nX-Evil: 1"}), Transient),
        (Scripted(drop=True), Transient),
    ],
)
def test_without_a_token_nothing_was_written(
    server: Server, org: Salesforce, scripted: Scripted, kind: type[DestinationError]
) -> None:
    """Trouble with the token is told as such, and never as a doubt about rows."""
    server.tokens.append(scripted)

    error = failure(org)

    assert type(error) is kind
    assert getattr(error, "applied", Applied.NO) is Applied.NO
    assert server.calls() == []


def test_errors_hold_no_secret_and_no_value(server: Server, org: Salesforce) -> None:
    """Neither the vendor's text nor credentials nor rows get into an error."""
    server.answer(refused(400, "INVALID_EMAIL_ADDRESS", "bad: ada@example.com"))

    with pytest.raises(BatchRefused) as caught:
        requests_of(org, TARGET).send(TARGET, b'{"Email":"ada@example.com"}', seconds=5)

    told = f"{caught.value} {caught.value.subject} {caught.value.__cause__}"
    assert "example.com" not in told
    assert "s3cret" not in told
    assert "token-1" not in told
    assert "INVALID_EMAIL_ADDRESS" in told
    assert "composite/sobjects/Contact/Crm_Key__c" in told


def test_asks_for_the_limits_once(server: Server, org: Salesforce) -> None:
    """A quota that no answer has told of yet is fetched, once."""
    server.answer(Scripted({"DailyApiRequests": {"Max": 15000, "Remaining": 14998}}))

    assert org.quota() == QuotaReading(used=2, limit=15000)
    assert org.quota() == QuotaReading(used=2, limit=15000)
    assert [c.path for c in server.calls()] == ["/services/data/v59.0/limits"]


def test_an_unknown_quota_is_none(server: Server, org: Salesforce) -> None:
    """An org that does not tell its limits leaves them unknown."""
    server.answer(refused(403, "API_DISABLED_FOR_ORG"))

    assert org.quota() is None
    assert org.quota() is None
    assert len(server.calls()) == 1
