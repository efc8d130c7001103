"""
Records out of Zendesk, by key or all of them, as Arrow tables.

Keyed reads and lists show a write at once; the search index lags by minutes and the incremental
export leaves the latest minute out, so neither is asked.  A list by cursor also brings more in a
minute: a hundred records a request of the account's own pace, where the export allows ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from activation.contract.model import FieldKind, FieldMapping
from activation.destinations.base import Match, ReadBack, Target
from activation.destinations.cells import arrow_values, text_values
from activation.destinations.zendesk.describe import custom_fields, pages
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.lookups import Record, by_id, by_key, patiently, records_in
from activation.destinations.zendesk.names import (
    KEY,
    ORGANIZATIONS,
    REFERENCE,
    USERS,
    Kind,
    check_target,
    custom_key,
)
from activation.destinations.zendesk.session import ROOT, Session
from activation.errors import Applied, ConfigurationError

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAY_CHARACTERS = 10


def read_back(session: Session, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
    """
    Yield the records with these keys, or all that have one if `keys` is None, a page at a time.

    Raises:
        ConfigurationError: a name in the target is not one.
        Transient: also for a page that is not what was asked for.
        BatchRefused, AccessRefused: see `errors`.
    """
    kind = check_target(target)
    reader = _Reader(session, kind, target)
    listed: Iterable[list[Record]]
    if keys is None:
        listed = ([r for r in page if r.get(KEY)] for page in pages(session, kind.many))
    else:
        listed = by_key(patiently(session), kind, keys)
    tables = map(reader.table, listed)
    yield from _named(session, tables) if reader.linked else tables


def find(session: Session, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
    """
    Yield the users with one of these e-mail addresses, with the key they have.

    There is no other read by address than the search, a request each; its index lags by minutes.

    Raises:
        ConfigurationError: the records cannot be found by that field.
        Transient, BatchRefused, AccessRefused: see `errors`.
    """
    kind = check_target(target)
    if kind is ORGANIZATIONS and by == "name":
        path, parameter = "organizations/search", "name"
    elif kind is USERS and by == "email":
        path, parameter = "users/search", "query"
    else:
        raise ConfigurationError(
            f"Zendesk's {target.object} cannot be found by {by!r}.",
            hint="Users are found by email, organizations by name.",
            object=target.object,
        )
    for value in dict.fromkeys(values):
        wanted = value.strip().lower()
        if not wanted:
            continue
        found = records_in(session.read(path, params={parameter: wanted}), kind.many)
        # A search finds the text anywhere; Zendesk knows addresses and names without their case.
        same = [r for r in found if isinstance(r.get(by), str) and r[by].strip().lower() == wanted]
        yield Match(
            pa.table(
                {
                    "value": pa.array([value] * len(same), pa.string()),
                    "destination_id": pa.array([str(r["id"]) for r in same], pa.string()),
                    "sync_key": text_values([r.get(KEY) or None for r in same]),
                }
            )
        )


def _named(session: Session, tables: Iterable[ReadBack]) -> Iterator[ReadBack]:
    """
    Put the external ids of organizations in place of their ids, and yield the pages.

    All are asked for at the end, together: most pages speak of the same ones.
    """
    read = list(tables)
    met = {i for page in read for i in page.rows[REFERENCE].to_pylist() if i is not None}
    names: dict[str, str | None] = {}
    asked = 0
    for found in by_id(patiently(session), ORGANIZATIONS, sorted(map(int, met))):
        asked += 1
        names |= {str(organization["id"]): organization.get(KEY) for organization in found}
    for page in read:
        ids = page.rows[REFERENCE].to_pylist()
        place = page.rows.column_names.index(REFERENCE)
        told = text_values([None if i is None else names.get(i) for i in ids])
        rows = page.rows.set_column(place, REFERENCE, told)
        yield ReadBack(rows, requests=page.requests + asked)
        asked = 0


class _Reader:
    """Brings records into the shape of what was sent."""

    def __init__(self, session: Session, kind: Kind, target: Target) -> None:
        self._kind = kind
        self._target = target
        names = {mapping.to for mapping in target.fields}
        self.linked = REFERENCE in names
        """Whether a column has the ids of organizations, which nobody but Zendesk knows."""
        self._field_tags = _FieldTags(session, kind) if "tags" in names else None

    def table(self, records: Sequence[Record]) -> ReadBack:
        """Return a page: `sync_key`, `destination_id` and one column a mapped field."""
        try:
            columns: dict[str, pa.Array] = {
                "sync_key": text_values([r[KEY] for r in records]),
                "destination_id": pa.array([str(r["id"]) for r in records], pa.string()),
            }
            for mapping in self._target.fields:
                values = [self._value(r, mapping) for r in records]
                columns[mapping.to] = arrow_values(mapping, values)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, pa.ArrowInvalid):
            raise garbled(f"GET {ROOT}{self._kind.many}", applied=Applied.NO) from None
        return ReadBack(pa.table(columns))

    def _value(self, record: Record, mapping: FieldMapping) -> Any:
        if mapping.to == REFERENCE:
            organization = record["organization_id"]
            return organization if organization is None else str(int(organization))
        custom = custom_key(self._kind, mapping.to)
        if custom is not None:
            value = (record[str(self._kind.custom)] or {}).get(custom)
        else:
            value = record.get(mapping.to)
        if mapping.to == "tags":
            value = [] if value is None else value
            own = self._field_tags.of(record) if self._field_tags else frozenset()
            return " ".join(tag for tag in sorted(value) if tag not in own) or None
        if mapping.to == "domain_names":
            return " ".join(sorted(value or ())) or None
        if mapping.type.kind is FieldKind.DATE and isinstance(value, str):
            # Kept as midnight: 2020-08-19T00:00:00+00:00.
            return value[:_DAY_CHARACTERS] if _DAY.match(value) else value
        if mapping.type.kind is FieldKind.DECIMAL and isinstance(value, float):
            return Decimal(repr(value))
        return value


class _FieldTags:
    """The tags that custom fields give: those of ticked checkboxes and of chosen options."""

    def __init__(self, session: Session, kind: Kind) -> None:
        self._folder = str(kind.custom)
        self._ticked: dict[str, str] = {}
        self._chosen: set[str] = set()
        for entry in custom_fields(session, kind):
            key = str(entry.get("key"))
            if entry.get("type") == "checkbox" and isinstance(entry.get("tag"), str):
                self._ticked[key] = entry["tag"]
            elif entry.get("type") in ("dropdown", "multiselect"):
                self._chosen.add(key)

    def of(self, record: Record) -> frozenset[str]:
        """Return the tags that a record has from its fields."""
        values: Mapping[str, Any] = record.get(self._folder) or {}
        found = {tag for key, tag in self._ticked.items() if values.get(key) is True}
        for key in self._chosen:
            chosen = values.get(key)
            found.update([chosen] if isinstance(chosen, str) else chosen or ())
        return frozenset(found)
