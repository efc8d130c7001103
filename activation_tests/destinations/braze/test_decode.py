from __future__ import annotations

import json
from typing import Any

import pytest

from activation.destinations.base import Answer, Fate, RowResult
from activation.destinations.braze.decode import deleted, is_indexed, subscribed, tracked

EMAIL = {
    "type": "The value provided for the 'email' field is not a valid email.",
    "input_array": "attributes",
    "index": 1,
}
ACCEPTED = RowResult()


def read(document: object, rows: int, status: int = 201) -> tuple[RowResult, ...]:
    """Decode an answer of /users/track about so many attributes."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return tracked(Answer(status, body), [f"u-{n}" for n in range(rows)], "attributes")


def error_of(result: RowResult) -> tuple[str, Fate]:
    """Return code and fate of a row's error."""
    assert result.error is not None
    return result.error.code, result.error.fate


def test_a_success_is_an_acceptance_of_every_row() -> None:
    """Without errors all rows are queued; Braze tells no id, and not whether it was new."""
    assert read({"attributes_processed": 2, "message": "success"}, 2) == (ACCEPTED, ACCEPTED)
    assert read({"message": "success"}, 2) == (ACCEPTED, ACCEPTED)


def test_maintenance_takes_rows_too() -> None:
    """202 with "queued" is an acceptance; the word alone is none."""
    assert read({"message": "queued"}, 1, status=202) == (ACCEPTED,)
    assert error_of(read({"message": "queued"}, 1, status=201)[0])[1] is Fate.RETRYABLE


def test_errors_name_rows_by_their_place() -> None:
    """The row that an error names is refused for good; the others are accepted."""
    first, second, third = read(
        {"message": "success", "attributes_processed": 2, "errors": [EMAIL]}, 3
    )

    assert (first, third) == (ACCEPTED, ACCEPTED)
    assert error_of(second) == ("INVALID_EMAIL", Fate.PERMANENT)
    assert second.error is not None
    assert second.error.fields == ("email",)


def test_all_rows_bad_is_a_refusal_that_names_them() -> None:
    """400 with an error a row refuses each of them; a row that it does not name may pass alone."""
    document = {
        "message": "Valid data must be provided in the 'attributes', 'events', or 'purchases' "
        "fields.",
        "errors": [{**EMAIL, "index": 0}, EMAIL],
    }

    both = read(document, 2, status=400)
    *_, unnamed = read(document, 3, status=400)

    assert [error_of(r) for r in both] == [("INVALID_EMAIL", Fate.PERMANENT)] * 2
    assert error_of(unnamed) == ("REFUSED_WITH_OTHERS", Fate.RETRYABLE)
    assert is_indexed(json.dumps(document).encode())


@pytest.mark.parametrize(
    ("text", "code", "fate"),
    [
        ("'external_id' must be fewer than 988 bytes", "KEY_TOO_LONG", Fate.PERMANENT),
        ("EXTERNAL_USER_ID_TOO_LARGE", "EXTERNAL_USER_ID_TOO_LARGE", Fate.PERMANENT),
        ("BLACKLISTED_EXTERNAL_USER_ID", "BLACKLISTED_EXTERNAL_USER_ID", Fate.PERMANENT),
        ("provided external_id is blacklisted and disallowed", "BLOCKED_KEY", Fate.PERMANENT),
        ("EMAIL_BAD_FORMAT", "EMAIL_BAD_FORMAT", Fate.PERMANENT),
        (
            "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required",
            "NO_IDENTIFIER",
            Fate.PERMANENT,
        ),
        ("The value provided for the 'dob' field is odd.", "INVALID_VALUE", Fate.PERMANENT),
        ("'time' is required", "INVALID_OBJECT", Fate.PERMANENT),
        ("SOME_TRANSIENT_ATTR_ERROR", "SOME_TRANSIENT_ATTR_ERROR", Fate.RETRYABLE),
        ("Kim could not be stored just now", "ROW_REFUSED", Fate.RETRYABLE),
        ("", "ROW_REFUSED", Fate.RETRYABLE),
    ],
)
def test_sentences_have_a_code_and_a_fate(text: str, code: str, fate: Fate) -> None:
    """What is known to be about the row is lasting; a sentence is never passed on as a code."""
    (result,) = read({"message": "success", "errors": [{**EMAIL, "type": text, "index": 0}]}, 1)

    assert error_of(result) == (code, fate)


