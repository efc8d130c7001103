from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from activation.destinations.base import Fate
from activation.destinations.traits import EndpointClass, Verb
from activation.destinations.zendesk.destination import Zendesk
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    ConfigurationError,
    DestinationError,
    Throttled,
    Transient,
)
from activation_tests.destinations.scripted import Scripted, Seen, Server
from activation_tests.destinations.zendesk.desk import (
    CREATED,
    FAILED,
    LINKED,
    UPDATED,
    USERS,
    WITH_EMAIL,
    Hours,
    completed,
    connection,
    job,
    named,
    send,
)


def failure(desk: Zendesk, seconds: float = 60) -> DestinationError:
    """Send two rows and return the error."""
    with pytest.raises(DestinationError) as caught:
        send(desk, USERS, named("a", "b"), seconds=seconds)
    return caught.value


def paths(server: Server) -> list[str]:
    """Return the calls as method and path, below the API root."""
    return [f"{call.method} {call.path.removeprefix('/api/v2/')}" for call in server.calls()]


def body(call: Seen) -> Any:
    """Return the JSON that a call carried."""
    return json.loads(call.body)


def test_a_batch_is_a_job(server: Server, desk: Zendesk, hours: Hours) -> None:
    """Rows go out in one request, and its job is polled, more and more rarely, to its end."""
    server.answer(job("queued"), job("queued"), job("working"), completed(FAILED, CREATED))

    (created, failed), answer = send(desk, USERS, named("a", "b"))

    assert created.destination_id == "71"
    assert failed.error is not None
    assert paths(server) == ["POST users/create_or_update_many", *["GET job_statuses/j1"] * 3]
    assert body(server.calls()[0]) == {
        "users": [
            {
                "external_id": key,
                "skip_verify_email": True,
                "name": f"Name {key}",
                "user_fields": {"health": 1.5},
            }
            for key in "ab"
        ]
    }
    assert answer.requests == 4
    assert hours.waits == [1, 2, 4]


def test_a_job_that_takes_too_long_is_unknown_and_is_listened_to_again(
    server: Server, desk: Zendesk
) -> None:
    """The same bytes, sent again, wait for the job that is under way and start no other."""
    server.answer(job("queued"), job("working"))

    error = failure(desk, seconds=10)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("JOB_UNFINISHED", Applied.UNKNOWN)
    server.answers.clear()
    server.answer(completed(CREATED, UPDATED))
    results, _ = send(desk, USERS, named("a", "b"))
    assert [result.destination_id for result in results] == ["71", "72"]
    assert paths(server).count("POST users/create_or_update_many") == 1


def test_a_job_whose_status_vanished_is_unknown_and_started_anew(
    server: Server, desk: Zendesk
) -> None:
    """What became of a job that Zendesk no longer knows is not known; its rows go again."""
    server.answer(job("queued"), Scripted({"error": "RecordNotFound"}, status=404))

    error = failure(desk)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("JOB_GONE", Applied.UNKNOWN)
    server.answers.clear()
    server.answer(job("queued", number="j2"), completed(CREATED, UPDATED, number="j2"))
    results, _ = send(desk, USERS, named("a", "b"))
    assert all(result.error is None for result in results)
    assert paths(server)[-1] == "GET job_statuses/j2"


@pytest.mark.parametrize(
    "poll",
    [
        Scripted(b"", status=500),
        Scripted(b"", drop=True),
        Scripted(b"<html>"),
        Scripted(b"Number of allowed API requests per minute exceeded", status=429),
        Scripted({"job_status": {"id": "other", "status": "completed", "results": []}}),
        Scripted({"job_status": {"id": "j1", "status": ["completed"]}}),
    ],
    ids=["500", "dropped", "html", "429", "another job", "no status"],
)
def test_a_poll_that_fails_is_asked_again(server: Server, desk: Zendesk, poll: Scripted) -> None:
    """The job goes on whether or not a poll brings an answer."""
    server.answer(job("queued"), poll, completed(CREATED, UPDATED))

    results, _ = send(desk, USERS, named("a", "b"))

    assert all(result.error is None for result in results)


