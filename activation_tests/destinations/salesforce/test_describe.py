from __future__ import annotations

from typing import Any

import pytest

from activation.contract.model import FieldKind
from activation.destinations.base import FieldSchema
from activation.destinations.salesforce.destination import Salesforce
from activation.errors import AccessRefused, Applied, ConfigurationError, Transient
from activation_tests.destinations.scripted import Scripted, Server


def field(name: str, vendor_type: str, soap: str, **facts: Any) -> dict[str, Any]:
    """Describe a field that may be written and may be empty, unless told otherwise."""
    base = {"createable": True, "updateable": True, "nillable": True, "defaultedOnCreate": False}
    return {"name": name, "type": vendor_type, "soapType": soap} | base | facts


def described(server: Server, org: Salesforce, *fields: dict[str, Any]) -> dict[str, FieldSchema]:
    """Describe a Contact with these fields."""
    server.answer(
        Scripted({"name": "Contact", "createable": True, "updateable": True, "fields": fields})
    )
    return org.describe("Contact").fields


@pytest.mark.parametrize(
    ("vendor_type", "soap", "kind"),
    [
        ("id", "tns:ID", FieldKind.TEXT),
        ("string", "xsd:string", FieldKind.TEXT),
        ("picklist", "xsd:string", FieldKind.TEXT),
        ("email", "xsd:string", FieldKind.TEXT),
        ("boolean", "xsd:boolean", FieldKind.BOOLEAN),
        ("int", "xsd:int", FieldKind.INTEGER),
        ("double", "xsd:double", FieldKind.DECIMAL),
        ("currency", "xsd:double", FieldKind.DECIMAL),
        ("percent", "xsd:double", FieldKind.DECIMAL),
        ("date", "xsd:date", FieldKind.DATE),
        ("datetime", "xsd:dateTime", FieldKind.TIMESTAMP),
        ("time", "xsd:time", FieldKind.TEXT),
        ("address", "urn:address", FieldKind.TEXT),
        ("currency", "", FieldKind.DECIMAL),
        ("datetime", "", FieldKind.TIMESTAMP),
        ("something-new", "", FieldKind.TEXT),
    ],
)
def test_types_have_a_kind(
    server: Server, org: Salesforce, vendor_type: str, soap: str, kind: FieldKind
) -> None:
    """The SOAP type decides the kind, and the API's own type where that is missing."""
    found = described(server, org, field("X__c", vendor_type, soap))

    assert (found["X__c"].kind, found["X__c"].type) == (kind, vendor_type)


def test_sizes_and_flags_are_read(server: Server, org: Salesforce) -> None:
    """Length, digits, uniqueness, external id, e-mail and picklist values come through."""
    found = described(
        server,
        org,
        field("Crm_Key__c", "string", "xsd:string", length=64, unique=True, externalId=True),
        field("Email", "email", "xsd:string", length=80),
        field("Score__c", "double", "xsd:double", length=0, precision=5, scale=2),
        field("Whole__c", "double", "xsd:double", length=0, precision=18, scale=0),
        field(
            "Tier__c",
            "picklist",
            "xsd:string",
            restrictedPicklist=True,
            picklistValues=[
                {"value": "gold", "active": True},
                {"value": "lead", "active": False},
            ],
        ),
        field("Open__c", "picklist", "xsd:string", picklistValues=[{"value": "a", "active": True}]),
    )

    key = found["Crm_Key__c"]
    assert (key.length, key.unique, key.external_id, key.email) == (64, True, True, False)
    assert found["Email"].email
    score, whole = found["Score__c"], found["Whole__c"]
    assert (score.precision, score.scale, score.length) == (5, 2, None)
    assert (whole.precision, whole.scale) == (18, 0)
    assert found["Tier__c"].values == ("gold",)
    assert found["Open__c"].values is None


@pytest.mark.parametrize(
    ("facts", "writable", "required"),
    [
        ({"nillable": False}, True, True),
        ({}, True, False),
        ({"nillable": False, "defaultedOnCreate": True}, True, False),
        ({"nillable": False, "createable": False}, False, False),
        ({"updateable": False}, False, False),
        ({"nillable": False, "type": "boolean"}, True, False),
    ],
)
def test_required_and_writable(
    server: Server, org: Salesforce, facts: dict[str, Any], *, writable: bool, required: bool
) -> None:
    """Required is what a creation must give; writable is what may be created and updated."""
    found = described(server, org, field("X__c", "string", "xsd:string", **facts))

    assert (found["X__c"].writable, found["X__c"].required) == (writable, required)


def test_an_object_that_may_not_be_written_says_so(server: Server, org: Salesforce) -> None:
    """What the user may do with the object is part of its schema."""
    server.answer(Scripted({"createable": False, "updateable": True, "fields": []}))

    schema = org.describe("Contact")

    assert (schema.name, schema.creatable, schema.updatable) == ("Contact", False, True)


def test_an_unknown_object_is_named_with_its_connection(server: Server, org: Salesforce) -> None:
    """A 404 is a mistake in the configuration, and says which object where."""
    server.answer(Scripted([{"errorCode": "NOT_FOUND", "message": "no"}], status=404))

    with pytest.raises(ConfigurationError, match=r"crm has no object Kontakt"):
        org.describe("Kontakt")


def test_a_lack_of_permission_stays_one(server: Server, org: Salesforce) -> None:
    """Other refusals keep their kind."""
    server.answer(Scripted([{"errorCode": "API_DISABLED_FOR_ORG"}], status=403))

    with pytest.raises(AccessRefused):
        org.describe("Contact")


@pytest.mark.parametrize("body", [b"<html>", [], {}, {"fields": [1]}, {"fields": [{}]}, None])
def test_an_unreadable_description_is_passing_trouble(
    server: Server, org: Salesforce, body: object
) -> None:
    """An answer that describes nothing is not taken for an object without fields."""
    server.answer(Scripted(body))

    with pytest.raises(Transient) as caught:
        org.describe("Contact")

    assert (caught.value.code, caught.value.applied) == ("GARBLED_ANSWER", Applied.NO)


def test_an_object_name_cannot_leave_its_path(server: Server, org: Salesforce) -> None:
    """A name that holds more than a name is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="not the API name"):
        org.describe("../limits")

    assert server.seen == []
