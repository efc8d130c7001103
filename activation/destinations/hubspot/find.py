"""Records by another property than the key: by batch where it is unique, else by search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Match, Target
from activation.destinations.cells import text_values
from activation.destinations.hubspot.describe import is_unique, properties_of
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.lookups import Record, by_property, chunks, patiently
from activation.destinations.hubspot.names import Kind, check_target
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import SEARCH_BODY, SEARCH_PAGE
from activation.errors import Applied, ConfigurationError

_ROOM = 400
"""Characters that the rest of a search's body takes, at most."""


def find(session: Session, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
    """
    Yield the records whose property `by` has one of these values, with the key they have.

    A search sees a write some seconds late, and finds no archived records.

    Raises:
        ConfigurationError: there is no such property, or the object is no records.
        Transient, BatchRefused, AccessRefused, QuotaRefused: see `errors`.
    """
    named = check_target(target)
    if named.kind is not Kind.RECORDS:
        raise ConfigurationError(
            f"HubSpot cannot find {target.object} by {by!r}.",
            hint="Records are found by their properties; lists and subscriptions by their key.",
            object=target.object,
        )
    properties = properties_of(session, named.name)
    if by not in properties:
        raise ConfigurationError(
            f"{target.object} has no property {by!r} to find records by.",
            hint="Write its internal name, as the property's settings show it.",
            object=target.object,
        )
    if is_unique(named.name, properties[by]):
        post = patiently(session)
        for page in by_property(session, post, named.name, by, values, properties=[target.key]):
            yield _match(target, list(page.records.items()), page.requests)
        return
    for chunk in _fitting(values):
        yield from _search(session, target, named.name, by, chunk)


def fold(value: str) -> str:
    """Return a value as a search compares it: in lower case."""
    return value.lower()


def _fitting(values: Sequence[str]) -> Iterator[dict[str, list[str]]]:
    """Yield values by how they are asked for, as many as a body has room for."""
    for chunk in chunks(values, fold):
        part: dict[str, list[str]] = {}
        used = _ROOM
        for folded, given in chunk.items():
            size = len(orjson.dumps(folded).decode()) + 1
            if part and used + size > SEARCH_BODY:
                yield part
                part, used = {}, _ROOM
            part[folded] = given
            used += size
        yield part


def _search(
    session: Session, target: Target, name: str, by: str, chunk: dict[str, list[str]]
) -> Iterator[Match]:
    path = session.paths.crm("objects", f"{name}/search")
    after: str | None = "0"
    while after is not None:
        body = {
            "filterGroups": [
                {"filters": [{"propertyName": by, "operator": "IN", "values": list(chunk)}]}
            ],
            "properties": [by, target.key],
            "sorts": ["hs_object_id"],
            "limit": SEARCH_PAGE,
            "after": after,
        }
        answer = session.read("POST", path, data=orjson.dumps(body))
        document = document_of(answer.body)
        try:
            rows = [
                (value, record)
                for record in document["results"]
                for value in chunk.get(fold(record["properties"][by]), ())
            ]
            following = _next(document)
        except (KeyError, TypeError, AttributeError):
            raise garbled(f"POST {path}", applied=Applied.NO) from None
        yield _match(target, rows, answer.requests)
        if following is not None and int(following) <= int(after):
            raise garbled(f"POST {path}", applied=Applied.NO)
        after = following


def _next(document: dict[str, Any]) -> str | None:
    paging = document.get("paging")
    if not paging:
        return None
    after = paging["next"]["after"]
    if not isinstance(after, str) or not after.isdecimal():
        raise TypeError(after)
    return after


def _match(target: Target, rows: Sequence[tuple[str, Record]], requests: int) -> Match:
    keys = [record["properties"].get(target.key) for _, record in rows]
    return Match(
        pa.table(
            {
                "value": text_values([value for value, _ in rows]),
                "destination_id": text_values([record["id"] for _, record in rows]),
                "sync_key": text_values([key or None for key in keys]),
            }
        ),
        requests,
    )