def test_a_poll_waits_as_long_as_it_is_told(server: Server, desk: Zendesk, hours: Hours) -> None:
    """Retry-After is kept to while a job is polled."""
    slow = Scripted(b"slow down", status=429, headers={"Retry-After": "27"})
    server.answer(job("queued"), slow, completed(CREATED, UPDATED))

    send(desk, USERS, named("a", "b"))

    assert hours.waits == [1, 27]


def test_a_poll_that_is_refused_leaves_a_doubt(server: Server, desk: Zendesk) -> None:
    """A job was started, whatever becomes of the credentials afterwards."""
    server.answer(job("queued"), Scripted({"error": "Forbidden"}, status=403))

    error = failure(desk)

    assert isinstance(error, Transient)
    assert (error.code, error.applied) == ("Forbidden", Applied.UNKNOWN)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Scripted(b"slow", status=429), (Throttled, "HTTP_429", Applied.NO)),
        (
            Scripted({"error": "TooManyJobs", "description": "Too many"}, status=429),
            (Throttled, "TooManyJobs", Applied.NO),
        ),
        (
            Scripted({"errors": [{"code": "TooManyRequests", "title": "no"}]}, status=429),
            (Throttled, "TooManyRequests", Applied.NO),
        ),
        (Scripted({"error": "DatabaseConflict"}, 409), (Transient, "DatabaseConflict", Applied.NO)),
        (
            Scripted(b"", status=503, headers={"Retry-After": "5"}),
            (Throttled, "HTTP_503", Applied.NO),
        ),
        (Scripted(b"", status=503), (Transient, "HTTP_503", Applied.UNKNOWN)),
        (Scripted(b"", status=500), (Transient, "HTTP_500", Applied.UNKNOWN)),
        (Scripted(b"{"), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted({"job_status": {"id": "../x"}}), (Transient, "GARBLED_ANSWER", Applied.UNKNOWN)),
        (Scripted({"error": "TooManyValues"}, status=413), (BatchRefused, "TooManyValues", None)),
        (Scripted({"error": "NoSuchPage"}, status=404), (BatchRefused, "NoSuchPage", None)),
        (Scripted({"error": "Forbidden"}, status=403), (AccessRefused, "Forbidden", None)),
        (
            Scripted({"error": {"title": "Forbidden", "message": "no"}}, status=403),
            (AccessRefused, "Forbidden", None),
        ),
        (
            Scripted(
                {"error": "Forbidden", "message": "Data imports are not enabled"}, status=403
            ),
            (AccessRefused, "IMPORTS_DISABLED", None),
        ),
        (Scripted(b"", status=302), (AccessRefused, "HTTP_302", None)),
    ],
)  # fmt: skip
def test_refusals_of_a_job_are_typed(
    server: Server,
    desk: Zendesk,
    answer: Scripted,
    expected: tuple[type[DestinationError], str, Applied | None],
) -> None:
    """Each refusal becomes what it means for the batch."""
    server.answer(answer)

    error = failure(desk)

    assert (type(error), error.code, getattr(error, "applied", None)) == expected


def test_the_wait_of_a_plain_text_refusal_is_passed_on(server: Server, desk: Zendesk) -> None:
    """Retry-After tells how long; the text of the refusal is nobody's business."""
    text = b"You have exceeded the rate limit for updating a single unique user. user email: x@y"
    server.answer(Scripted(text, status=429, headers={"Retry-After": "27"}))

    error = failure(desk)

    assert isinstance(error, Transient)
    assert error.retry_after == 27
    assert "x@y" not in str(error)


def test_verbs_have_calls_of_their_own(server: Server, desk: Zendesk) -> None:
    """An update and a creation go to other addresses than an upsert."""
    server.answer(job("queued"), completed(CREATED))

    send(desk, USERS, named("a"), verb=Verb.UPDATE)
    server.answers.clear()
    server.answer(job("queued"), completed(CREATED))
    send(desk, USERS, named("a"), verb=Verb.CREATE)

    posted = [path for path in paths(server) if "users" in path]
    assert posted == ["PUT users/update_many", "POST users/create_many"]


def test_only_a_creation_is_not_sent_twice(desk: Zendesk) -> None:
    """A creation that is repeated would refuse what it created."""
    kinds = {
        verb: desk.endpoint(replace(USERS, verb=verb), rows=1).traits.endpoint_class
        for verb in Verb
    }

    assert kinds.pop(Verb.CREATE) is EndpointClass.UNKEYED
    assert set(kinds.values()) == {EndpointClass.KEYED_UPSERT}