def test_a_lasting_error_outweighs_a_passing_one() -> None:
    """A row with both kinds of error must change before it is sent again."""
    errors = [{**EMAIL, "type": "later", "index": 0}, {**EMAIL, "index": 0}]

    (result,) = read({"message": "success", "errors": errors}, 1)

    assert error_of(result) == ("INVALID_EMAIL", Fate.PERMANENT)


def test_long_texts_are_cut() -> None:
    """A vendor's text is kept to 500 characters."""
    errors = [{"type": "x" * 9999, "index": 0}]

    (result,) = read({"message": "success", "errors": errors}, 1)

    assert result.error is not None
    assert len(result.error.text) == 500


@pytest.mark.parametrize(
    ("document", "status"),
    [
        (b"", 201),
        (b"<html>", 201),
        (b'{"message":"succ', 201),
        ([], 201),
        (None, 201),
        ({}, 201),
        ({"message": None}, 201),
        ({"message": True}, 201),
        ({"message": "failure"}, 201),
        ({"message": "Success"}, 201),
        ({"message": "success", "attributes_processed": 1}, 201),
        ({"message": "success", "attributes_processed": 3}, 201),
        ({"message": "success", "attributes_processed": "2"}, 201),
        ({"message": "success", "attributes_processed": True}, 201),
        ({"message": "success", "errors": "no"}, 201),
        ({"message": "success", "errors": None}, 201),
        ({"message": "success", "errors": ["minor error message"]}, 201),
        ({"message": "success", "errors": [{"type": "x"}]}, 201),
        ({"message": "success", "errors": [{"type": "x", "index": True}]}, 201),
        ({"message": "success", "errors": [{"type": "x", "index": "0"}]}, 201),
        ({"message": "success", "errors": [{"type": "x", "index": 2}]}, 201),
        ({"message": "success", "errors": [{"type": "x", "index": -1}]}, 201),
        ({"message": "success", "errors": [{**EMAIL, "input_array": "events"}]}, 201),
        ({"message": "queued", "errors": [{"type": "x"}]}, 202),
    ],
)
def test_what_is_not_vouched_for_may_be_retried(document: Any, status: int) -> None:
    """An answer that does not fit the request vouches for none of its rows."""
    found = read(document, 2, status)

    assert [error_of(r)[1] for r in found] == [Fate.RETRYABLE] * 2


def test_deletions_count_every_id() -> None:
    """Braze counts unknown ids too, so another number than was sent vouches for none."""
    keys = ["u-1", "u-2"]

    def ends(document: object) -> list[bool]:
        body = json.dumps(document).encode()
        return [r.error is None for r in deleted(Answer(201, body), keys)]

    assert ends({"deleted": 2, "message": "success"}) == [True, True]
    others: list[object] = [
        {"deleted": 1, "message": "success"},
        {"deleted": "2", "message": "success"},
        {"deleted": 2},
        {"deleted": 2, "message": "success", "errors": ["x"]},
        [],
    ]
    for other in others:
        assert ends(other) == [False, False]


def test_subscriptions_are_all_or_nothing() -> None:
    """A success is all rows; anything else is none of them."""
    keys = ["u-1", "u-2"]

    def ends(document: object) -> list[bool]:
        body = json.dumps(document).encode()
        return [r.error is None for r in subscribed(Answer(201, body), keys)]

    assert ends({"message": "success"}) == [True, True]
    others: list[object] = [{"message": "no"}, {"message": "success", "errors": ["x"]}, {}, None]
    for other in others:
        assert ends(other) == [False, False]
