"""
Answers damaged in bytes and in shape.

Run by hand with more of them: `python -m activation_tests.destinations.zendesk.test_hostile 100000`
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.zendesk.decode import Report, decode
from activation_tests.destinations.zendesk.desk import FAILED

KEYS = [f"k{place}" for place in range(8)]
_WORDS = [
    b"null", b"true", b"false", b"0", b"-1", b"1e9", b'"x"', b"[]", b"{}",
    b'"Created"', b'"Failed"', b'"completed"', b'"queued"',
]  # fmt: skip
_SHAPES: list[Any] = [None, True, False, 0, -1, 3, 2.5, "", "x", "Created", [], {}, [None], "71"]


def sound(random: Random) -> dict[str, Any]:
    """Return an answer as Zendesk gives it: every other row refused, in one of its shapes."""
    shape = random.randrange(3)
    results: list[dict[str, Any]] = []
    for place in range(len(KEYS)):
        if place % 2:
            refused = {**FAILED, "index": place}
            if shape == 1:
                refused = {"id": place, "error": "E", "details": "bad", "status": "Failed"}
            results.append(refused)
        elif shape == 0:
            results.append({"id": 100 + place, "index": place})
        elif shape == 1:
            results.append({"id": 100 + place, "status": "Created"})
        else:
            updated = {"action": "update", "id": 100 + place, "status": "Updated", "success": True}
            results.append({**updated, "index": place})
    status = {"id": "j1", "status": "completed", "results": results}
    if random.random() < 0.5:
        return {"job_status": status}
    report = Report()
    report.job(status, range(len(KEYS)))
    parsed: dict[str, Any] = json.loads(report.body())
    return parsed


def in_bytes(body: bytes, random: Random) -> bytes:
    """Damage a body: bytes flipped, cut out, doubled, moved, or a word replaced."""
    damaged = bytearray(body)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(damaged))
        end = min(len(damaged), start + random.randint(1, 60))
        match random.randrange(6):
            case 0:
                damaged[start] = random.randrange(256)
            case 1:
                del damaged[start:end]
            case 2:
                damaged[start:start] = damaged[start:end]
            case 3:
                damaged = damaged.replace(random.choice(_WORDS), random.choice(_WORDS), 1)
            case 4:
                name = random.choice([b'"id"', b'"index"', b'"status"', b'"results"', b'"error"'])
                damaged = damaged.replace(name, b'"' + bytes([random.randrange(97, 123)]) + b'"', 1)
            case _:
                del damaged[start:]
        damaged = damaged or bytearray(b"{")
    return bytes(damaged)


def in_shape(value: Any, random: Random) -> Any:
    """Damage a document: members swapped, dropped, doubled or replaced somewhere inside."""
    if random.random() < 0.05:
        return random.choice(_SHAPES)
    if isinstance(value, dict) and value:
        name = random.choice(list(value))
        if random.random() < 0.1:
            return {key: one for key, one in value.items() if key != name}
        return {**value, name: in_shape(value[name], random)}
    if isinstance(value, list) and value:
        place = random.randrange(len(value))
        listed = list(value)
        match random.randrange(4):
            case 0:
                listed[place] = in_shape(listed[place], random)
            case 1:
                listed.insert(random.randrange(len(listed)), listed[place])
            case 2:
                del listed[place]
            case _:
                random.shuffle(listed)
        return listed
    return random.choice(_SHAPES)


def judge(body: bytes, found: tuple[RowResult, ...]) -> int:
    """Hold that each row has a typed outcome, and that no delivery is invented; count them."""
    assert len(found) == len(KEYS)
    delivered = 0
    for result in found:
        if result.error is not None:
            assert isinstance(result.error, RowError)
            assert isinstance(result.error.fate, Fate)
            assert result.destination_id is None
            continue
        delivered += 1
        # A success names a record, and the very answer says so of a record of that id.
        assert result.destination_id is not None
        assert any(_vouches(entry, result) for entry in _objects(json.loads(body)))
    return delivered


def _vouches(entry: dict[str, Any], result: RowResult) -> bool:
    said = entry.get("status") in ("Created", "Updated", "Deleted") or "index" in entry
    said = said or entry.get("done") is True
    return (
        type(entry.get("id")) is int
        and str(entry["id"]) == result.destination_id
        and "error" not in entry
        and (said or entry.get("success") is True)
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return every object in a document."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    found = [value] if isinstance(value, dict) else []
    return found + [one for part in inner for one in _objects(part)]


def bombard(answers: int, seed: int) -> Counter[str]:
    """Decode that many damaged answers, and count what they came to."""
    random = Random(seed)  # noqa: S311
    counts: Counter[str] = Counter()
    for number in range(answers):
        document = sound(random)
        if number % 2:
            body = in_bytes(json.dumps(document).encode(), random)
        else:
            for _ in range(random.randint(1, 3)):
                document = in_shape(document, random)
            body = json.dumps(document).encode()
        status = random.choice([200, 200, 200, 201, 422])
        delivered = judge(body, decode(Answer(status, body), KEYS))
        counts["rows"] += len(KEYS)
        counts["delivered"] += delivered
        counts["answers that vouch for no row"] += delivered == 0
    return counts


def test_4000_mutated_answers_never_invent_a_delivery() -> None:
    """However an answer is damaged, a row is delivered only if the answer says so of it."""
    counts = bombard(4000, 20260901)

    # Some answers survive, or the test would show nothing.
    assert 0 < counts["delivered"] < counts["rows"] / 2


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 9)
    | st.sampled_from(["Created", "k1", "completed"]),
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(
            st.sampled_from(
                ["job_status", "jobs", "rows", "results", "status", "id", "index", "places",
                 "ids", "error", "success", "done", "external_id", "0"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)  # fmt: skip


@given(JSON, st.sampled_from([200, 201, 422]))
def test_any_json_yields_one_result_a_key(answer: object, status: int) -> None:
    """Whatever JSON comes back, there is one result a key, and success needs its evidence."""
    body = json.dumps(answer).encode()

    found = decode(Answer(status, body), KEYS)

    assert len(found) == len(KEYS)
    for result in found:
        if result.error is None and result.destination_id is not None:
            entries = _objects(answer)
            assert any(str(entry.get("id")) == result.destination_id for entry in entries)


if __name__ == "__main__":
    print(dict(bombard(int(sys.argv[1]), 1)))  # noqa: T201
