from __future__ import annotations

import json
import os
from collections.abc import Mapping
from random import Random
from typing import Any, cast

import pytest

from activation.destinations.base import Answer, RowResult
from activation.destinations.hubspot.account import Paths
from activation.destinations.hubspot.decode import decode, is_new
from activation.destinations.hubspot.describe import describe
from activation.destinations.hubspot.find import find
from activation.destinations.hubspot.memberships import Memberships
from activation.destinations.hubspot.readback import read_back
from activation.destinations.hubspot.removals import Archive
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.subscriptions import Subscriptions
from activation.errors import ConfigurationError, Transient
from activation_tests.destinations import hostile
from activation_tests.destinations.hubspot.rows import (
    KEY,
    absent,
    batch,
    contacts,
    error,
    mapping,
    opt_outs,
    record,
    result,
)

COUNT = int(os.environ.get("ACTIVATION_HOSTILE_ANSWERS", "2000"))
"""Answers a trial; set it to 100000 for the long run."""
KEYS = [f"u-{n}" for n in range(6)]
EMAILS = [f"k{n}@example.com" for n in range(6)]
FIELDS = (
    mapping("firstname", "text(80)"),
    mapping("last_scored_on", "date"),
    mapping("last_scored_at", "timestamp"),
    mapping("lead_score", "decimal(5,2)"),
    mapping("plan_seats", "integer"),
    mapping("is_champion", "boolean"),
)
WRITTEN = (
    batch(*(result(place) for place in (3, 1, 0, 5, 2, 4))),
    batch(*(result(n) for n in (0, 2, 4)), errors=(error(1, 3), error(5, category="CONFLICT"))),
    batch(result(0), errors=(absent(*KEYS[1:]),)),
    batch(*({k: v for k, v in result(n).items() if k != "objectWriteTraceId"} for n in range(6))),
)
READ = (
    batch(
        *(
            record(
                101 + n,
                customer_key=key,
                firstname="Kim",
                last_scored_on="2026-09-01",
                last_scored_at="2026-09-01T10:00:00.000Z",
                lead_score="1.50",
                plan_seats="3",
                is_champion="true",
            )
            for n, key in enumerate(KEYS[:3])
        ),
        errors=(absent(*KEYS[3:]),),
    ),
)
STATUSES = (
    batch(
        *(
            {"subscriberIdString": email, "subscriptionId": 1001, "status": "UNSUBSCRIBED"}
            for email in EMAILS[:4]
        ),
        errors=(error(category="VALIDATION_ERROR", context={"subscriberIdString": EMAILS[4:]}),),
    ),
)
REMOVED = ({"ids": {k: str(101 + n) for n, k in enumerate(KEYS)}, "gone": ["101", "103", "106"]},)
JOINED = (
    {
        "ids": {k: str(101 + n) for n, k in enumerate(KEYS[:5])},
        "joins": True,
        "change": {
            "recordsIdsAdded": ["101", "103"],
            "recordIdsRemoved": [],
            "recordIdsMissing": ["105"],
        },
        "members": {"102": True, "104": False},
    },
)
DESCRIBED = (
    {
        "results": [
            {
                "name": name,
                "type": kind,
                "fieldType": "text",
                "options": [{"value": "a"}],
                "hasUniqueValue": name == KEY,
                "modificationMetadata": {"readOnlyValue": False},
            }
            for name, kind in ((KEY, "string"), ("grade", "enumeration"), ("score", "number"))
        ]
    },
)


class Canned(Session):
    """A session whose every read returns one body."""

    def __init__(self, body: bytes) -> None:
        """Return that body."""
        self.body = body
        self.paths = Paths("v3")

    def read(self, *_: Any, **__: Any) -> Answer:
        """Return it."""
        return Answer(200, self.body)


def judge_write(body: bytes, random: Random) -> bool:
    """Hold each delivered row against a result that names it and its record."""
    found = decode(Answer(random.choice((200, 201, 207)), body), KEYS, KEY, is_new)
    assert len(found) == len(KEYS)
    taken = [place for place, row in enumerate(found) if row.error is None]
    if taken:
        document = json.loads(body)
        assert document["status"] == "COMPLETE"
        accused = json.dumps(document.get("errors"))
        for place in taken:
            assert vouched(document["results"], place, found[place])
            assert f'"objectWriteTraceId": ["{place}"]' not in accused
    return bool(taken)


