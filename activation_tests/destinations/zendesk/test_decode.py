from __future__ import annotations

import json
from typing import Any

import pytest

from activation.destinations.base import Answer, Fate, RowResult
from activation.destinations.zendesk.decode import decode, fate_of
from activation_tests.destinations.zendesk.desk import CREATED, FAILED, UPDATED


def status(state: str = "completed", results: Any = None, **more: Any) -> dict[str, Any]:
    """Return a job's status as Zendesk tells it."""
    return {"job_status": {"id": "j1", "status": state, "results": results, **more}}


def read(body: object, *keys: str, code: int = 200) -> tuple[RowResult, ...]:
    """Decode an answer about these keys."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return decode(Answer(code, raw), keys)


def test_results_are_placed_by_their_index() -> None:
    """Results may come in any order; their index says whose they are."""
    created, failed = read(status(results=[FAILED, CREATED]), "a", "b")

    assert created == RowResult("71", created=True)
    assert failed.error is not None
    assert (failed.error.code, failed.error.fate) == ("UserUpdateError", Fate.PERMANENT)


def test_results_without_index_are_placed_as_they_were_sent() -> None:
    """What a job of create_or_update_many tells has ids and no index, in the order sent."""
    told = [
        {"id": 1900233268488, "status": "Created", "email": "made@example.com"},
        {"id": 902860577023, "status": "Updated", "email": "kept@example.com"},
        {
            "id": 2,
            "error": "UserUpdateError",
            "details": "Name: Email: bad_ is not properly formatted",
            "status": "Failed",
        },
    ]

    made, kept, failed = read(status(results=told), "a", "b", "c")

    assert made == RowResult("1900233268488", created=True)
    assert kept == RowResult("902860577023", created=False)
    # The id of a refused row is its index, and no user's.
    assert failed.destination_id is None
    assert failed.error is not None
    assert failed.error.fate is Fate.PERMANENT


def test_a_refused_row_told_by_its_place_is_not_taken_for_done() -> None:
    """Without an index the id of a refusal is the row's place; a success there is no evidence."""
    refused = {"id": 1, "success": False, "error": "X", "details": "Plan: is not valid"}

    _, alone = read(status(results=[{"id": 380, "index": 0}, refused]), "a", "b")
    _, both = read(status(results=[{"id": 381, "index": 1}, refused]), "a", "b")

    assert alone.error is not None
    assert (alone.error.code, alone.error.fate) == ("X", Fate.PERMANENT)
    assert both.error is not None
    assert both.error.fate is Fate.RETRYABLE


def test_documented_shapes_are_read() -> None:
    """The three shapes of the reference: creation, update, failure."""
    told = [
        {"id": 380, "index": 0},
        {"action": "update", "id": 244, "status": "Updated", "success": True},
        {"action": "update", "id": 245, "success": False, "error": "X", "details": "no"},
    ]

    created, updated, failed = read(status(results=told), "a", "b", "c")

    assert created == RowResult("380")
    assert updated == RowResult("244", created=False)
    assert failed.error is not None


def test_another_key_at_a_place_vouches_for_nobody() -> None:
    """A result that names another external id than the row's is not taken for it."""
    told = [{**CREATED, "external_id": "B"}, {**UPDATED, "external_id": "B"}]

    first, second = read(status(results=told), "a", "b")

    assert first.error is not None
    assert second == RowResult("72", created=False)  # case is not told apart


def test_a_failed_job_may_have_written_rows() -> None:
    """A job that failed half-way vouches for the rows it tells of, and for no others."""
    first, second = read(status("failed", [CREATED]), "a", "b")

    assert first == RowResult("71", created=True)
    assert second.error is not None
    assert second.error.fate is Fate.RETRYABLE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        [],
        {},
        {"job_status": None},
        status("queued", [CREATED, UPDATED]),
        status("working", None),
        status("done", [CREATED, UPDATED]),
        status(results=None),
        status(results={"success": True}),
        status(results=[]),
        status(results=[CREATED, CREATED]),  # two claim one index
        status(results=[{"status": "Created", "index": 0}]),  # no record
        status(results=[{**CREATED, "id": 0}]),
        status(results=[{**CREATED, "id": "71"}]),
        status(results=[{**CREATED, "id": True}]),
        status(results=[{**CREATED, "success": None}]),
        status(results=[{**CREATED, "success": "true"}]),
        status(results=[{**CREATED, "status": "Queued"}]),
        status(results=[{**CREATED, "index": 9}]),
        status(results=[{**CREATED, "index": "0"}]),
        status(results=[{"id": 71}, {"id": 72}]),  # nothing says that it was done
        status(results=[None, 7, "x"]),
    ],
)
def test_what_is_not_vouched_for_may_be_retried(body: object) -> None:
    """A row of which the answer does not clearly speak gets a RETRYABLE error."""
    found = read(body, "a", "b")

    assert len(found) == 2
    assert all(r.error is not None and r.error.fate is Fate.RETRYABLE for r in found)


def test_a_single_user_is_vouched_for_by_its_own_key() -> None:
    """201 is a creation and 200 an update, of the user whose key was sent."""
    user = {"user": {"id": 7, "external_id": "A"}}

    assert read(user, "a", code=201) == (RowResult("7", created=True),)
    assert read(user, "a", code=200) == (RowResult("7", created=False),)
    (other,) = read(user, "b", code=200)
    assert other.error is not None


def test_a_refused_user_tells_its_fields() -> None:
    """A 422 names the fields, and the row must change."""
    body = {
        "error": "RecordInvalid",
        "description": "Record validation errors",
        "details": {"email": [{"description": "Email: bad is not properly formatted"}]},
    }

    (result,) = read(body, "a", code=422)

    assert result.error is not None
    assert (result.error.code, result.error.fate) == ("RecordInvalid", Fate.PERMANENT)
    assert result.error.fields == ("email",)
    assert result.error.text == "Email: bad is not properly formatted"


@pytest.mark.parametrize(
    ("code", "text", "fate"),
    [
        ("UserUpdateError", "Email: x is not properly formatted", Fate.PERMANENT),
        ("UserUpdateError", "Email: x is already being used by another user", Fate.PERMANENT),
        ("TicketCreateFailed", "Description: cannot be blank", Fate.PERMANENT),
        ("RecordInvalid", "", Fate.PERMANENT),
        ("RecordNotFound", "", Fate.PERMANENT),
        ("DatabaseConflict", "Database collision", Fate.RETRYABLE),
        ("SomethingNew", "", Fate.RETRYABLE),
        ("", "Lock wait timeout exceeded", Fate.RETRYABLE),
    ],
)
def test_reasons_have_a_fate(code: str, text: str, fate: Fate) -> None:
    """What an error means for the next attempt is told by its details, as codes are not known."""
    assert fate_of(code, text) is fate


def test_long_texts_are_cut() -> None:
    """A vendor's text is kept to 500 characters."""
    (result,) = read(status(results=[{"index": 0, "error": "E", "details": "x" * 9999}]), "a")

    assert result.error is not None
    assert len(result.error.text) == 500
