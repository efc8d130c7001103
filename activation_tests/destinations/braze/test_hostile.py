from __future__ import annotations

import json
from collections.abc import Mapping
from random import Random
from typing import Any, cast

import pytest

from activation.destinations.base import Answer, RowResult
from activation.destinations.braze.decode import deleted, subscribed, tracked
from activation.destinations.braze.describe import describe
from activation.destinations.braze.readback import find, read_back
from activation.destinations.braze.session import Session
from activation.errors import Transient
from activation_tests.destinations import hostile
from activation_tests.destinations.braze.rows import group, mapping, users

KEYS = [f"u-{n}" for n in range(6)]
STATUSES = (200, 201, 201, 201, 202, 400)
FIELDS = (
    mapping("first_name", "text(80)"),
    mapping("dob", "date"),
    mapping("plan", "text(9)"),
    mapping("score", "decimal(5,2)"),
    mapping("seats", "integer"),
    mapping("active", "boolean"),
    mapping("scored_at", "timestamp"),
    mapping("audiences[a]", "boolean"),
)


def error(index: int, text: str) -> dict[str, Any]:
    """Return an error as Braze tells it."""
    return {"type": text, "input_array": "attributes", "index": index}


TRACKED = (
    {"attributes_processed": 6, "message": "success"},
    {"message": "queued"},
    {
        "message": "success",
        "attributes_processed": 4,
        "errors": [error(1, "'time' is required"), error(4, "EMAIL_BAD_FORMAT")],
    },
    {"message": "Valid data must be provided", "errors": [error(n, "no") for n in range(6)]},
)
PROFILES = (
    {
        "message": "success",
        "users": [
            {
                "external_id": key,
                "braze_id": f"b-{key}",
                "first_name": "Kim",
                "dob": "1980-12-21T00:00:00.000Z",
                "custom_attributes": {
                    "plan": "pro",
                    "score": 1.5,
                    "seats": 3,
                    "active": True,
                    "scored_at": "2026-09-01T10:00:00.000Z",
                    "audiences": ["a"],
                },
            }
            for key in KEYS[:3]
        ],
        "invalid_user_ids": KEYS[3:],
    },
)
STATES = ({"status": dict.fromkeys(KEYS, "Subscribed"), "message": "success"},)
DESCRIBED = (
    {
        "message": "success",
        "attributes": [
            {
                "name": "plan",
                "data_type": "String",
                "array_length": None,
                "status": "Active",
                "description": None,
                "tag_names": [],
            },
            {"name": "tags", "data_type": "Array", "array_length": 25, "status": "Active"},
        ],
    },
)


def judge_track(body: bytes, random: Random) -> bool:
    """Hold each accepted row against what the answer says of it."""
    status = random.choice(STATUSES)
    found = tracked(Answer(status, body), KEYS, "attributes")
    assert len(found) == len(KEYS)
    taken = [place for place, result in enumerate(found) if result.error is None]
    if taken:
        vouches(json.loads(body), status, taken)
    return bool(taken)


def vouches(document: Any, status: int, taken: list[int]) -> None:
    """Check that the document says that these rows, and no others, were accepted."""
    errors = document.get("errors", [])
    if document["message"] == "queued":
        assert status == 202
        assert not errors
    else:
        assert document["message"] == "success"
        assert status in (200, 201, 202)
    refused = {e["index"] for e in errors}
    assert all(type(place) is int and 0 <= place < len(KEYS) for place in refused)
    assert refused.isdisjoint(taken)
    assert len(taken) + len(refused) == len(KEYS)
    assert all(e.get("input_array", "attributes") == "attributes" for e in errors)
    if document["message"] == "success" and "attributes_processed" in document:
        told = document["attributes_processed"]
        assert told is None or (type(told) is int and told == len(taken))


def judge_delete(body: bytes, _random: Random) -> bool:
    """Hold deletions to this: they are taken only if all of them are counted."""
    return judged(body, deleted(Answer(201, body), KEYS), {"deleted": len(KEYS)})


def judge_subscribe(body: bytes, _random: Random) -> bool:
    """Hold memberships to this: they are taken only if the answer says so."""
    return judged(body, subscribed(Answer(201, body), KEYS), {})


def judged(body: bytes, found: tuple[RowResult, ...], needed: Mapping[str, Any]) -> bool:
    """Check that all rows have one fate, and that a success holds its evidence."""
    assert len(found) == len(KEYS)
    taken = {result.error is None for result in found}
    assert len(taken) == 1
    if taken == {True}:
        document = json.loads(body)
        assert document["message"] == "success"
        assert all(document[name] == value for name, value in needed.items())
    return True in taken


class Canned(Session):
    """A session whose every read returns one body."""

    def __init__(self, body: bytes) -> None:
        """Return that body."""
        self.body = body

    def read(self, *_: Any, **__: Any) -> tuple[bytes, Mapping[str, str], int]:
        """Return it, and no more pages."""
        return self.body, {}, 1


def judge_reads(body: bytes, _random: Random) -> bool:
    """Hold a read to this: a table with the fields asked for, or a typed error."""
    session = cast("Session", Canned(body))
    rows = 0
    for target in (users(*FIELDS), group(mapping("subscription_state", "text(20)"))):
        try:
            for page in read_back(session, target, KEYS):
                names = {"sync_key", "destination_id", *(f.to for f in target.fields)}
                assert set(page.rows.column_names) == names
                rows += page.rows.num_rows
            for match in find(session, users(*FIELDS), "email", ["a@example.com"]):
                assert match.rows.column_names == ["value", "destination_id", "sync_key"]
        except Transient as error:
            assert error.code == "GARBLED_ANSWER"  # noqa: PT017
    return rows > 0


def judge_describe(body: bytes, _random: Random) -> bool:
    """Hold a description to this: it has the key, or is a typed error."""
    try:
        schema = describe(cast("Session", Canned(body)), "users")
    except Transient as error:
        assert error.code == "GARBLED_ANSWER"  # noqa: PT017
        return False
    assert schema.fields["external_id"].external_id
    return True


TRIALS: Mapping[str, tuple[tuple[Any, ...], hostile.Trial]] = {
    "track": (TRACKED, judge_track),
    "delete": (({"deleted": 6, "message": "success"},), judge_delete),
    "subscribe": (({"message": "success"},), judge_subscribe),
    "reads": ((*PROFILES, *STATES), judge_reads),
    "describe": (DESCRIBED, judge_describe),
}


@pytest.mark.parametrize("name", TRIALS)
def test_hostile_answers_never_invent_a_delivery(name: str) -> None:
    """However an answer is damaged or bent, its outcome is typed, and rows need the evidence."""
    sound, trial = TRIALS[name]

    passed, none = hostile.run(sound, trial, count=2000, seed=20260901)

    assert passed  # some answers survive, or the test would show nothing
    assert none