def vouched(results: list[Any], place: int, row: RowResult) -> bool:
    """Tell whether a result names the row, by trace id or by key, and its record."""
    for one in results:
        if not isinstance(one, dict) or one.get("id") != row.destination_id:
            continue
        told = one.get("properties")
        trace = one.get("objectWriteTraceId")
        key = told.get(KEY) if isinstance(told, dict) else None
        # Neither may name another row; HubSpot does not tell keys apart by their case.
        named = trace is not None or key is not None
        if named and trace in (None, str(place)) and str(key or KEYS[place]).lower() == KEYS[place]:
            return True
    return False


def judge_statuses(body: bytes, _random: Random) -> bool:
    """Hold each opt-out against a result that says so of that address."""
    endpoint = Subscriptions.__new__(Subscriptions)
    found = endpoint.decode(Answer(200, body), EMAILS)
    taken = [email for email, row in zip(EMAILS, found, strict=True) if row.error is None]
    for email in taken:
        told = [r for r in json.loads(body)["results"] if isinstance(r, dict)]
        assert any(
            str(r.get("subscriberIdString")).strip().lower() == email
            and r.get("status") == "UNSUBSCRIBED"
            for r in told
        )
    return bool(taken)


def judge_removals(body: bytes, _random: Random) -> bool:
    """Hold each removal against an id that is gone, or a key that had none."""
    endpoint = Archive.__new__(Archive)
    found = endpoint.decode(Answer(204, body), KEYS)
    taken = [key for key, row in zip(KEYS, found, strict=True) if row.error is None]
    for key in taken:
        told = json.loads(body)
        assert told["ids"][key] is None or told["ids"][key] in told["gone"]
    return bool(taken)


def judge_members(body: bytes, _random: Random) -> bool:
    """Hold each member against a list that names its record."""
    endpoint = Memberships.__new__(Memberships)
    found = endpoint.decode(Answer(200, body), KEYS)
    taken = [key for key, row in zip(KEYS, found, strict=True) if row.error is None]
    for key in taken:
        told = json.loads(body)
        if key not in told["ids"] or told["ids"][key] is None:
            assert told["joins"] is False
            continue
        identity = told["ids"][key]
        named = json.dumps([told["change"], told.get("members")], ensure_ascii=False)
        assert f'"{identity}"' in named or identity in named
    return bool(taken)


def judge_reads(body: bytes, _random: Random) -> bool:
    """Hold a read to this: a table with the fields asked for, or a typed error."""
    session = cast("Session", Canned(body))
    rows = 0
    for target, keys in ((contacts(*FIELDS), KEYS), (opt_outs(), EMAILS)):
        try:
            for page in read_back(session, target, keys):
                names = {"sync_key", "destination_id", *(f.to for f in target.fields)}
                assert set(page.rows.column_names) == names
                rows += page.rows.num_rows
        except Transient as caught:
            assert caught.code == "GARBLED_ANSWER"  # noqa: PT017
    return rows > 0


def judge_describe(body: bytes, _random: Random) -> bool:
    """Hold a description to this: typed fields, or a typed error."""
    session = cast("Session", Canned(body))
    try:
        fields = describe(session, "crm", "contacts").fields
        list(find(session, contacts(), KEY, []))
    except (Transient, ConfigurationError):
        return False
    return KEY in fields


TRIALS: Mapping[str, tuple[tuple[Any, ...], hostile.Trial]] = {
    "write": (WRITTEN, judge_write),
    "statuses": (STATUSES, judge_statuses),
    "removals": (REMOVED, judge_removals),
    "members": (JOINED, judge_members),
    "reads": (READ, judge_reads),
    "describe": (DESCRIBED, judge_describe),
}


@pytest.mark.parametrize("name", TRIALS)
@pytest.mark.timeout(1200)
def test_hostile_answers_never_invent_a_delivery(name: str) -> None:
    """However an answer is damaged or bent, its outcome is typed, and rows need the evidence."""
    sound, trial = TRIALS[name]

    passed, none = hostile.run(sound, trial, count=COUNT, seed=20260901)

    assert passed  # some answers survive, or the test would show nothing
    assert none
