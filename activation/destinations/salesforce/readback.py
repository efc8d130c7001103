"""Records out of Salesforce, by key or all of them, as Arrow tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa

from activation.destinations.base import ReadBack, Target
from activation.destinations.cells import arrow_values, text_values
from activation.destinations.salesforce.errors import garbled, nothing_applied
from activation.destinations.salesforce.names import check_target
from activation.destinations.salesforce.session import Deadline, Session
from activation.destinations.salesforce.traits import OBJECT, URI_AND_HEADER_BYTES
from activation.errors import Applied

_SECONDS = 120.0
# Tokens in the form of a JWT take some 2 KB of the headers, and the host and the path their part.
_QUERY_BYTES = URI_AND_HEADER_BYTES - 4_096


def read_back(
    session: Session,
    target: Target,
    keys: Sequence[str] | None,
    *,
    deadline: Deadline | None = None,
) -> Iterator[ReadBack]:
    """
    Yield the records with these keys, or all that have one if `keys` is None, a page at a time.

    Each page may take two minutes unless all have a deadline.

    Salesforce matches keys without regard to case: a record whose key differs from the one asked
    for in case alone comes too, with the key as it stands there.

    Raises:
        ConfigurationError: a name in the target cannot be an API name.
        Transient: also for a page that is not what was asked for.
        BatchRefused: a field is not there, or the user may not see it.
        AccessRefused, QuotaRefused: see `errors`.
    """
    check_target(target)
    names = dict.fromkeys(("Id", target.key, *(f.to for f in target.fields)))
    select = f"SELECT {', '.join(names)} FROM {target.object} WHERE {target.key}"  # noqa: S608
    if keys is None:
        yield from _pages(session, target, f"{select} != null", deadline)
        return
    for literals in key_lists(keys, _QUERY_BYTES - len(quote_plus(f"{select} IN ()"))):
        yield from _pages(session, target, f"{select} IN ({literals})", deadline)


def key_lists(keys: Sequence[str], budget: int) -> Iterator[str]:
    """
    Yield SOQL lists of the keys, each at most 200 keys and, as part of an address, `budget` bytes.

    Repeated keys are asked for once.
    An empty key is left out: to SOQL it is null, and would match every record without a key.
    """
    from simple_salesforce.format import quote_soql_value

    chunk: list[str] = []
    used = 0
    for literal in (quote_soql_value(key) for key in dict.fromkeys(keys) if key.strip()):
        size = len(quote_plus(f"{literal},"))
        if chunk and (len(chunk) == OBJECT.read_back_keys or used + size > budget):
            yield ",".join(chunk)
            chunk, used = [], 0
        chunk.append(literal)
        used += size
    if chunk:
        yield ",".join(chunk)


def _pages(
    session: Session, target: Target, soql: str, deadline: Deadline | None
) -> Iterator[ReadBack]:
    path, params = "query", {"q": soql}
    visited = set()
    while True:
        seconds = _SECONDS if deadline is None else deadline.left
        with nothing_applied():
            answer = session.call("GET", path, seconds=seconds, params=params)
        try:
            page = json.loads(answer.body, parse_float=Decimal)
            rows = table_of(page["records"], target)
            following = None if page["done"] is True else _next(page, session)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
            raise garbled(f"GET {path}", applied=Applied.NO) from None
        yield ReadBack(rows)
        if following is None:
            return
        path, params = following, {}
        if path in visited:
            raise garbled(f"GET {path}", applied=Applied.NO)
        visited.add(path)


def _next(page: dict[str, Any], session: Session) -> str:
    """
    Return where the next page is, below the API root.

    The address comes out of an answer: raise ValueError if it leads anywhere but on in the query.
    """
    address: str = page["nextRecordsUrl"]
    if not address.startswith(f"{session.root}query/"):
        message = "the next page is elsewhere"
        raise ValueError(message)
    return address.removeprefix(session.root)


def table_of(records: list[dict[str, Any]], target: Target) -> pa.Table:
    """
    Return `sync_key`, `destination_id` and one column a mapped field, named as the field.

    Raises ValueError, KeyError or TypeError if a record is not what was asked for.
    """
    columns = {
        "sync_key": text_values([r[target.key] for r in records]),
        "destination_id": text_values([r["Id"] for r in records]),
    }
    for mapping in target.fields:
        columns[mapping.to] = arrow_values(mapping, [_value(r, mapping.to) for r in records])
    return pa.table(columns)


def _value(record: dict[str, Any], field: str) -> Any:
    relationship, _, name = field.rpartition(".")
    if not relationship:
        return record[name]
    parent = record[relationship]
    return None if parent is None else parent[name]
