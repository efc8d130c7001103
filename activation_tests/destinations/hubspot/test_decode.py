"""What an answer says of each row."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from activation.destinations.base import Answer, Fate, RowResult
from activation.destinations.hubspot.decode import decode, is_new
from activation_tests.destinations.hubspot.rows import KEY, absent, batch, error, result

KEYS = [f"u-{n}" for n in range(4)]


def decoded(document: Any, keys: list[str] = KEYS, key: str = KEY) -> tuple[RowResult, ...]:
    """Decode a document."""
    body = document if isinstance(document, bytes) else orjson.dumps(document)
    return decode(Answer(200, body), keys, key, is_new)


def delivered(results: tuple[RowResult, ...]) -> list[bool]:
    """Return which rows were delivered."""
    return [result.error is None for result in results]


def test_results_are_told_by_their_trace_ids() -> None:
    """In whatever order they come."""
    found = decoded(batch(*(result(place, new=place > 1) for place in (2, 0, 3, 1))))

    assert [r.destination_id for r in found] == ["101", "102", "103", "104"]
    assert [r.created for r in found] == [False, False, True, True]


def test_results_without_trace_ids_are_told_by_their_keys() -> None:
    """The description has trace ids as optional in results."""
    bare = [result(place) for place in (3, 1, 0, 2)]
    for one in bare:
        del one["objectWriteTraceId"]

    assert [r.destination_id for r in decoded(batch(*bare))] == ["101", "102", "103", "104"]


def test_addresses_are_told_in_any_case() -> None:
    """HubSpot puts them in lower case."""
    bare = result(0)
    del bare["objectWriteTraceId"]
    bare["properties"] = {"email": "kim@example.com"}

    assert delivered(decoded(batch(bare), [" Kim@Example.com"], "email")) == [True]


def test_errors_are_told_by_their_trace_ids() -> None:
    """The others were delivered; the code and the property come out of the message."""
    found = decoded(batch(result(0), result(3), errors=(error(1), error(2, category="CONFLICT"))))

    assert delivered(found) == [True, False, False, True]
    refused = found[1].error
    assert refused is not None
    assert (refused.code, refused.fields, refused.fate) == (
        "INVALID_EMAIL",
        ("email",),
        Fate.PERMANENT,
    )


def test_one_error_may_be_about_several_rows() -> None:
    """Missing records come in one error, by trace ids or by the ids that were sent."""
    traced = error(0, 2, category="OBJECT_NOT_FOUND", message="Could not get some CONTACT objects")
    traced["context"]["ids"] = ["101", "u-1"]
    by_key = absent("u-0", "u-2")

    for one in (traced, by_key):
        found = decoded(batch(result(1), result(3), errors=(one,)))
        assert delivered(found) == [False, True, False, True]
        assert [r.error.code for r in found if r.error] == ["OBJECT_NOT_FOUND"] * 2


@pytest.mark.parametrize("document", [batch(), {"status": "COMPLETE"}, batch(result(0), result(1))])
def test_rows_that_are_not_spoken_of_were_not_delivered(document: Any) -> None:
    """A success that stored nothing looks like this; such rows may go again."""
    found = decoded(document)

    silent = [r.error for r in found if r.error]
    assert len(silent) == 4 - len(document.get("results", []))
    assert {(e.code, e.fate) for e in silent} == {("NOT_TOLD", Fate.RETRYABLE)}


def test_an_error_weighs_more_than_a_success() -> None:
    """A row that is told as both was not delivered."""
    assert delivered(decoded(batch(result(0), errors=(error(0),)), KEYS[:1])) == [False]


def test_contradictions_vouch_for_nobody() -> None:
    """Two records for a row, or a row's trace id with another row's key."""
    two = decoded(batch(result(0), result(0, id="999")), KEYS[:1])
    other = decoded(batch(result(0, key="u-1")), KEYS[:1])

    assert delivered(two) == delivered(other) == [False]


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "CANCELED", None, True])
def test_a_batch_that_is_not_complete_delivered_nothing(status: Any) -> None:
    """Its results are not final."""
    assert delivered(decoded(batch(*(result(n) for n in range(4)), status=status))) == [False] * 4


@pytest.mark.parametrize(
    "changes",
    [{"id": None}, {"id": ""}, {"id": 101}, {"id": "x"}, {"archived": True}, {"properties": []}],
)
def test_a_result_must_name_a_living_record(changes: dict[str, Any]) -> None:
    """Without an id there is no evidence."""
    assert delivered(decoded(batch(result(0, **changes)), KEYS[:1])) == [False]


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"<html>", b'{"results":'])
def test_a_body_that_cannot_be_read_vouches_for_nobody(body: bytes) -> None:
    """Each row may go again."""
    found = decoded(body)

    assert [r.error.fate for r in found if r.error] == [Fate.RETRYABLE] * 4


@pytest.mark.parametrize(
    ("category", "fate"),
    [
        ("VALIDATION_ERROR", Fate.PERMANENT),
        ("CONFLICT", Fate.PERMANENT),
        ("OBJECT_NOT_FOUND", Fate.PERMANENT),
        ("RATE_LIMITS", Fate.RETRYABLE),
        ("RESOURCE_LOCKED", Fate.RETRYABLE),
        ("NEVER_HEARD_OF", Fate.RETRYABLE),
        (None, Fate.RETRYABLE),
    ],
)
def test_what_an_error_means_for_the_next_attempt(category: Any, fate: Fate) -> None:
    """Of what nobody has told us we think that it passes."""
    (found,) = decoded(batch(errors=(error(0, category=category),)), KEYS[:1])

    assert found.error is not None
    assert found.error.fate is fate


def test_a_code_that_may_hold_a_value_is_not_passed_on() -> None:
    """Only what looks like a code is one."""
    odd = error(0, message="x", category="kim@example.com is wrong")

    (found,) = decoded(batch(errors=(odd,)), KEYS[:1])

    assert found.error is not None
    assert found.error.code == "UNKNOWN"
