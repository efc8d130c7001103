"""Which records have which values of a unique property, asked a hundred at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from activation.destinations.base import Answer
from activation.destinations.hubspot.errors import garbled
from activation.destinations.hubspot.names import EMAIL, normal_key
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import MOST_ROWS
from activation.errors import Applied

MORE_ADDRESSES = "hs_additional_emails"
"""A contact's other addresses, which are unique too and lead to it."""

Post: TypeAlias = Callable[[str, bytes], Answer]
"""Makes a call that writes nothing."""
Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one request, by the values that were asked for, as given."""

    records: dict[str, Record]
    requests: int = 1


def patiently(session: Session) -> Post:
    """Return what reads outside of a delivery."""
    return lambda path, data: session.read("POST", path, data=data)


def within(session: Session, deadline: float) -> Post:
    """Return what reads as part of a write that has to be over by then."""
    return lambda path, data: session.look_up("POST", path, data=data, deadline=deadline)


def by_property(  # noqa: PLR0913
    session: Session,
    post: Post,
    object_name: str,
    name: str,
    values: Iterable[str],
    *,
    properties: Sequence[str] = (),
    archived: bool = False,
) -> Iterator[Found]:
    """
    Yield the records with these values of a unique property, a request at a time.

    Raises:
        BatchRefused: the property is not unique, or is not there.
        Transient: also for an answer that does not speak of every value.
        AccessRefused, QuotaRefused: see `errors`.
    """
    path = session.paths.crm("objects", f"{object_name}/batch/read")
    path += "?archived=true" if archived else ""
    wanted = list(dict.fromkeys((name, *properties, *([MORE_ADDRESSES] if name == EMAIL else []))))
    for chunk in chunks(values, lambda value: normal_key(name, value)):
        body = {
            "idProperty": name,
            "inputs": [{"id": normal} for normal in chunk],
            "properties": wanted,
            "propertiesWithHistory": [],
        }
        answer = post(path, orjson.dumps(body))
        records, missing = read_batch(answer, f"POST {path}")
        found: dict[str, Record] = {}
        for record in records:
            for value in _values(record, name):
                found |= dict.fromkeys(chunk.get(value, ()), record)
        told = {normal_key(name, one) for one in missing}
        silent = [n for n, given in chunk.items() if n not in told and given[0] not in found]
        if silent:
            # Silence is not absence: what is thought to be missing is written again, or reported.
            raise garbled(f"POST {path}", applied=Applied.NO)
        yield Found(found, answer.requests)


def by_id(
    session: Session, post: Post, object_name: str, ids: Iterable[str], properties: Sequence[str]
) -> Iterator[Found]:
    """Yield the records with these ids, a request at a time; missing ones are left out."""
    path = session.paths.crm("objects", f"{object_name}/batch/read")
    for chunk in chunks(ids, str):
        body = {
            "inputs": [{"id": identity} for identity in chunk],
            "properties": list(properties),
            "propertiesWithHistory": [],
        }
        answer = post(path, orjson.dumps(body))
        records, _ = read_batch(answer, f"POST {path}")
        yield Found({record["id"]: record for record in records}, answer.requests)


def chunks(values: Iterable[str], normal: Callable[[str], str]) -> Iterator[dict[str, list[str]]]:
    """Yield the values as given by what HubSpot makes of them, a hundred at most; no empty ones."""
    chunk: dict[str, list[str]] = {}
    for value in dict.fromkeys(values):
        if not value.strip():
            continue
        folded = normal(value)
        if len(chunk) == MOST_ROWS and folded not in chunk:
            yield chunk
            chunk = {}
        chunk.setdefault(folded, []).append(value)
    if chunk:
        yield chunk


def read_batch(answer: Answer, call: str) -> tuple[list[Record], list[str]]:
    """
    Return the records of an answer, and the ids that it says are not there.

    Raises:
        Transient: it is not what was asked for, or speaks of other trouble.
    """
    try:
        document = orjson.loads(answer.body)
        records = document["results"]
        errors = document.get("errors") or ()
        missing: list[str] = [one for error in errors for one in error["context"]["ids"]]
        sound = (
            document["status"] == "COMPLETE"
            and all(error["category"] == "OBJECT_NOT_FOUND" for error in errors)
            and all(isinstance(r["id"], str) and isinstance(r["properties"], dict) for r in records)
            and all(isinstance(one, str) for one in missing)
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise garbled(call, applied=Applied.NO)
    return records, missing


def _values(record: Record, name: str) -> Iterator[str]:
    """Yield the values of a property by which the record is found."""
    properties = record["properties"]
    value = properties.get(name)
    if isinstance(value, str):
        yield normal_key(name, value)
    more = properties.get(MORE_ADDRESSES)
    if name == EMAIL and isinstance(more, str):
        yield from (normal_key(name, one) for one in more.split(";") if one)
