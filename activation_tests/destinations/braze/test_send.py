from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from activation.destinations.base import Answer, Connection, Fate, Target
from activation.destinations.braze.destination import Braze
from activation.destinations.traits import Verb
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    ConfigurationError,
    DestinationError,
    Throttled,
    Transient,
)
from activation_tests.destinations.braze.rows import TARGET, events, group, mapping, users
from activation_tests.destinations.scripted import Scripted, Server
from activation_tests.sync.project import LeapingClock

SUCCESS = {"attributes_processed": 1, "message": "success"}
INDEXED = {
    "message": "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.",
    "errors": [
        {
            "type": "The value provided for the 'email' field is not a valid email.",
            "input_array": "attributes",
            "index": 0,
        }
    ],
}


def send(braze: Braze, target: Target = TARGET, **columns: list[Any]) -> Answer:
    """Encode one row and send it."""
    rows = pa.table({"sync_key": ["u-1"], **(columns or {"plan": ["pro"]})})
    endpoint = braze.endpoint(target, rows=1)
    return endpoint.send(target, endpoint.encode(target, rows), seconds=5)


def test_a_request_is_what_braze_documents(braze: Braze, server: Server) -> None:
    """POST to /users/track with the key as bearer, and JSON that says so."""
    server.answer(Scripted(SUCCESS, 201))

    answer = send(braze)

    (seen,) = server.calls()
    assert (seen.method, seen.path) == ("POST", "/users/track")
    assert seen.headers["Authorization"] == "Bearer k3y-s3cret"
    assert seen.headers["Content-Type"] == "application/json"
    assert json.loads(seen.body) == {"attributes": [{"external_id": "u-1", "plan": "pro"}]}
    assert (answer.status, answer.billed) == (201, 1)


@pytest.mark.parametrize(
    ("target", "columns", "path"),
    [
        (users(verb=Verb.ERASE), {}, "/users/delete"),
        (users(verb=Verb.REMOVE), {}, "/users/delete"),
        (group(), {}, "/v2/subscription/status/set"),
        (group(verb=Verb.REMOVE), {}, "/v2/subscription/status/set"),
    ],
)
def test_each_verb_has_its_endpoint(
    braze: Braze, server: Server, target: Target, columns: dict[str, Any], path: str
) -> None:
    """Deletions and memberships go where Braze takes them, and cost no data point."""
    server.answer(Scripted({"message": "success", "deleted": 1}, 201))
    rows = pa.table({"sync_key": ["u-1"], **columns})
    endpoint = braze.endpoint(target, rows=1)

    answer = endpoint.send(target, endpoint.encode(target, rows), seconds=5)

    assert server.calls()[0].path == path
    assert answer.billed == 0
    assert endpoint.decode(answer, ["u-1"])[0].error is None


def test_only_accepted_objects_are_billed(braze: Braze, server: Server) -> None:
    """A row that an error names costs nothing; each attribute of the others does."""
    error = {**INDEXED["errors"][0], "index": 1}  # type: ignore[dict-item]
    server.answer(
        Scripted({"message": "success", "attributes_processed": 1, "errors": [error]}, 201)
    )
    target = users(mapping("plan", "text(9)"), mapping("first_name", "text(9)"))
    rows = pa.table({"sync_key": ["a", "b"], "plan": ["x", "y"], "first_name": ["Kim", "Lee"]})
    endpoint = braze.endpoint(target, rows=2)

    answer = endpoint.send(target, endpoint.encode(target, rows), seconds=5)

    assert answer.billed == 2


def test_a_refusal_that_names_its_rows_is_an_answer(braze: Braze, server: Server) -> None:
    """All rows bad is 400; each row keeps its own reason, and nothing is billed."""
    server.answer(Scripted(INDEXED, 400))

    answer = send(braze)

    (result,) = braze.endpoint(TARGET, rows=1).decode(answer, ["u-1"])
    assert result.error is not None
    assert (result.error.code, result.error.fate) == ("INVALID_EMAIL", Fate.PERMANENT)
    assert answer.billed == 0


