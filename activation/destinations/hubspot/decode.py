"""What the answer to a batch says of each row; a row it does not vouch for was not delivered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from activation.destinations.base import Answer, Fate, RowError, RowResult
from activation.destinations.hubspot.errors import code_in, code_of, details
from activation.destinations.hubspot.names import normal_key, same_key
from activation.destinations.unvouched import unvouched

NOT_TOLD = "NOT_TOLD"
"""The answer is a success and does not speak of the row: it may not have been stored."""

_LONGEST_TEXT = 500

_LASTING = frozenset(
    {
        "VALIDATION_ERROR",
        "CONFLICT",
        "OBJECT_NOT_FOUND",
        "OBJECT_ALREADY_EXISTS",
        "MISSING_SCOPES",
        "FORBIDDEN",
        "INVALID_INPUT",
    }
)
"""
Categories after which the row must change first.

All others may pass later, also those that nobody has told us of: a row that is tried once too
often costs a request, a row that is given up too early is lost until somebody looks.
"""

Created = Callable[[Mapping[str, Any]], "bool | None"]


def decode(
    answer: Answer, keys: Sequence[str], key: str, created: Created
) -> tuple[RowResult, ...]:
    """
    Return one result a key, in the order of the keys sent.

    A result is told by its trace id, else by the key among its properties, never by its place:
    results come in another order.  Where both are there, both must fit.

    Args:
        answer: what HubSpot said.
        keys: the keys sent, whose places are the trace ids.
        key: the property that holds them.
        created: reads from a result whether the record is new.
    """
    document = _parsed(answer)
    if document is None:
        return (unvouched("the answer is not a JSON object"),) * len(keys)
    if document.get("status") != "COMPLETE":
        return (unvouched("the batch is not complete"),) * len(keys)
    places = {str(place): place for place in range(len(keys))}
    by_key = {normal_key(key, one): place for place, one in enumerate(keys)}
    verdicts: dict[int, RowResult] = {}
    for result in _listed(document, "results"):
        place = _place(result, places, by_key, key)
        if place is None or not _fits(result, keys[place], key):
            continue
        said = _delivered(result, created)
        if place in verdicts and verdicts[place] != said:
            said = unvouched("two results are told for the row")
        verdicts[place] = said
    for error in _listed(document, "errors"):
        for place in _concerned(error, places, by_key, key):
            # An error weighs more than a success that is told for the same row.
            verdicts[place] = RowResult(error=row_error(error))
    missing = unvouched("HubSpot's answer does not speak of the row", code=NOT_TOLD)
    return tuple(verdicts.get(place, missing) for place in range(len(keys)))


def is_new(result: Mapping[str, Any]) -> bool | None:
    """Return whether an upsert made the record."""
    new = result.get("new")
    return new if isinstance(new, bool) else None


def row_error(error: Mapping[str, Any]) -> RowError:
    """Return what an entry among a batch's errors means for its rows."""
    text = error.get("message")
    fields = dict.fromkeys(_properties(error))
    return RowError(
        code=code_of(error) or "UNKNOWN",
        text=text[:_LONGEST_TEXT] if isinstance(text, str) else "",
        fate=Fate.PERMANENT if code_in(error.get("category")) in _LASTING else Fate.RETRYABLE,
        fields=tuple(fields),
    )


def _properties(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the properties that an error names."""
    for detail in details(error):
        if isinstance(name := detail.get("name"), str):
            yield name
        context = detail.get("context")
        names = context.get("propertyName") if isinstance(context, dict) else None
        yield from (n for n in names if isinstance(n, str)) if isinstance(names, list) else ()


def _parsed(answer: Answer) -> dict[str, Any] | None:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _listed(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    listed = document.get(name)
    yield from (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()


def _place(
    result: Mapping[str, Any],
    places: Mapping[str, int],
    by_key: Mapping[str, int],
    key: str,
) -> int | None:
    trace = result.get("objectWriteTraceId")
    if trace is not None:
        return places.get(trace) if isinstance(trace, str) else None
    properties = result.get("properties")
    value = properties.get(key) if isinstance(properties, dict) else None
    return by_key.get(normal_key(key, value)) if isinstance(value, str) else None


def _fits(result: Mapping[str, Any], sent: str, key: str) -> bool:
    """Tell whether a result does not say that it is of another key."""
    properties = result.get("properties")
    if not isinstance(properties, dict):
        return False
    return key not in properties or same_key(key, properties[key], sent)


def _delivered(result: Mapping[str, Any], created: Created) -> RowResult:
    identity = result.get("id")
    if not isinstance(identity, str) or not identity.isascii() or not identity.isdecimal():
        return unvouched("the row's result names no record")
    if result.get("archived") is True:
        return unvouched("the row's result is an archived record")
    return RowResult(destination_id=identity, created=created(result))


def _concerned(
    error: Mapping[str, Any],
    places: Mapping[str, int],
    by_key: Mapping[str, int],
    key: str,
) -> Iterator[int]:
    """Yield the places of the rows that an error is about: it may be about several."""
    context = error.get("context")
    if not isinstance(context, dict):
        return
    traces = _texts(context.get("objectWriteTraceId"))
    yield from (places[trace] for trace in traces if trace in places)
    if traces:
        # Beside them stand record ids, which may look like somebody else's key.
        return
    for identity in _texts(context.get("ids")):
        if (place := by_key.get(normal_key(key, identity))) is not None:
            yield place


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
