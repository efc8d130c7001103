"""Organizations: read, checked, matched and written, all of a request at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from activation.sandbox.zendesk.errors import RowRefused, not_found
from activation.sandbox.zendesk.fields import ORGANIZATION_FIELDS
from activation.sandbox.zendesk.parts import Parts, stamp
from activation.sandbox.zendesk.quirks import TAGS_KEEP_FIELD_TAGS
from activation.sandbox.zendesk.records import DELETED, Record
from activation.sandbox.zendesk.tags import tidy, written
from activation.sandbox.zendesk.user_rows import Way, Written

FIRST_ID = 360_000_000_001
_TEXTS = ("details", "notes")
_FLAGS = ("shared_tickets", "shared_comments")


@dataclass(slots=True)
class _Batch:
    """What the rows of one request have found and changed so far."""

    by_id: dict[int, Record]
    by_key: dict[str, Record]
    by_name: dict[str, Record]
    now: str
    seconds: float
    dirty: dict[int, Record] = field(default_factory=dict)

    def keep(self, record: Record, stored: dict[str, Any]) -> None:
        """Let the rows that follow see what one changed."""
        for index, value in ((self.by_key, record.key), (self.by_name, _name(record))):
            if value is not None:
                index.pop(value, None)
        record.document, record.updated = stored, self.seconds
        self.by_id[record.id] = self.dirty[record.id] = record
        self.by_name[stored["name"].casefold()] = record
        if record.key is not None:
            self.by_key[record.key] = record


def _match(batch: _Batch, row: Mapping[str, Any], way: Way) -> Record | None:
    """Return the organization that a row is about, or None for a new one."""
    key = row.get("external_id")
    found = batch.by_key.get(key.casefold()) if isinstance(key, str) else None
    taken = _duplicate("external_id", f"External: {key} has already been taken")
    if way is Way.CREATE:
        if found is not None:
            raise taken
        return None
    record = batch.by_id.get(row["id"]) if type(row.get("id")) is int else None
    if record is not None and found is not None and found.id != record.id:
        raise taken
    record = record or found
    if way is Way.UPDATE and record is None:
        raise RowRefused("id", "Organization not found", error="RecordNotFound")
    return record


class Organizations:
    """All organizations, and what can be done with them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def shown(self, record: Record) -> dict[str, Any]:
        """Return an organization as Zendesk tells of it."""
        stored = record.document
        return {
            "url": f"{self._parts.address}/api/v2/organizations/{record.id}.json",
            "id": record.id,
            "name": stored["name"],
            "shared_tickets": stored.get("shared_tickets", False),
            "shared_comments": stored.get("shared_comments", False),
            "external_id": stored.get("external_id"),
            "created_at": stored["created_at"],
            "updated_at": stored["updated_at"],
            "domain_names": stored.get("domain_names", []),
            "details": stored.get("details"),
            "notes": stored.get("notes"),
            "group_id": stored.get("group_id"),
            "tags": stored.get("tags", []),
            "organization_fields": self._parts.fields.shown(
                ORGANIZATION_FIELDS, stored.get("organization_fields", {})
            ),
        }

    def write(
        self,
        rows: Sequence[Mapping[str, Any]],
        way: Way,
        *,
        refused: Mapping[int, RowRefused] | None = None,
    ) -> list[Written]:
        """Write rows, each for itself; an upsert knows id and external id, never the name."""
        batch = self._find(rows)
        results: list[Written] = []
        for place, row in enumerate(rows):
            try:
                if refused and place in refused:
                    raise refused[place]
                results.append(self._one(batch, row, way))
            except RowRefused as error:
                results.append(Written(error=error))
        with self._parts.state.transaction():
            self._parts.organizations.save(batch.dirty.values())
        return results

    def _find(self, rows: Sequence[Mapping[str, Any]]) -> _Batch:
        records = self._parts.organizations
        by_key = records.by_keys(
            k for row in rows if isinstance(k := row.get("external_id"), str) and k
        )
        by_name = records.by_names(
            n.strip() for row in rows if isinstance(n := row.get("name"), str)
        )
        by_id = {r.id: r for r in (*by_key.values(), *by_name.values())}
        ids = {i for row in rows if type(i := row.get("id")) is int}
        by_id.update(records.by_ids(ids - by_id.keys()))
        moment = self._parts.clock.now()
        return _Batch(by_id, by_key, by_name, stamp(moment), moment.timestamp())

    def _one(self, batch: _Batch, row: Mapping[str, Any], way: Way) -> Written:
        record = _match(batch, row, way)
        created = record is None
        if record is None:
            record = self._parts.organizations.new()
            record.document = {"created_at": batch.now}
        stored = dict(record.document)
        self._read(row, stored, created=created)
        holder = batch.by_name.get(stored["name"].casefold())
        if holder is not None and holder.id != record.id:
            # "You must provide a unique name for each organization."
            raise _duplicate("name", f"Name: {stored['name']} has already been taken")
        if "external_id" in row:
            stored["external_id"] = row["external_id"] or None
        stored["updated_at"] = batch.now
        batch.keep(record, stored)
        return Written(record, created=created)

    def _read(self, row: Mapping[str, Any], stored: dict[str, Any], *, created: bool) -> None:
        if "name" in row or created:
            name = row.get("name")
            if not isinstance(name, str) or not name.strip():
                raise RowRefused("name", "Name: cannot be blank", error="BlankValue")
            # "Leading and trailing whitespace in `name` is automatically trimmed."
            stored["name"] = name.strip()
        for name in _TEXTS:
            if name in row:
                stored[name] = row[name]
        for name in _FLAGS:
            if name in row:
                stored[name] = row[name] is True
        if "group_id" in row:
            stored["group_id"] = row["group_id"]
        if "domain_names" in row:
            stored["domain_names"] = tidy(row["domain_names"])
        before = stored.get("organization_fields", {})
        custom = dict(before)
        self._parts.fields.read(ORGANIZATION_FIELDS, row.get("organization_fields"), custom)
        gone = set(self._parts.fields.tags(ORGANIZATION_FIELDS, before))
        given = self._parts.fields.tags(ORGANIZATION_FIELDS, custom)
        tags = [tag for tag in stored.get("tags", ()) if tag not in gone or tag in given]
        if "tags" in row:
            fixed = given if self._parts.quirks.on(TAGS_KEEP_FIELD_TAGS) else ()
            tags = written(tags, row["tags"], fixed)
        stored["tags"] = list(dict.fromkeys([*tags, *given]))
        stored["organization_fields"] = custom

    def delete(self, records: Sequence[Record]) -> None:
        """Delete organizations; their users lose them."""
        now = self._parts.clock.now()
        for record in records:
            record.document.pop("external_id", None)
            record.state, record.updated = DELETED, now.timestamp()
        gone = [record.id for record in records]
        marks = ",".join("?" * len(gone))
        memberships = self._parts.memberships.select(f"organization_id IN ({marks})", gone)
        with self._parts.state.transaction():
            self._parts.organizations.save(records)
            self._parts.memberships.drop(memberships)
            self.move_home({membership.user_id for membership in memberships})

    def move_home(self, users: set[int]) -> None:
        """Let users stand in the organization of their default membership."""
        records = self._parts.users.by_ids(users)
        for user, record in records.items():
            homes = self._parts.memberships.of(user)
            record.document["organization_id"] = homes[0].organization_id if homes else None
        self._parts.users.save(records.values())

    def names(self, ids: set[int]) -> dict[int, str]:
        """Return the names of organizations."""
        return {
            i: str(r.document["name"]) for i, r in self._parts.organizations.by_ids(ids).items()
        }

    def found(self, number: int) -> Record:
        """
        Return the organization with that id.

        Raises:
            CallRefused: 404.
        """
        record = self._parts.organizations.by_ids([number]).get(number)
        if record is None:
            raise not_found()
        return record


def _name(record: Record) -> str | None:
    name = record.document.get("name")
    return name.casefold() if isinstance(name, str) else None


def _duplicate(name: str, text: str) -> RowRefused:
    return RowRefused(name, text, error="DuplicateValue")
