"""What users and organizations look like: Zendesk's own fields, and the account's custom ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.names import (
    KEY,
    MEMBERSHIP_KEY,
    MEMBERSHIPS,
    ORGANIZATIONS,
    REFERENCE,
    USERS,
    Kind,
    kind_of,
)
from activation.destinations.zendesk.session import ROOT, Session
from activation.errors import Applied, Transient

_KINDS = {
    "checkbox": FieldKind.BOOLEAN,
    "currency": FieldKind.DECIMAL,
    "date": FieldKind.DATE,
    "decimal": FieldKind.DECIMAL,
    "integer": FieldKind.INTEGER,
}
"""By `type`; the others (text, textarea, regexp, dropdown, lookup, multiselect) travel as text."""
_CHOICES = ("dropdown", "tagger")
_UNWRITTEN = ("lookup", "multiselect", "parent")
"""Held as ids or lists, which no column of a contract is."""


def _text(name: str, *, required: bool = False, email: bool = False) -> FieldSchema:
    return FieldSchema(name, "string", FieldKind.TEXT, required=required, email=email)


_KEY_FIELD = FieldSchema(KEY, "string", FieldKind.TEXT, unique=True, external_id=True)
_REFERENCE = FieldSchema(REFERENCE, "reference", FieldKind.TEXT)

# "JSON format" of each; neither lengths nor what is required are documented.  A role is left
# out, because agents cost seats, and so is all that only Zendesk writes.
_BUILT_IN: dict[Kind, tuple[FieldSchema, ...]] = {
    USERS: (
        _KEY_FIELD,
        # A user cannot be created without a name.
        _text("name", required=True),
        _text("email", email=True),
        _text("phone"),
        _text("alias"),
        _text("details"),
        _text("notes"),
        _text("locale"),
        _text("time_zone"),
        FieldSchema("tags", "tags", FieldKind.TEXT),
        FieldSchema("suspended", "boolean", FieldKind.BOOLEAN),
        FieldSchema("verified", "boolean", FieldKind.BOOLEAN),
        FieldSchema("organization_id", "integer", FieldKind.INTEGER),
        _REFERENCE,
    ),
    ORGANIZATIONS: (
        _KEY_FIELD,
        _text("name", required=True),
        _text("details"),
        _text("notes"),
        FieldSchema("tags", "tags", FieldKind.TEXT),
        FieldSchema("domain_names", "array", FieldKind.TEXT),
        FieldSchema("group_id", "integer", FieldKind.INTEGER),
        FieldSchema("shared_tickets", "boolean", FieldKind.BOOLEAN),
        FieldSchema("shared_comments", "boolean", FieldKind.BOOLEAN),
    ),
    MEMBERSHIPS: (
        FieldSchema(MEMBERSHIP_KEY, "pair", FieldKind.TEXT, unique=True, external_id=True),
        FieldSchema("user.external_id", "reference", FieldKind.TEXT),
        _REFERENCE,
        FieldSchema("view_tickets", "boolean", FieldKind.BOOLEAN),
    ),
}


def describe(session: Session, object_name: str) -> ObjectSchema:
    """
    Return the object's fields; a custom field that is not active is not there.

    Raises:
        ConfigurationError: there is no such object.
        Transient, BatchRefused, AccessRefused: see `errors`.
    """
    kind = kind_of(object_name)
    fields = list(_BUILT_IN[kind])
    if kind.custom is not None:
        for entry in custom_fields(session, kind):
            try:
                fields.append(_field(kind.custom, entry))
            except (KeyError, TypeError, AttributeError):
                raise garbled(f"GET {ROOT}{kind.custom}", applied=Applied.NO) from None
    return ObjectSchema(name=object_name, fields={field.name: field for field in fields})


def custom_fields(session: Session, kind: Kind) -> Iterator[dict[str, Any]]:
    """Yield the active custom fields as Zendesk describes them."""
    if kind.custom is None:
        return
    for page in pages(session, kind.custom):
        yield from (entry for entry in page if entry.get("active") is True)


def pages(session: Session, name: str) -> Iterator[list[dict[str, Any]]]:
    """
    Yield the objects of a list, a hundred at a time, by cursor.

    Raises:
        Transient: also for a page that is not what was asked for.
        BatchRefused, AccessRefused: see `errors`.
    """
    params = {"page[size]": "100"}
    seen: set[str] = set()
    while True:
        reply = session.read(name, params=params)
        try:
            answer = orjson.loads(reply.body)
            found = answer[name]
            if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
                raise _misshapen(name)
            meta = answer.get("meta")
            following = None
            if meta is not None and meta["has_more"] is True:
                following = str(meta["after_cursor"])
            elif meta is None and answer.get("next_page") is not None:
                # A list that knows no cursors would begin anew for ever.
                raise _misshapen(name)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise _misshapen(name) from None
        yield found
        if following is None:
            return
        if following in seen:
            raise _misshapen(name)
        seen.add(following)
        params = {"page[size]": "100", "page[after]": following}


def _misshapen(name: str) -> Transient:
    return garbled(f"GET {ROOT}{name}", applied=Applied.NO)


def _field(folder: str, entry: dict[str, Any]) -> FieldSchema:
    vendor_type, key = entry["type"], entry["key"]
    values = None
    if vendor_type in _CHOICES:
        values = tuple(option["value"] for option in entry.get("custom_field_options", ()))
    return FieldSchema(
        name=f"{folder}.{key}",
        type=str(vendor_type),
        kind=_KINDS.get(vendor_type, FieldKind.TEXT),
        writable=vendor_type not in _UNWRITTEN,
        values=values,
    )