def test_an_organization_is_named_by_its_id(server: Server, desk: Zendesk) -> None:
    """External ids of organizations are looked up once; a row without one stays behind."""
    found = {"organizations": [{"id": 900, "external_id": "a-1"}]}
    server.answer(Scripted(found), job("queued"), completed(CREATED))
    rows = named("u", "v", "w", organization__external_id=["A-1", "A-2", None])

    results, answer = send(desk, LINKED, rows)

    (look_up, posted, *_) = server.calls()
    assert look_up.path == "/api/v2/organizations/show_many"
    assert look_up.query == {"external_ids": ["A-1,A-2"]}
    sent = body(posted)["users"]
    assert [user["external_id"] for user in sent] == ["u", "w"]
    assert [user["organization_id"] for user in sent] == [900, None]
    assert results[0].destination_id == "71"
    assert results[1].error is not None
    assert (results[1].error.code, results[1].error.fate) == (
        "ORGANIZATION_NOT_FOUND",
        Fate.LATER,
    )
    assert answer.requests == 3


def test_results_without_index_are_told_by_reading_the_users(server: Server, desk: Zendesk) -> None:
    """Whose result is whose is asked of Zendesk, not taken from the order."""
    results = [{"id": 72, "status": "Updated"}, {"id": 71, "status": "Created"}]
    users = [{"id": 71, "external_id": "a"}, {"id": 72, "external_id": "b"}]
    server.answer(job("queued"), completed(*results), Scripted({"users": users}))

    (first, second), _ = send(desk, USERS, named("a", "b"))

    assert (first.destination_id, first.created) == ("71", True)
    assert (second.destination_id, second.created) == ("72", False)


def test_results_without_index_fall_back_on_the_order(server: Server, desk: Zendesk) -> None:
    """If the users cannot be read, the order holds, as Zendesk says that it does."""
    results = [{"id": 71, "status": "Updated"}, {"id": 72, "status": "Created"}]
    server.answer(job("queued"), completed(*results), Scripted(b"", status=500))

    (first, second), _ = send(desk, USERS, named("a", "b"))

    assert (first.destination_id, second.destination_id) == ("71", "72")


def test_a_changed_address_is_made_the_primary_one(server: Server, desk: Zendesk) -> None:
    """An address that is written to a user who was there is only added by the job."""
    users = [{"id": 72, "external_id": "b", "email": "old@example.com"}]
    identities = [
        {"id": 5, "type": "email", "value": "old@example.com", "primary": True},
        {"id": 6, "type": "email", "value": "new@example.com", "primary": False},
    ]
    server.answer(
        job("queued"),
        completed(CREATED, UPDATED),
        Scripted({"users": users}),
        Scripted({"identities": identities}),
        Scripted({"identities": []}),
    )
    rows = named("a", "b", email=["a@example.com", "New@Example.com"])

    results, answer = send(desk, WITH_EMAIL, rows)

    assert all(result.error is None for result in results)
    assert paths(server)[2:] == [
        "GET users/show_many",
        "GET users/72/identities",
        "PUT users/72/identities/6/make_primary",
    ]
    assert answer.requests == 5


def test_an_address_that_is_not_made_primary_is_not_delivered(
    server: Server, desk: Zendesk
) -> None:
    """A row is whole only when Zendesk shows its address."""
    users = [{"id": 72, "external_id": "b", "email": "old@example.com"}]
    server.answer(
        job("queued"),
        completed({**UPDATED, "index": 0}),
        Scripted({"users": users}),
        Scripted(b"", status=429),
    )

    (result,), _ = send(desk, WITH_EMAIL, named("b", email=["new@example.com"]))

    assert result.error is not None
    assert (result.error.code, result.error.fate) == ("EMAIL_NOT_PRIMARY", Fate.RETRYABLE)


