"""
The objects that the sandbox knows, as describe documents.

Standard fields follow what an org of API version 59.0 describes; custom fields are those of the
demonstration company.
"""

from __future__ import annotations

from activation.sandbox.salesforce.fields import (
    Document,
    boolean,
    external_id,
    field,
    number,
    picklist,
    reference,
    system_fields,
    text,
)

_NOT_WRITABLE: Document = {"createable": False, "updateable": False}
_REQUIRED: Document = {"nillable": False}
_INDUSTRIES = ["Agriculture", "Banking", "Education", "Healthcare", "Retail", "Technology", "Other"]
_LEAD_SOURCES = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]

GENERATED = {
    ("Contact", "Name"): """trim(coalesce("FirstName" || ' ', '') || coalesce("LastName", ''))"""
}
"""Fields whose value SQLite derives from others."""


def _object(name: str, plural: str, prefix: str, fields: list[Document]) -> Document:
    root = f"/services/data/v59.0/sobjects/{name}"
    return {
        "activateable": False,
        "createable": True,
        "custom": name.endswith("__c"),
        "customSetting": False,
        "deletable": True,
        "fields": [*system_fields(), *fields],
        "keyPrefix": prefix,
        "label": name,
        "labelPlural": plural,
        "mergeable": True,
        "name": name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": True,
        "updateable": True,
        "urls": {
            "describe": f"{root}/describe",
            "rowTemplate": f"{root}/{{ID}}",
            "sobject": root,
        },
    }


def _owner() -> Document:
    return reference("OwnerId", "User", "Owner", "Owner ID", nillable=False, defaultedOnCreate=True)


def contact() -> Document:
    """Return the describe document of Contact."""
    return _object(
        "Contact",
        "Contacts",
        "003",
        [
            reference("AccountId", "Account", "Account", "Account ID"),
            text("LastName", 80, "Last Name", **_REQUIRED),
            text("FirstName", 40, "First Name"),
            text("Name", 121, "Full Name", nameField=True, nillable=False, **_NOT_WRITABLE),
            text("Email", 80, "Email", type="email", idLookup=True),
            text("Phone", 40, "Business Phone", type="phone"),
            text("MobilePhone", 40, "Mobile Phone", type="phone"),
            text("Title", 128, "Title"),
            text("Department", 80, "Department"),
            text("MailingCity", 40, "Mailing City"),
            text("MailingCountry", 80, "Mailing Country"),
            text("Description", 32000, "Contact Description", type="textarea"),
            field("Birthdate", "date", "Birthdate"),
            picklist("LeadSource", _LEAD_SOURCES, "Lead Source", restricted=False),
            boolean("HasOptedOutOfEmail", "Email Opt Out"),
            boolean("DoNotCall", "Do Not Call"),
            _owner(),
            external_id("Customer_Key__c", 80, "Customer Key"),
            number("Churn_Score__c", "double", 5, 2),
            picklist("Churn_Band__c", ["Low", "Medium", "High"], "Churn Band", restricted=True),
            text("Churn_Reason__c", 255),
            number("Monthly_Value__c", "currency", 12, 2),
            field("Churn_Scored_At__c", "datetime"),
        ],
    )


def account() -> Document:
    """Return the describe document of Account."""
    return _object(
        "Account",
        "Accounts",
        "001",
        [
            text("Name", 255, "Account Name", nameField=True, **_REQUIRED),
            text("Phone", 40, "Account Phone", type="phone"),
            text("Website", 255, "Website", type="url"),
            picklist("Industry", _INDUSTRIES, "Industry", restricted=False),
            text("BillingCity", 40, "Billing City"),
            text("BillingCountry", 80, "Billing Country"),
            text("Description", 32000, "Account Description", type="textarea"),
            field("NumberOfEmployees", "int", "Employees"),
            number("AnnualRevenue", "currency", 18, 0, "Annual Revenue"),
            _owner(),
            external_id("Account_Key__c", 80, "Account Key"),
        ],
    )


def documents() -> dict[str, Document]:
    """Return a fresh copy of every document by object name."""
    return {document["name"]: document for document in (contact(), account())}
