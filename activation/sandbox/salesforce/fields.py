"""One field of a describe document, with every key that Salesforce gives it."""

from __future__ import annotations

from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "int": "xsd:int",
    "boolean": "xsd:boolean",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}
NUMBERS = frozenset({"double", "currency", "percent"})
_ID_LENGTH = 18
_INT_DIGITS = 8
_MAX_BYTES_A_CHARACTER = 3


def field(name: str, kind: str, label: str | None = None, **given: Any) -> Document:
    """Return a field that may be written and left empty, unless `given` says otherwise."""
    length = given.get("length", 0)
    document: Document = {
        "aggregatable": kind != "boolean",
        "aiPredictionField": False,
        "autoNumber": False,
        # Ids are ASCII; of other text a character may take three bytes.
        "byteLength": length if kind in ("id", "reference") else length * _MAX_BYTES_A_CHARACTER,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": True,
        "custom": name.endswith("__c"),
        "defaultValue": None,
        "defaultValueFormula": None,
        "defaultedOnCreate": False,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": _INT_DIGITS if kind == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": False,
        "extraTypeInfo": None,
        "filterable": True,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": kind not in NUMBERS | {"datetime"},
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": False,
        "inlineHelpText": None,
        "label": label or name.removesuffix("__c").replace("_", " "),
        "length": length,
        "mask": None,
        "maskType": None,
        "name": name,
        "nameField": False,
        "namePointing": False,
        "nillable": True,
        "permissionable": True,
        "picklistValues": [],
        "polymorphicForeignKey": False,
        "precision": 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": [],
        "relationshipName": None,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": False,
        "scale": 0,
        "searchPrefilterable": False,
        "soapType": _SOAP.get(kind, "xsd:string"),
        "sortable": True,
        "type": kind,
        "unique": False,
        "updateable": True,
        "writeRequiresMasterRead": False,
    }
    document.update(given)
    return document


def text(name: str, length: int, label: str | None = None, **given: Any) -> Document:
    """Return a text field."""
    return field(name, given.pop("type", "string"), label, length=length, **given)


def external_id(name: str, length: int, label: str) -> Document:
    """Return a unique external id that does not mind case."""
    return text(name, length, label, externalId=True, idLookup=True, unique=True)


def number(name: str, kind: str, precision: int, scale: int, label: str | None = None) -> Document:
    """Return a double, currency or percent field of that many digits, `scale` behind the point."""
    return field(name, kind, label, precision=precision, scale=scale)


def boolean(name: str, label: str) -> Document:
    """Return a checkbox: never empty, off by default."""
    return field(name, "boolean", label, nillable=False, defaultedOnCreate=True, defaultValue=False)


def picklist(name: str, values: list[str], label: str, *, restricted: bool) -> Document:
    """Return a picklist; only a restricted one refuses other values."""
    return text(
        name,
        255,
        label,
        type="picklist",
        restrictedPicklist=restricted,
        picklistValues=picklist_values(values),
    )


def picklist_values(values: list[str]) -> list[Document]:
    """Return the entries of a picklist."""
    return [
        {"active": True, "defaultValue": False, "label": v, "validFor": None, "value": v}
        for v in values
    ]


def reference(name: str, target: str, relationship: str, label: str, **given: Any) -> Document:
    """Return a lookup of another object."""
    return field(
        name,
        "reference",
        label,
        length=_ID_LENGTH,
        referenceTo=[target],
        relationshipName=relationship,
        **given,
    )


_SYSTEM: Document = {
    "createable": False,
    "updateable": False,
    "nillable": False,
    "defaultedOnCreate": True,
    "permissionable": False,
}


def system_fields(label: str) -> list[Document]:
    """Return the fields that every object has and nobody writes."""
    return [
        field("Id", "id", f"{label} ID", length=_ID_LENGTH, idLookup=True, **_SYSTEM),
        field("IsDeleted", "boolean", "Deleted", defaultValue=False, **_SYSTEM),
        field("CreatedDate", "datetime", "Created Date", **_SYSTEM),
        reference("CreatedById", "User", "CreatedBy", "Created By ID", **_SYSTEM),
        field("LastModifiedDate", "datetime", "Last Modified Date", **_SYSTEM),
        reference("LastModifiedById", "User", "LastModifiedBy", "Last Modified By ID", **_SYSTEM),
        field("SystemModstamp", "datetime", "System Modstamp", **_SYSTEM),
    ]