def test_a_removal_deletes_by_id_what_is_there(server: Server, desk: Zendesk) -> None:
    """Users are looked up and deleted by id; one that is not there is gone already."""
    deleted = {"action": "delete", "id": 71, "status": "Deleted", "success": True}
    server.answer(
        Scripted({"users": [{"id": 71, "external_id": "A"}]}),
        job("queued"),
        completed(deleted),
    )

    (gone, absent), _ = send(desk, USERS, named("a", "b"), verb=Verb.REMOVE)

    assert (gone.error, gone.destination_id) == (None, "71")
    assert (absent.error, absent.destination_id) == (None, None)
    _, call, _ = server.calls()
    assert (call.method, call.path) == ("DELETE", "/api/v2/users/destroy_many")
    assert call.query == {"ids": ["71"]}


def test_an_account_without_imports_gets_its_users_one_by_one(server: Server, hours: Hours) -> None:
    """Where bulk imports are not enabled, a user is upserted by itself."""
    desk = Zendesk(connection(server.address, imports="disabled"), hours, hours.pass_)
    server.answer(Scripted({"user": {"id": 7, "external_id": "a"}}, status=201))

    (result,), answer = send(desk, USERS, named("a"))
    traits = desk.endpoint(USERS, rows=1).traits
    desk.close()

    assert (result.destination_id, result.created, answer.requests) == ("7", True, 1)
    assert paths(server) == ["POST users/create_or_update"]
    assert set(body(server.calls()[0])) == {"user"}
    assert (traits.name, traits.batch_rows) == ("single", 1)
    assert any((bucket.requests, bucket.seconds) == (1, 1.0) for bucket in traits.buckets)


def test_a_single_user_that_is_refused_is_a_row(server: Server, hours: Hours) -> None:
    """A user that Zendesk finds invalid is that row's error, not the batch's."""
    desk = Zendesk(connection(server.address, imports="disabled"), hours, hours.pass_)
    details = {"email": [{"description": "Email: bad is not properly formatted"}]}
    refused = {"error": "RecordInvalid", "description": "no", "details": details}
    server.answer(Scripted(refused, status=422))

    (result,), _ = send(desk, USERS, named("a"))
    desk.close()

    assert result.error is not None
    assert result.error.fate is Fate.PERMANENT


def test_an_erasure_deletes_and_then_deletes_for_good(server: Server, desk: Zendesk) -> None:
    """A user is deleted, and then permanently; its id finds it once its key is gone."""
    deleted = {"action": "delete", "id": 71, "status": "Deleted", "success": True}
    there = Scripted({"users": [{"id": 71, "external_id": "a"}]})
    server.answer(
        there, there, job("queued"), completed(deleted),
        Scripted({"deleted_user": {"id": 71}}),
        Scripted({"deleted_user": {"id": 72}}),
    )  # fmt: skip
    rows = named("a", "b", "c").append_column("destination_id", [[None, "72", None]])

    (first, second, third), _ = send(desk, USERS, rows, verb=Verb.ERASE)

    assert (first.error, first.destination_id) == (None, "71")
    assert (second.error, second.destination_id) == (None, "72")
    assert third.error is not None
    assert third.error.code == "NOT_FOUND"
    assert paths(server)[-2:] == ["DELETE deleted_users/71", "DELETE deleted_users/72"]


@pytest.mark.parametrize(
    ("account", "named_in_message"),
    [
        ({"plan": "suite_profesional"}, "suite_professional"),
        ({"imports": "off"}, "enabled"),
        ({"tier": "x"}, "plan"),
    ],
)
def test_unknown_words_about_the_account_are_refused(
    account: dict[str, str], named_in_message: str
) -> None:
    """A plan that does not exist is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match=named_in_message):
        Zendesk(connection("https://acme.zendesk.com", **account))


@pytest.mark.parametrize("plan", ["support_essential", "suite_professional", "high_volume"])
def test_paces_follow_the_plan(plan: str) -> None:
    """An account's minute is that of its plan, and a job takes several requests of it."""
    desk = Zendesk(connection("https://acme.zendesk.com", plan=plan))
    limits = {"support_essential": 10, "suite_professional": 400, "high_volume": 2500}

    traits = desk.endpoint(USERS, rows=100).traits
    desk.close()

    (minute,) = [b for b in traits.buckets if b.seconds == 60]
    assert (minute.name, minute.requests) == ("account", limits[plan])
    assert traits.requests_per_batch > 1
