"""Records out of Salesforce, by key or all of them, as Arrow tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa

from activation.contract.model import FieldKind, FieldMapping
from activation.destinations.base import ReadBack, Target
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.names import check_target
from activation.destinations.salesforce.session import Session
from activation.destinations.salesforce.traits import OBJECT, URI_AND_HEADER_BYTES
from activation.errors import Applied

_SECONDS = 120.0
# Tokens in the form of a JWT take some 2 KB of the headers, and the host and the path their part.
_QUERY_BYTES = URI_AND_HEADER_BYTES - 4_096
_DIGITS = Context(prec=76, rounding=ROUND_HALF_EVEN)


def read_back(session: Session, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
    """
    Yield the records with these keys, or all that have one if `keys` is None, a page at a time.

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
        yield from _pages(session, target, f"{select} != null")
        return
    for literals in key_lists(keys, _QUERY_BYTES - len(quote_plus(f"{select} IN ()"))):
        yield from _pages(session, target, f"{select} IN ({literals})")


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


def _pages(session: Session, target: Target, soql: str) -> Iterator[ReadBack]:
    path, params = "query", {"q": soql}
    visited = set()
    while True:
        answer = session.call("GET", path, seconds=_SECONDS, params=params)
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

    Numbers keep their digits: decimals have the contract's decimals and as many digits as Arrow
    has room for, because a person may have written a larger number than the contract allows.
    Raises ValueError, KeyError or TypeError if a record is not what was asked for.
    """
    columns = {
        "sync_key": _text([r[target.key] for r in records]),
        "destination_id": _text([r["Id"] for r in records]),
    }
    for mapping in target.fields:
        columns[mapping.to] = _column(mapping, [_value(r, mapping.to) for r in records])
    return pa.table(columns)


def _value(record: dict[str, Any], field: str) -> Any:
    relationship, _, name = field.rpartition(".")
    if not relationship:
        return record[name]
    parent = record[relationship]
    return None if parent is None else parent[name]


def _column(mapping: FieldMapping, values: list[Any]) -> pa.Array:
    match mapping.type.kind:
        case FieldKind.TEXT:
            return _text(values)
        case FieldKind.BOOLEAN:
            return pa.array(values, pa.bool_())
        case FieldKind.DATE:
            return pa.array(values, pa.string()).cast(pa.date32())
        case FieldKind.TIMESTAMP:
            return pa.array(values, pa.string()).cast(pa.timestamp("us", "UTC"))
        case FieldKind.INTEGER:
            # A number field without decimals is a double to the API: 7 comes as 7.0.
            whole = _rounded(values, 0)
            return pa.array([None if v is None else int(v) for v in whole], pa.int64())
        case FieldKind.DECIMAL:
            scale = mapping.type.scale or 0
            return pa.array(_rounded(values, scale), pa.decimal128(38, scale))


def _text(values: list[Any]) -> pa.Array:
    return pa.array(
        [v if v is None or isinstance(v, str) else json.dumps(v, default=str) for v in values],
        pa.string(),
    )


def _rounded(values: list[Any], scale: int) -> list[Decimal | None]:
    step = Decimal(1).scaleb(-scale)
    return [None if v is None else Decimal(v).quantize(step, context=_DIGITS) for v in values]
