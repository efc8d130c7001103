"""Users: how they are told, deleted, erased and merged; `user_rows` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activation.sandbox.zendesk.errors import CallRefused, shared_user
from activation.sandbox.zendesk.fields import USER_FIELDS
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.quirks import (
    DELETION_EMPTIES_FIELDS,
)
from activation.sandbox.zendesk.records import ACTIVE, DELETED, ERASED, Record
from activation.sandbox.zendesk.tags import tidy

OWNER_ID = 421_000_000_001
"""The account's owner, who made the OAuth client: calls are made in their name."""

# As recorded, in the order in which a user is told.
_SHOWN: Mapping[str, Any] = {
    "time_zone": "Arizona",
    "iana_time_zone": "America/Phoenix",
    "phone": None,
    "shared_phone_number": None,
    "photo": None,
    "locale_id": 1,
    "locale": "en-US",
    "organization_id": None,
    "role": "end-user",
    "verified": False,
    "external_id": None,
    "tags": [],
    "alias": None,
    "active": True,
    "shared": False,
    "shared_agent": False,
    "last_login_at": None,
    "two_factor_auth_enabled": False,
    "signature": None,
    "details": None,
    "notes": None,
    "role_type": None,
    "custom_role_id": None,
    "moderator": False,
    "ticket_restriction": "requested",
    "only_private_comments": False,
    "restricted_agent": True,
    "suspended": False,
    "default_group_id": None,
    "report_csv": False,
}


class Users:
    """All users, and what can be done with them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.mails = 0
        """Welcome mails that went out: one for each new user without skip_verify_email."""
        self.prepare()

    def prepare(self) -> None:
        """Let there be tables, and the owner."""
        self._parts.users.prepare()
        self._parts.identities.prepare()
        self.mails = 0
        if not self._parts.users.count(f"id = {OWNER_ID}"):
            owner = self._parts.users.new()
            owner.document = {
                "name": "Account Owner",
                "email": "owner@example.com",
                "role": "admin",
                "role_type": 4,
                "verified": True,
                "restricted_agent": False,
                "moderator": True,
                "ticket_restriction": None,
                "created_at": self._parts.now(),
                "updated_at": self._parts.now(),
            }
            owner.updated = self._parts.clock.now().timestamp()
            self._parts.users.save([owner])
            self._parts.identities.add(
                [(owner.id, "owner@example.com", True, True)], self._parts.now()
            )

    def shown(self, record: Record) -> dict[str, Any]:
        """Return a user as Zendesk tells of it."""
        stored = record.document
        url = f"{self._parts.address}/api/v2/users/{record.id}.json"
        told = {
            "id": record.id,
            "url": url,
            "name": stored["name"],
            "email": stored.get("email"),
            "created_at": stored["created_at"],
            "updated_at": stored["updated_at"],
        }
        told.update((name, stored.get(name, value)) for name, value in _SHOWN.items())
        told["active"] = record.state == ACTIVE
        told["user_fields"] = self._parts.fields.shown(USER_FIELDS, stored.get("user_fields", {}))
        return told

    def delete(self, records: Sequence[Record]) -> None:
        """Delete users softly: key and address are free, the user cannot be brought back."""
        now = self._parts.now()
        for record in records:
            stored = record.document
            stored.pop("external_id", None)
            # Its own record forgets the address; the list of deleted users keeps it.
            stored["deleted_email"] = stored.pop("email", None)
            if self._parts.quirks.on(DELETION_EMPTIES_FIELDS):
                stored.pop("user_fields", None)
            stored.update(verified=False, updated_at=now)
            record.state, record.updated = DELETED, self._parts.clock.now().timestamp()
        with self._parts.state.transaction():
            self._parts.users.save(records)
            self._parts.identities.drop(record.id for record in records)
            self._parts.memberships.replace(dict.fromkeys(r.id for r in records), now)

    def erase(self, record: Record) -> dict[str, Any]:
        """Delete a deleted user permanently; return it as it was."""
        told = self.deleted(record)
        created = record.document["created_at"]
        record.document = {
            "name": "Permanently Deleted User",
            "created_at": created,
            "updated_at": self._parts.now(),
        }
        record.state, record.updated = ERASED, self._parts.clock.now().timestamp()
        with self._parts.state.transaction():
            self._parts.users.save([record])
        return told

    def deleted(self, record: Record) -> dict[str, Any]:
        """Return a deleted user as `deleted_users` tells of it."""
        told = self.shown(record)
        names = (
            "id", "url", "name", "email", "created_at", "updated_at", "time_zone", "phone",
            "shared_phone_number", "photo", "locale_id", "locale", "organization_id", "role",
            "active",
        )  # fmt: skip
        kept = {name: told[name] for name in names}
        kept["email"] = record.document.get("deleted_email")
        kept["url"] = f"{self._parts.address}/api/v2/deleted_users/{record.id}.json"
        return kept

    def merge(self, loser: Record, winner: Record) -> None:
        """Merge a user into another: addresses and tags move, and the loser is deleted."""
        tags = dict.fromkeys([*winner.document.get("tags", ()), *loser.document.get("tags", ())])
        winner.document["tags"] = tidy(list(tags))
        winner.document["updated_at"] = self._parts.now()
        winner.updated = self._parts.clock.now().timestamp()
        with self._parts.state.transaction():
            self._parts.identities.move(loser.id, winner.id)
            self._parts.users.save([winner])
        self.delete([loser])

    def refuse_shared(self, record: Record) -> None:
        """
        Let a user pass that is not shared from another account.

        Raises:
            CallRefused: 403.
        """
        if record.document.get("shared"):
            raise shared_user()

    def found(self, number: int) -> Record:
        """
        Return the active user with that id.

        Raises:
            CallRefused: 404.
        """
        record = self._parts.users.by_ids([number]).get(number)
        if record is None:
            raise CallRefused(404, {"error": "RecordNotFound", "description": "Not found"})
        return record
