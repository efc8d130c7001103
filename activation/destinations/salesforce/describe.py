"""What an object looks like to the integration user."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.names import check_object
from activation.destinations.salesforce.session import Session
from activation.errors import Applied, BatchRefused, ConfigurationError

_SECONDS = 60.0

_KINDS = {
    "xsd:boolean": FieldKind.BOOLEAN,
    "xsd:int": FieldKind.INTEGER,
    "xsd:long": FieldKind.INTEGER,
    "xsd:double": FieldKind.DECIMAL,
    "xsd:date": FieldKind.DATE,
    "xsd:dateTime": FieldKind.TIMESTAMP,
}
"""By `soapType`; the others (ids, strings, times, base64, addresses) travel as text."""

# For stand-ins that leave soapType out.
_KINDS_BY_TYPE = {
    "boolean": FieldKind.BOOLEAN,
    "int": FieldKind.INTEGER,
    "long": FieldKind.INTEGER,
    "double": FieldKind.DECIMAL,
    "currency": FieldKind.DECIMAL,
    "percent": FieldKind.DECIMAL,
    "date": FieldKind.DATE,
    "datetime": FieldKind.TIMESTAMP,
}


def describe(session: Session, connection: str, object_name: str) -> ObjectSchema:
    """
    Return the object's fields as the running user sees them.

    A field that the user may not see is not there, just like one that does not exist.

    Raises:
        ConfigurationError: there is no such object, or the user may not see it.
        Transient, AccessRefused, QuotaRefused: see `errors`.
    """
    path = f"sobjects/{check_object(object_name)}/describe"
    try:
        answer = session.call("GET", path, seconds=_SECONDS)
    except BatchRefused as error:
        if error.code not in ("NOT_FOUND", f"HTTP_{HTTPStatus.NOT_FOUND.value}"):
            raise
        raise ConfigurationError(
            f"Connection {connection} has no object {object_name}, or its user may not see it.",
            hint="Check destination.object in the contract and the user's object permissions.",
            connection=connection,
            object=object_name,
        ) from None
    try:
        return schema_of(orjson.loads(answer.body), object_name)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise garbled(f"GET {path}", applied=Applied.NO) from None


def schema_of(described: dict[str, Any], object_name: str) -> ObjectSchema:
    """Return the schema in a describe answer; raise KeyError or TypeError if it is none."""
    fields = [_field(entry) for entry in described["fields"]]
    return ObjectSchema(
        name=object_name,
        fields={field.name: field for field in fields},
        creatable=described.get("createable", True) is True,
        updatable=described.get("updateable", True) is True,
        deletable=described.get("deletable", True) is True,
    )


def _field(entry: dict[str, Any]) -> FieldSchema:
    vendor_type = entry["type"]
    kind = _KINDS.get(entry.get("soapType", "")) or _KINDS_BY_TYPE.get(vendor_type, FieldKind.TEXT)
    is_text, is_decimal = kind is FieldKind.TEXT, kind is FieldKind.DECIMAL
    createable = entry.get("createable") is True
    values = tuple(v["value"] for v in entry.get("picklistValues", ()) if v.get("active") is True)
    return FieldSchema(
        name=entry["name"],
        type=vendor_type,
        kind=kind,
        length=(entry.get("length") or None) if is_text else None,
        precision=(entry.get("precision") or None) if is_decimal else None,
        # 0 is a scale, and an absent one is not.
        scale=entry.get("scale") if is_decimal else None,
        writable=createable and entry.get("updateable") is True,
        # A checkbox is never null and has false as its default, whatever defaultedOnCreate says.
        required=(
            createable
            and entry.get("nillable") is False
            and entry.get("defaultedOnCreate") is not True
            and vendor_type != "boolean"
        ),
        unique=entry.get("unique") is True,
        external_id=entry.get("externalId") is True,
        email=vendor_type == "email",
        values=values if entry.get("restrictedPicklist") is True else None,
    )
