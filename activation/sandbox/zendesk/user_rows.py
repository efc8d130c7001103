"""Rows of users: read, checked, matched and written, all of a request at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from activation.sandbox.zendesk.errors import RowRefused
from activation.sandbox.zendesk.fields import USER_FIELDS
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.quirks import FOREIGN_EMAIL, TAGS_KEEP_FIELD_TAGS
from activation.sandbox.zendesk.records import Record
from activation.sandbox.zendesk.tags import written
from activation.sandbox.zendesk.users import Users

_EMAIL = re.compile(
    r"[^\s@<>(),;:\\\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,}"
)
_TEXTS = ("alias", "details", "locale", "notes", "phone", "signature", "time_zone")
_FLAGS = ("moderator", "only_private_comments", "suspended", "verified")


class Way(StrEnum):
    """What a row asks for."""

    UPSERT = "create_or_update"
    UPDATE = "update"
    CREATE = "create"


@dataclass(slots=True)
class Written:
    """What became of one row."""

    record: Record | None = None
    created: bool = False
    error: RowRefused | None = None


@dataclass(slots=True)
class _Batch:
    """What the rows of one request have found and changed so far."""

    by_id: dict[int, Record]
    by_key: dict[str, Record]
    owners: dict[str, int]
    organizations: set[int]
    now: str
    seconds: float
    dirty: dict[int, Record] = field(default_factory=dict)
    addresses: list[tuple[int, str, bool, bool]] = field(default_factory=list)
    homes: dict[int, int | None] = field(default_factory=dict)


class UserRows:
    """Writes rows of users."""

    def __init__(self, parts: Parts, users: Users) -> None:
        self._parts = parts
        self._users = users

    def write(
        self,
        rows: Sequence[Mapping[str, Any]],
        way: Way,
        *,
        refused: Mapping[int, RowRefused] | None = None,
    ) -> list[Written]:
        """
        Write rows, each for itself; the last of two with the same key wins.

        `refused` are the places of rows that somebody has refused already.
        """
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
            self._parts.users.save(batch.dirty.values())
            self._parts.identities.add(batch.addresses, batch.now)
            if batch.homes:
                self._parts.memberships.replace(batch.homes, batch.now)
        return results

    def known(self, row: Mapping[str, Any]) -> Record | None:
        """Return the user that an upsert of a row would update."""
        batch = self._find([row])
        key, email = _key(row), _address(row)
        owner = batch.owners.get(email) if email is not None else None
        by_key = batch.by_key.get(key.casefold()) if key is not None else None
        return by_key or (batch.by_id.get(owner) if owner is not None else None)

    def _find(self, rows: Sequence[Mapping[str, Any]]) -> _Batch:
        keys = {k.casefold() for row in rows if isinstance(k := row.get("external_id"), str)}
        emails = {e.strip().lower() for row in rows if isinstance(e := row.get("email"), str)}
        by_key = self._parts.users.by_keys(keys)
        owners = self._parts.identities.owners(emails)
        ids = {i for row in rows if type(i := row.get("id")) is int} | set(owners.values())
        by_id = {r.id: r for r in by_key.values()}
        by_id.update(self._parts.users.by_ids(ids - by_id.keys()))
        named = {o for row in rows if type(o := row.get("organization_id")) is int}
        moment = self._parts.clock.now()
        return _Batch(
            by_id=by_id,
            by_key={r.key: r for r in by_id.values() if r.key is not None},
            owners=owners,
            organizations=set(self._parts.organizations.by_ids(named)),
            now=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            seconds=moment.timestamp(),
        )

    def _one(self, batch: _Batch, row: Mapping[str, Any], way: Way) -> Written:
        key, email = _key(row), _address(row)
        record = self._match(batch, row, key, email, way)
        created = record is None
        if record is None:
            record = self._parts.users.new()
            record.document = {"created_at": batch.now}
        elif record.document.get("shared"):
            raise RowRefused("base", "Shared users cannot be updated")
        stored = dict(record.document)
        self._read(batch, row, stored, email, created=created)
        if key is not None:
            other = batch.by_key.get(key.casefold())
            if other is not None and other.id != record.id:
                raise _duplicate("external_id", f"External: {key} has already been taken")
            # "External ID Case Sensitivity": the case that was asked for is kept.
            stored["external_id"] = key
        elif "external_id" in row and row["external_id"] is None:
            stored.pop("external_id", None)
        stored["updated_at"] = batch.now
        if "organization_id" in row:
            batch.homes[record.id] = stored["organization_id"]
        self._keep(batch, record, stored, email)
        if created and not row.get("skip_verify_email"):
            self._users.mails += 1
        return Written(record, created=created)

    def _match(
        self,
        batch: _Batch,
        row: Mapping[str, Any],
        key: str | None,
        email: str | None,
        way: Way,
    ) -> Record | None:
        """Return the user that a row is about, or None for a new one."""
        by_key = batch.by_key.get(key.casefold()) if key is not None else None
        owner = batch.owners.get(email) if email is not None else None
        by_email = batch.by_id.get(owner) if owner is not None else None
        if way is Way.CREATE:
            if by_key is not None:
                raise _duplicate("external_id", f"External: {key} has already been taken")
            if by_email is not None:
                raise _taken(email)
            return None
        by_id = batch.by_id.get(row["id"]) if type(row.get("id")) is int else None
        found = by_id or by_key
        if way is Way.UPDATE and found is None:
            raise RowRefused("id", "User not found", error="RecordNotFound")
        if found is None:
            found = by_email
            other = (
                found is not None and key is not None and found.key not in (None, key.casefold())
            )
            if other and self._parts.quirks.value(FOREIGN_EMAIL) == "refused":
                raise _taken(email)
        if by_email is not None and found is not None and by_email.id != found.id:
            # The address of one user and the key of another: an error, not a merge.
            raise _taken(email)
        return found

    def _read(
        self,
        batch: _Batch,
        row: Mapping[str, Any],
        stored: dict[str, Any],
        email: str | None,
        *,
        created: bool,
    ) -> None:
        """Take over the values of a row."""
        if "name" in row or created:
            name = row.get("name")
            if not isinstance(name, str) or not name.strip():
                raise RowRefused("name", "Name: cannot be blank", error="BlankValue")
            stored["name"] = name.strip()
        if email is not None and _EMAIL.fullmatch(email) is None:
            # Recorded so, without an error code of the field's.
            raise RowRefused("email", f"Email: {row['email']} is not properly formatted")
        _read_plain(row, stored)
        self._read_fields(row, stored)
        if "organization_id" in row:
            organization = row["organization_id"]
            if organization is not None and organization not in batch.organizations:
                raise RowRefused("organization_id", "Organization: does not exist")
            stored["organization_id"] = organization

    def _read_fields(self, row: Mapping[str, Any], stored: dict[str, Any]) -> None:
        before = stored.get("user_fields", {})
        custom = dict(before)
        self._parts.fields.read(USER_FIELDS, row.get("user_fields"), custom)
        gone = set(self._parts.fields.tags(USER_FIELDS, before))
        given = self._parts.fields.tags(USER_FIELDS, custom)
        tags = [tag for tag in stored.get("tags", ()) if tag not in gone or tag in given]
        if "tags" in row:
            fixed = given if self._parts.quirks.on(TAGS_KEEP_FIELD_TAGS) else ()
            tags = written(tags, row["tags"], fixed)
        stored["tags"] = list(dict.fromkeys([*tags, *given]))
        stored["user_fields"] = custom

    def _keep(
        self,
        batch: _Batch,
        record: Record,
        stored: dict[str, Any],
        email: str | None,
    ) -> None:
        """Let the rows that follow see what this one changed."""
        if email is not None and batch.owners.get(email) != record.id:
            # "Email address": on an update it becomes another address, and the primary stays.
            primary = stored.get("email") is None
            batch.addresses.append((record.id, email, primary, bool(stored.get("verified"))))
            batch.owners[email] = record.id
            if primary:
                stored["email"] = email
        if record.key is not None:
            batch.by_key.pop(record.key, None)
        record.document, record.updated = stored, batch.seconds
        batch.dirty[record.id] = batch.by_id[record.id] = record
        if record.key is not None:
            batch.by_key[record.key] = record


def _key(row: Mapping[str, Any]) -> str | None:
    key = row.get("external_id")
    return key if isinstance(key, str) and key.strip() else None


def _address(row: Mapping[str, Any]) -> str | None:
    email = row.get("email")
    return email.strip().lower() if isinstance(email, str) and email.strip() else None


def _read_plain(row: Mapping[str, Any], stored: dict[str, Any]) -> None:
    """Take over texts and flags."""
    for name in _TEXTS:
        if name in row:
            # Recorded: an alias that was cleared comes back empty, a new one null.
            value = row[name]
            if value is None and not stored.get(name):
                stored.pop(name, None)
            else:
                stored[name] = "" if value is None else str(value)
    for name in _FLAGS:
        if name in row:
            stored[name] = row[name] is True
    if row.get("role") in ("end-user", "agent", "admin"):
        stored["role"] = row["role"]


def _duplicate(field_name: str, text: str) -> RowRefused:
    # The code of the field's error is from general knowledge.
    return RowRefused(field_name, text, error="DuplicateValue")


def _taken(email: str | None) -> RowRefused:
    return _duplicate("email", f"Email: {email} is already being used by another user")
