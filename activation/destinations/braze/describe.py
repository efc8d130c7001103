"""
What profiles hold: the fields that Braze documents, and the workspace's custom attributes.

Braze tells of a custom attribute its name, type and status, and creates one that it does not
know with the first write; so one that is not there is a typing error, or must be made first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.destinations.braze.errors import document_of
from activation.destinations.braze.names import EVENT_TIME, KEY, STATE, Kind, read_object
from activation.destinations.braze.session import Session
from activation.destinations.braze.traits import LONGEST_KEY_BYTES, VENDOR
from activation.destinations.transport_errors import unreadable
from activation.errors import Applied

_PATH = "/custom_attributes"
_CALL = f"GET {_PATH}"
_MOST_PAGES = 1_000
LONGEST_TEXT = 255
"""Characters of a custom attribute's value ("Setting custom attributes")."""

_SUBSCRIPTIONS = ("opted_in", "subscribed", "unsubscribed")
PROFILE_FIELDS: Mapping[str, FieldSchema] = {
    field.name: field
    for field in (
        FieldSchema("country", "String", FieldKind.TEXT, length=2),
        FieldSchema("dob", "Date", FieldKind.DATE),
        FieldSchema("email", "String", FieldKind.TEXT, length=LONGEST_TEXT, email=True),
        FieldSchema("email_subscribe", "String", FieldKind.TEXT, values=_SUBSCRIPTIONS),
        FieldSchema("first_name", "String", FieldKind.TEXT, length=LONGEST_TEXT),
        FieldSchema("gender", "String", FieldKind.TEXT, values=("M", "F", "O", "N", "P")),
        FieldSchema("home_city", "String", FieldKind.TEXT, length=LONGEST_TEXT),
        FieldSchema("language", "String", FieldKind.TEXT, length=2),
        FieldSchema("last_name", "String", FieldKind.TEXT, length=LONGEST_TEXT),
        FieldSchema("phone", "String", FieldKind.TEXT, length=LONGEST_TEXT),
        FieldSchema("push_subscribe", "String", FieldKind.TEXT, values=_SUBSCRIPTIONS),
        FieldSchema("time_zone", "String", FieldKind.TEXT, length=LONGEST_TEXT),
    )
}
""""User attributes object", those that an export reads back."""

_KEY = FieldSchema(
    KEY,
    "String",
    FieldKind.TEXT,
    length=LONGEST_KEY_BYTES,
    required=True,
    unique=True,
    external_id=True,
)
_STATE = FieldSchema(STATE, "String", FieldKind.TEXT, values=("subscribed", "unsubscribed"))

# The first word of `data_type`; "String (Automatically Detected)" is one too.
_KINDS = {
    "string": FieldKind.TEXT,
    "number": FieldKind.DECIMAL,
    "integer": FieldKind.INTEGER,
    "float": FieldKind.DECIMAL,
    "boolean": FieldKind.BOOLEAN,
    "time": FieldKind.TIMESTAMP,
    "date": FieldKind.TIMESTAMP,
}
_ACTIVE = "active"


def describe(session: Session, object_name: str) -> ObjectSchema:
    """
    Return the object's fields.

    An array attribute stands under `name[]`, as what each of its elements is: there or not.
    An event takes any property; only its fixed fields are told.

    Raises:
        ConfigurationError: Braze has no such object.
        Transient, AccessRefused: see `errors`.
    """
    named = read_object(object_name)
    if named.kind is Kind.GROUP:
        return ObjectSchema(object_name, {KEY: _KEY, _STATE.name: _STATE}, updatable=True)
    if named.kind is Kind.EVENTS:
        time = FieldSchema(EVENT_TIME, "Time", FieldKind.TIMESTAMP, required=True)
        return ObjectSchema(object_name, {KEY: _KEY, EVENT_TIME: time}, updatable=False)
    fields = {KEY: _KEY, **PROFILE_FIELDS}
    for page in attribute_pages(session):
        fields |= {field.name: field for field in map(_field, page) if field is not None}
    return ObjectSchema(object_name, fields)


def attribute_pages(session: Session) -> Iterator[list[dict[str, Any]]]:
    """
    Yield the workspace's custom attributes, 50 a page.

    Raises:
        Transient: also for a page that is not what was asked for.
        AccessRefused: the key lacks the permission.
    """
    cursor: str | None = None
    seen = set()
    for _ in range(_MOST_PAGES):
        params = [("cursor", cursor)] if cursor else []
        body, headers, _requests = session.read("GET", _PATH, params=params)
        document = document_of(body)
        attributes = document.get("attributes") if document else None
        if not isinstance(attributes, list) or not all(isinstance(a, dict) for a in attributes):
            raise unreadable(_CALL, VENDOR, applied=Applied.NO)
        yield attributes
        cursor = next_cursor(headers.get("Link", ""))
        if cursor is None:
            return
        if cursor in seen:
            break
        seen.add(cursor)
    raise unreadable(_CALL, VENDOR, applied=Applied.NO)


def next_cursor(link: str) -> str | None:
    """
    Return the cursor of the page that a Link header calls next.

    Only the cursor is taken: the address decides nothing about where the next request goes.
    """
    for target, parameters in re.findall(r"<([^>]*)>([^,<]*)", link):
        if re.search(r'rel="?next"?', parameters):
            found = parse_qs(urlsplit(target).query).get("cursor")
            return found[0] if found else None
    return None


def _field(entry: dict[str, Any]) -> FieldSchema | None:
    name, told = entry.get("name"), entry.get("data_type")
    if not isinstance(name, str) or not name:
        return None
    told = told if isinstance(told, str) else ""
    words = re.findall(r"[a-z]+", told.lower())
    writable = str(entry.get("status", _ACTIVE)).lower() == _ACTIVE
    if words[:1] == ["array"] or words[:2] == ["string", "array"]:
        return FieldSchema(f"{name}[]", told, FieldKind.BOOLEAN, writable=writable)
    kind = _KINDS.get(words[0]) if words else None
    return FieldSchema(
        name,
        told or "unknown",
        kind or FieldKind.TEXT,
        length=LONGEST_TEXT if kind is FieldKind.TEXT else None,
        # What has no kind here, such as an object, is not for a contract to write.
        writable=writable and kind is not None,
        takes=(FieldKind.DATE,) if kind is FieldKind.TIMESTAMP else (),
    )
