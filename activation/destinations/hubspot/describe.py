"""What an object looks like to the integration, as its properties tell."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.memberships import list_of
from activation.destinations.hubspot.names import (
    EMAIL,
    STATUS,
    Kind,
    is_contacts,
    is_custom,
    read_object,
)
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.subscriptions import BASIS, EXPLANATION, OPTED_OUT
from activation.errors import AccessRefused, Applied, BatchRefused, ConfigurationError

_KINDS = {
    "bool": FieldKind.BOOLEAN,
    "number": FieldKind.DECIMAL,
    "date": FieldKind.DATE,
    "datetime": FieldKind.TIMESTAMP,
}
"""By `type`; the others (string, enumeration, phone_number, json) travel as text."""

_BASES = (
    "CONSENT_WITH_NOTICE",
    "LEGITIMATE_INTEREST_CLIENT",
    "LEGITIMATE_INTEREST_OTHER",
    "LEGITIMATE_INTEREST_PQL",
    "NON_GDPR",
    "PERFORMANCE_OF_CONTRACT",
    "PROCESS_AND_STORE",
)
Property = Mapping[str, Any]


def describe(session: Session, connection: str, object_name: str) -> ObjectSchema:
    """
    Return the object's fields; HubSpot tells neither lengths nor, of its own objects, what must be.

    Raises:
        ConfigurationError: there is no such object.
        Transient, AccessRefused, QuotaRefused: see `errors`.
    """
    named = read_object(object_name)
    try:
        if named.kind is Kind.SUBSCRIPTION:
            return _subscription(session, object_name, named.name)
        if named.kind is Kind.LIST:
            of = list_of(session, named.name)["objectTypeId"]
            return _members(properties_of(session, of), object_name, of)
        found = properties_of(session, named.name)
    except BatchRefused:
        raise ConfigurationError(
            f"Connection {connection} has no object {object_name}.",
            hint="Check destination.object in the contract.",
            connection=connection,
            object=object_name,
        ) from None
    required = _required(session, named.name)
    fields = {name: _field(named.name, one, required) for name, one in found.items()}
    return ObjectSchema(name=object_name, fields=fields)


def properties_of(session: Session, name: str) -> dict[str, Property]:
    """
    Return the properties of an object by name.

    Raises:
        BatchRefused: there is no such object.
        Transient, AccessRefused, QuotaRefused: see `errors`.
    """
    path = session.paths.crm("properties", name)
    answer = session.read("GET", path)
    try:
        found = {one["name"]: one for one in document_of(answer.body)["results"]}
    except (KeyError, TypeError):
        raise garbled(f"GET {path}", applied=Applied.NO) from None
    if not all(isinstance(one, str) for one in found):
        raise garbled(f"GET {path}", applied=Applied.NO)
    return found


def is_unique(name: str, described: Property) -> bool:
    """Tell whether records are matched by a property; e-mail does not say so of itself."""
    email = described.get("name") == EMAIL and is_contacts(name)
    return email or described.get("hasUniqueValue") is True


def _field(name: str, described: Property, required: frozenset[str]) -> FieldSchema:
    kind = _KINDS.get(str(described.get("type")), FieldKind.TEXT)
    values = _values(described)
    if values is not None and set(values) == {"true", "false"}:
        # A single checkbox may be described as a choice of two.
        kind, values = FieldKind.BOOLEAN, None
    unique = is_unique(name, described)
    meta = described.get("modificationMetadata")
    locked = isinstance(meta, dict) and meta.get("readOnlyValue") is True
    own = str(described["name"])
    return FieldSchema(
        name=own,
        type=str(described.get("type")),
        kind=kind,
        writable=not locked and described.get("calculated") is not True,
        required=own in required,
        unique=unique,
        external_id=unique,
        email=own == EMAIL or described.get("textDisplayHint") == EMAIL,
        values=values,
    )


def _values(described: Property) -> tuple[str, ...] | None:
    """
    Return the values of a choice, hidden ones included, which are taken too.

    None where several may be chosen, which travel joined by a semicolon, or where HubSpot keeps
    the options elsewhere.
    """
    if described.get("type") != "enumeration" or described.get("fieldType") == "checkbox":
        return None
    options = described.get("options")
    if described.get("externalOptions") is True or not isinstance(options, list) or not options:
        return None
    values = (option.get("value") for option in options if isinstance(option, dict))
    return tuple(value for value in values if isinstance(value, str))


def _required(session: Session, name: str) -> frozenset[str]:
    """Return what a custom object cannot be without; its own objects HubSpot tells nothing of."""
    if not is_custom(name):
        return frozenset()
    # The schema needs a scope of its own; without it nothing is known to be required.
    with suppress(AccessRefused, BatchRefused):
        answer = session.read("GET", session.paths.schema(name))
        listed = document_of(answer.body).get("requiredProperties")
        if isinstance(listed, list):
            return frozenset(one for one in listed if isinstance(one, str))
    return frozenset()


def _members(found: Mapping[str, Property], object_name: str, of: str) -> ObjectSchema:
    """Return a list's fields: the record's own, of which the unique ones may be the key."""
    fields = {}
    for name, described in found.items():
        field = _field(of, described, frozenset())
        if field.unique:
            fields[name] = field
    return ObjectSchema(name=object_name, fields=fields)


def _subscription(session: Session, object_name: str, number: str) -> ObjectSchema:
    path = session.paths.preferences("definitions")
    answer = session.read("GET", path)
    try:
        known = {str(one["id"]) for one in document_of(answer.body)["results"]}
    except (KeyError, TypeError):
        raise garbled(f"GET {path}", applied=Applied.NO) from None
    if number not in known:
        raise BatchRefused(f"There is no subscription type {number}.", code="OBJECT_NOT_FOUND")

    def text(name: str, values: tuple[str, ...] | None = None) -> FieldSchema:
        return FieldSchema(name=name, type="string", kind=FieldKind.TEXT, values=values)

    key = FieldSchema(
        name=EMAIL,
        type="string",
        kind=FieldKind.TEXT,
        required=True,
        unique=True,
        external_id=True,
        email=True,
    )
    fields = (key, text(STATUS, (OPTED_OUT,)), text(BASIS, _BASES), text(EXPLANATION))
    return ObjectSchema(
        name=object_name, fields={field.name: field for field in fields}, deletable=False
    )
