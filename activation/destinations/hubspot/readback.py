"""Records out of HubSpot, by key or all of them, as Arrow tables; never out of a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from activation.contract.model import FieldKind, FieldMapping
from activation.destinations.base import ReadBack, Target
from activation.destinations.cells import arrow_values, text_values
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.lookups import Record, by_id, by_property, patiently
from activation.destinations.hubspot.memberships import list_of, members_among
from activation.destinations.hubspot.names import Kind, Named, check_target
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.statuses import read_statuses
from activation.destinations.hubspot.traits import LIST_PAGE, MEMBER_PAGE
from activation.errors import Applied

Params = dict[str, str]


def read_back(session: Session, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
    """
    Yield the records with these keys, or all that have one if `keys` is None, a page at a time.

    A text property can hold anything: a value of another kind than the contract's reads as null.

    Raises:
        ConfigurationError: a name cannot be one, or HubSpot cannot tell what is asked for.
        Transient: also for a page that is not what was asked for.
        BatchRefused: the key is not unique, or a list is not there.
        AccessRefused, QuotaRefused: see `errors`.
    """
    named = check_target(target)
    if named.kind is Kind.SUBSCRIPTION:
        yield from read_statuses(session, target, named.name, keys)
    elif named.kind is Kind.LIST:
        yield from _members(session, target, named.name, keys)
    elif keys is None:
        yield from _all(session, target, named)
    else:
        names = [mapping.to for mapping in target.fields]
        for page in by_property(
            session, patiently(session), named.name, target.key, keys, properties=names
        ):
            yield ReadBack(table_of(target, _once(page.records.values())), page.requests)


def _all(session: Session, target: Target, named: Named) -> Iterator[ReadBack]:
    names = ",".join(dict.fromkeys((target.key, *(mapping.to for mapping in target.fields))))
    path = session.paths.crm("objects", named.name)
    for records, requests in _pages(session, path, {"limit": str(LIST_PAGE), "properties": names}):
        try:
            keyed = [r for r in records if r["properties"].get(target.key)]
            yield ReadBack(table_of(target, keyed), requests)
        except (KeyError, TypeError, AttributeError):
            raise garbled(f"GET {path}", applied=Applied.NO) from None


def _pages(session: Session, path: str, params: Params) -> Iterator[tuple[list[Record], int]]:
    seen: set[str] = set()
    after: str | None = None
    while True:
        asked = params if after is None else {**params, "after": after}
        answer = session.read("GET", path, params=asked)
        document = document_of(answer.body)
        results = document.get("results")
        if not isinstance(results, list):
            raise garbled(f"GET {path}", applied=Applied.NO)
        yield results, answer.requests
        try:
            after = document["paging"]["next"]["after"]
        except (KeyError, TypeError):
            return
        if not isinstance(after, str) or after in seen:
            raise garbled(f"GET {path}", applied=Applied.NO)
        seen.add(after)


def _members(
    session: Session, target: Target, number: str, keys: Sequence[str] | None
) -> Iterator[ReadBack]:
    of = list_of(session, number)["objectTypeId"]
    post = patiently(session)
    names = [target.key, *(mapping.to for mapping in target.fields)]
    if keys is not None:
        for page in by_property(session, post, of, target.key, keys, properties=names):
            records = _once(page.records.values())
            members, requests = (
                members_among(session, post, number, of, [record["id"] for record in records])
                if records
                else ({}, 0)
            )
            on_list = [record for record in records if members.get(record["id"])]
            yield ReadBack(table_of(target, on_list), page.requests + requests)
        return
    path = session.paths.crm("lists", f"{number}/memberships")
    for listed, requests in _pages(session, path, {"limit": str(MEMBER_PAGE)}):
        try:
            ids = [one["recordId"] for one in listed]
        except (KeyError, TypeError):
            raise garbled(f"GET {path}", applied=Applied.NO) from None
        for page in by_id(session, post, of, ids, names):
            keyed = [r for r in page.records.values() if r["properties"].get(target.key)]
            yield ReadBack(table_of(target, keyed), page.requests + requests)
            requests = 0  # noqa: PLW2901 - of the page of members, told once


def _once(records: Iterable[Record]) -> list[Record]:
    """Return the records, each once: several addresses may lead to one."""
    return list({record["id"]: record for record in records}.values())


def table_of(target: Target, records: Sequence[Record]) -> pa.Table:
    """
    Return `sync_key`, `destination_id` and one column a mapped field, named as the field.

    Raises KeyError or TypeError if a record is not what was asked for.
    """
    properties = [record["properties"] for record in records]
    columns = {
        "sync_key": text_values([p.get(target.key) for p in properties]),
        "destination_id": text_values([record["id"] for record in records]),
    }
    for mapping in target.fields:
        values = [value_of(mapping, p.get(mapping.to)) for p in properties]
        columns[mapping.to] = arrow_values(mapping, values)
    return pa.table(columns)


def value_of(mapping: FieldMapping, value: object) -> Any:
    """Return a property's value, which HubSpot tells as text, as JSON of the field's kind."""
    if not isinstance(value, str) or not value:
        return None
    match mapping.type.kind:
        case FieldKind.TEXT:
            return value
        case FieldKind.BOOLEAN:
            return {"true": True, "false": False}.get(value.lower())
        case FieldKind.INTEGER | FieldKind.DECIMAL:
            return _number(value)
        case FieldKind.DATE:
            moment = _moment(value)
            return None if moment is None else moment.date().isoformat()
        case FieldKind.TIMESTAMP:
            moment = _moment(value)
            return None if moment is None else moment.isoformat()


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _moment(text: str) -> datetime | None:
    """Read a date, a moment, or milliseconds since the epoch, which older versions tell."""
    try:
        if text.lstrip("-").isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        if "T" not in text:
            return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
