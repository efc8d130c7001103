from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.base import Answer, Fate, RowResult
from activation.destinations.salesforce.decode import decode, fate_of

SUCCESS = {"id": "003xx0000001", "success": True, "errors": [], "created": True}
ERROR = {"statusCode": "REQUIRED_FIELD_MISSING", "message": "Required", "fields": ["LastName"]}
FAILURE = {"success": False, "errors": [ERROR]}


def read(results: object, rows: int | None = None) -> tuple[RowResult, ...]:
    """Decode results for as many keys."""
    body = results if isinstance(results, bytes) else json.dumps(results).encode()
    count = rows if rows is not None else len(results)  # type: ignore[arg-type]
    return decode(Answer(200, body), [f"k{i}" for i in range(count)])


def test_reads_rows_in_order() -> None:
    """Each key gets the result at its place."""
    created, failed, updated = read([SUCCESS, FAILURE, {**SUCCESS, "id": "0", "created": False}])

    assert created == RowResult("003xx0000001", created=True)
    assert updated == RowResult("0", created=False)
    assert failed.error is not None
    assert (failed.error.code, failed.error.fate) == ("REQUIRED_FIELD_MISSING", Fate.PERMANENT)
    assert failed.error.fields == ("LastName",)
    assert failed.destination_id is None


def test_a_lasting_error_outweighs_a_passing_one() -> None:
    """A row with both kinds of error must change before it is sent again."""
    lock = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "busy", "fields": []}

    (result,) = read([{"success": False, "errors": [lock, ERROR]}])

    assert result.error is not None
    assert result.error.code == "REQUIRED_FIELD_MISSING"


def test_long_texts_are_cut() -> None:
    """A vendor's text is kept to 500 characters."""
    (result,) = read([{"success": False, "errors": [{**ERROR, "message": "x" * 9999}]}])

    assert result.error is not None
    assert len(result.error.text) == 500


@pytest.mark.parametrize(
    ("code", "text", "fate"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", Fate.RETRYABLE),
        ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", Fate.RETRYABLE),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "Apex CPU time limit exceeded", Fate.RETRYABLE),
        ("SOMETHING_NEW", "", Fate.RETRYABLE),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "... UNABLE_TO_LOCK_ROW ...", Fate.RETRYABLE),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Too many SOQL queries: 101", Fate.RETRYABLE),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "NullPointerException", Fate.PERMANENT),
        ("INVALID_FIELD", "Foreign key external ID: a-7 not found for field K__c", Fate.LATER),
        ("INVALID_FIELD", "No such column 'foo' on sobject of type Contact", Fate.PERMANENT),
        ("DUPLICATE_VALUE", "Duplicate external id specified: u-1", Fate.PERMANENT),
        ("DUPLICATES_DETECTED", "Use one of these records?", Fate.PERMANENT),
        ("INVALID_EMAIL_ADDRESS", "invalid", Fate.PERMANENT),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "UNABLE_TO_LOCK_ROW", Fate.PERMANENT),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", Fate.PERMANENT),
    ],
)
def test_codes_have_a_fate(code: str, text: str, fate: Fate) -> None:
    """What an error means for the next attempt is decided by code, and for triggers by text."""
    assert fate_of(code, text) is fate


@pytest.mark.parametrize(
    ("results", "rows"),
    [
        (b"", 2),
        (b"<html>", 2),
        (b'[{"id":"1","success":true', 1),
        ({"id": "1", "success": True}, 1),
        (None, 1),
        ([SUCCESS], 2),
        ([SUCCESS, SUCCESS, SUCCESS], 2),
        ([], 1),
        ([None], 1),
        (["003xx0000001"], 1),
        ([{**SUCCESS, "success": "true"}], 1),
        ([{**SUCCESS, "success": 1}], 1),
        ([{**SUCCESS, "id": ""}], 1),
        ([{**SUCCESS, "id": None}], 1),
        ([{**SUCCESS, "id": 7}], 1),
        ([{"success": True}], 1),
        ([{"id": "003xx0000001"}], 1),
        ([{"success": False, "errors": []}], 1),
        ([{"success": False, "errors": "no"}], 1),
        ([{"success": False, "errors": [7]}], 1),
        ([{**SUCCESS, "errors": [{"statusCode": "WHO_KNOWS"}]}], 1),
        ([{"success": False, "errors": [{"statusCode": None, "message": None}]}], 1),
    ],
)
def test_what_is_not_vouched_for_may_be_retried(results: object, rows: int) -> None:
    """A row of which the answer does not clearly speak gets a RETRYABLE error."""
    found = read(results, rows)

    assert len(found) == rows
    assert all(r.error is not None and r.error.fate is Fate.RETRYABLE for r in found)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "success", "errors", "created", "statusCode", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(JSON, st.integers(0, 4))
def test_any_json_yields_one_result_a_key(answer: object, rows: int) -> None:
    """Whatever JSON comes back, there is one result a key, and success needs its evidence."""
    found = read(answer, rows)

    assert len(found) == rows
    for place, result in enumerate(found):
        if result.error is None:
            assert isinstance(answer, list)
            assert_vouched(answer[place], result)


def test_2000_mutated_answers_never_invent_a_delivery() -> None:
    """However an answer is damaged, a row is delivered only by success:true and an id."""
    random = Random(20260901)  # noqa: S311
    sound = [{**SUCCESS, "id": f"003xx000000{i}"} if i % 2 else FAILURE for i in range(8)]
    delivered = 0
    for _ in range(2000):
        body = mutated(json.dumps(sound).encode(), random)
        found = decode(Answer(200, body), [f"k{i}" for i in range(8)])
        assert len(found) == 8
        for place, result in enumerate(found):
            if result.error is None:
                delivered += 1
                assert_vouched(json.loads(body)[place], result)
    assert delivered  # some answers survive, or the test would show nothing


def mutated(body: bytes, random: Random) -> bytes:
    """Damage a body: bytes flipped, cut out, doubled, or a word replaced."""
    damaged = bytearray(body)
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(damaged))
        end = min(len(damaged), start + random.randint(1, 40))
        match random.randrange(5):
            case 0:
                damaged[start] = random.randrange(32, 127)
            case 1:
                del damaged[start:end]
            case 2:
                damaged[start:start] = damaged[start:end]
            case 3:
                damaged = damaged.replace(b"true", random.choice([b"1", b"null", b'"true"']), 1)
            case _:
                damaged = damaged.replace(b'"id"', random.choice([b'"ID"', b'"key"']), 1)
        damaged = damaged or bytearray(b"[")
    return bytes(damaged)


def assert_vouched(entry: Any, result: RowResult) -> None:
    """Check that the vendor's entry says that the row was written."""
    assert entry["success"] is True
    assert isinstance(entry["id"], str)
    assert entry["id"]
    assert result.destination_id == entry["id"]
