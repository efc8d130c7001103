"""Who has opted out, out of HubSpot by address; nothing lists them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import ReadBack, Target
from activation.destinations.cells import text_values
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.lookups import chunks
from activation.destinations.hubspot.names import EMAIL, STATUS, normal_key
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.subscriptions import OPTED_OUT
from activation.errors import Applied, ConfigurationError

_CHANNEL = {"channel": "EMAIL"}


def read_statuses(
    session: Session, target: Target, number: str, keys: Sequence[str] | None
) -> Iterator[ReadBack]:
    """
    Yield the addresses that have opted out of that type.

    Raises:
        ConfigurationError: all are asked for.
        Transient, BatchRefused, AccessRefused, QuotaRefused: see `errors`.
    """
    if keys is None:
        raise ConfigurationError(
            f"HubSpot has no way to read all of {target.object}.",
            hint="Statuses are read by their addresses.",
            object=target.object,
        )
    path = session.paths.preferences("statuses/batch/read")
    for chunk in chunks(keys, lambda key: normal_key(EMAIL, key)):
        answer = session.read(
            "POST", path, params=_CHANNEL, data=orjson.dumps({"inputs": list(chunk)})
        )
        try:
            told = _out(document_of(answer.body), number)
        except (KeyError, TypeError, AttributeError):
            raise garbled(f"POST {path}", applied=Applied.NO) from None
        rows = [(key, told[n]) for n, given in chunk.items() if n in told for key in given]
        yield ReadBack(_table(target, rows), answer.requests)


def _out(document: Mapping[str, Any], number: str) -> dict[str, Mapping[str, Any]]:
    found = {}
    for result in document["results"]:
        for status in result["statuses"]:
            if str(status["subscriptionId"]) == number and status["status"] == OPTED_OUT:
                found[normal_key(EMAIL, result["subscriberIdString"])] = status
    return found


def _table(target: Target, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> pa.Table:
    columns = {
        "sync_key": text_values([key for key, _ in rows]),
        "destination_id": pa.nulls(len(rows), pa.string()),
    }
    for mapping in target.fields:
        name = "status" if mapping.to == STATUS else mapping.to
        columns[mapping.to] = text_values([status.get(name) for _, status in rows])
    return pa.table(columns)