@pytest.mark.parametrize(
    ("status", "message", "kind", "code"),
    [
        (400, "Max Input Length Exceeded", BatchRefused, "TOO_MANY_OBJECTS"),
        (400, "Bad syntax", BatchRefused, "HTTP_400"),
        (413, "", BatchRefused, "HTTP_413"),
        (415, "", BatchRefused, "HTTP_415"),
        (401, "Invalid API Key", AccessRefused, "INVALID_API_KEY"),
        (403, "Access Denied", AccessRefused, "ACCESS_DENIED"),
        (404, "Invalid URL", AccessRefused, "INVALID_URL"),
        (301, "", AccessRefused, "HTTP_301"),
    ],
)
def test_refusals_are_told_for_what_they_are(  # noqa: PLR0913, PLR0917
    braze: Braze,
    server: Server,
    status: int,
    message: str,
    kind: type[DestinationError],
    code: str,
) -> None:
    """A status and a known sentence become one error with one code; nothing else is passed on."""
    server.answer(Scripted({"message": message}, status))

    with pytest.raises(kind) as caught:
        send(braze)

    assert caught.value.code == code
    assert "u-1" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "kind", "applied"),
    [
        (500, Transient, Applied.UNKNOWN),
        (502, Transient, Applied.NO),
        (503, Transient, Applied.NO),
        (504, Transient, Applied.UNKNOWN),
        (429, Throttled, Applied.NO),
    ],
)
def test_passing_trouble_says_whether_it_was_applied(
    braze: Braze, server: Server, status: int, kind: type[Transient], applied: Applied
) -> None:
    """Braze says that 502 and 503 never get as far as being carried out."""
    server.answer(Scripted({"message": "no"}, status))

    with pytest.raises(Transient) as caught:
        send(braze)

    assert type(caught.value) is kind
    assert caught.value.applied is applied


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message":"succ'])
def test_a_broken_acceptance_is_a_doubt(braze: Braze, server: Server, body: bytes) -> None:
    """A success that cannot be read may have been one."""
    server.answer(Scripted(body, 201))

    with pytest.raises(Transient) as caught:
        send(braze)

    assert (caught.value.code, caught.value.applied) == ("GARBLED_ANSWER", Applied.UNKNOWN)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"X-RateLimit-Reset": "{in 3 s}"}, 3.0),
        ({"X-RateLimit-Reset": "{in 3 s}", "Retry-After": "7"}, 7.0),
        ({"X-RateLimit-Reset": "{in 3 s}", "X-RateLimit-Retry-After": "5"}, 5.0),
        ({"X-RateLimit-Reset": "12"}, 12.0),
        ({"X-RateLimit-Reset": "0"}, 0.0),
        ({"X-RateLimit-Reset": "99999999999"}, 86_400.0),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
def test_a_limit_says_when_to_come_back(
    braze: Braze,
    server: Server,
    clock: LeapingClock,
    headers: dict[str, str],
    wait: float | None,
) -> None:
    """The reset is a moment on the vendor's clock; a small number is taken for seconds."""
    moment = clock.now() - timedelta(minutes=5)  # the vendor's clock is not ours
    reset = str(int(moment.timestamp()) + 3)
    given = {k: v.replace("{in 3 s}", reset) for k, v in headers.items()}
    date = moment.strftime("%a, %d %b %Y %H:%M:%S GMT")
    server.answer(Scripted({"message": "Over rate limit"}, 429, {"Date": date, **given}))

    with pytest.raises(Transient) as caught:
        send(braze)

    assert caught.value.retry_after == wait


def test_a_lost_line_is_a_doubt(braze: Braze, server: Server) -> None:
    """A connection that drops may have carried the request."""
    server.answer(Scripted(drop=True))

    with pytest.raises(Transient) as caught:
        send(braze)

    assert caught.value.applied is Applied.UNKNOWN


def test_many_threads_may_send(braze: Braze, server: Server) -> None:
    """A dozen threads send at once, and each gets its own answer."""
    server.answer(Scripted(SUCCESS, 201))
    statuses: list[int] = []

    def work() -> None:
        statuses.extend(send(braze).status for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert statuses == [201] * 60


@pytest.mark.parametrize(
    ("key", "match"),
    [
        ("", "no api_key"),
        ('"k3y"', "quotes"),
        ("k3y s3cret", "spaces"),
        ("k3y\r\nX: y", "spaces"),
        ("Bearer-k3y", "begins with Bearer"),
    ],
)
def test_keys_that_cannot_be_are_refused(key: str, match: str) -> None:
    """A key that Braze would answer with 401 is refused before it is sent, and not shown."""
    with pytest.raises(ConfigurationError, match=match) as caught:
        Braze(Connection("engage", "braze", "https://rest.iad-01.braze.com", {"api_key": key}))

    assert "s3cret" not in str(caught.value)


def test_a_dashboard_is_no_rest_host() -> None:
    """The address that people see in their browser is told from the one of the API."""
    address = "https://dashboard-03.braze.com"

    with pytest.raises(ConfigurationError, match="is a dashboard"):
        Braze(Connection("engage", "braze", address, {"api_key": "k"}))


@pytest.mark.parametrize(
    "target",
    [users(verb=Verb.CREATE), group(verb=Verb.UPDATE), group(verb=Verb.ERASE)],
)
def test_verbs_that_braze_has_not_are_refused(braze: Braze, target: Target) -> None:
    """What Braze cannot do is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="cannot"):
        braze.endpoint(target, rows=1)


def test_endpoints_are_found_by_name(braze: Braze) -> None:
    """A plan that was begun over an endpoint is ended over it, or refused."""
    times = mapping("time", "timestamp")
    event = events(times, key="external_id")

    assert braze.endpoint_named(TARGET, "track").traits.name == "track"
    assert braze.endpoint_named(event, "events").traits.endpoint_class == "D"
    with pytest.raises(ConfigurationError, match="no endpoint delete"):
        braze.endpoint_named(TARGET, "delete")
