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
_LEAD_STATES = ["Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"]
_LEAD_SOURCES = ["Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other"]

_FULL_NAME = """trim(coalesce("FirstName" || ' ', '') || coalesce("LastName", ''))"""
GENERATED = {("Contact", "Name"): _FULL_NAME, ("Lead", "Name"): _FULL_NAME}
"""Fields whose value SQLite derives from others."""
TOGETHER = {"CampaignMember": (("CampaignId", "ContactId"), ("CampaignId", "LeadId"))}
"""Fields that no two records may have alike together."""


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
            _master("Contact"),
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
            _master("Account"),
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


def lead() -> Document:
    """Return the describe document of Lead."""
    return _object(
        "Lead",
        "Leads",
        "00Q",
        [
            _master("Lead"),
            text("LastName", 80, "Last Name", **_REQUIRED),
            text("FirstName", 40, "First Name"),
            text("Name", 121, "Full Name", nameField=True, nillable=False, **_NOT_WRITABLE),
            text("Company", 255, "Company", **_REQUIRED),
            text("Title", 128, "Title"),
            text("Email", 80, "Email", type="email", idLookup=True),
            text("Phone", 40, "Phone", type="phone"),
            picklist("LeadSource", _LEAD_SOURCES, "Lead Source", restricted=False),
            picklist("Status", _LEAD_STATES, "Status", restricted=False)
            | {"nillable": False, "defaultedOnCreate": True},
            boolean("IsConverted", "Converted") | _NOT_WRITABLE,
            _owner(),
            external_id("Lead_Key__c", 80, "Lead Key"),
        ],
    )


def campaign() -> Document:
    """Return the describe document of Campaign."""
    return _object(
        "Campaign",
        "Campaigns",
        "701",
        [
            text("Name", 80, "Name", nameField=True, **_REQUIRED),
            boolean("IsActive", "Active"),
            picklist("Status", ["Planned", "In Progress", "Completed"], "Status", restricted=False),
            field("StartDate", "date", "Start Date"),
            _owner(),
            external_id("Campaign_Key__c", 80, "Campaign Key"),
        ],
    )


def campaign_member() -> Document:
    """Return the describe document of CampaignMember: who is in it is said once, at creation."""
    fixed: Document = {"updateable": False}
    document = _object(
        "CampaignMember",
        "Campaign Members",
        "00v",
        [
            reference("CampaignId", "Campaign", "Campaign", "Campaign ID", nillable=False, **fixed),
            reference("LeadId", "Lead", "Lead", "Lead ID", **fixed),
            reference("ContactId", "Contact", "Contact", "Contact ID", **fixed),
            picklist("Status", ["Sent", "Responded"], "Status", restricted=False),
            boolean("HasResponded", "Responded") | _NOT_WRITABLE,
            external_id("Member_Key__c", 120, "Member Key"),
            text("Segment__c", 80),
            text("Note__c", 255),
            picklist("Tier__c", ["Gold", "Silver", "Bronze"], "Tier", restricted=True),
        ],
    )
    return {**document, "mergeable": False, "undeletable": False}


def subscription() -> Document:
    """Return the describe document of the demonstration company's own object."""
    return _object(
        "Subscription__c",
        "Subscriptions",
        "a00",
        [
            text("Name", 80, "Subscription Name", nameField=True, defaultedOnCreate=True),
            reference("Contact__c", "Contact", "Contact__r", "Contact"),
            picklist("Plan__c", ["Free", "Team", "Enterprise"], "Plan", restricted=True),
            number("Seats__c", "double", 6, 0, "Seats"),
            field("Renews_On__c", "date", "Renews On"),
            _owner(),
            external_id("Subscription_Key__c", 80, "Subscription Key"),
        ],
    )


def _master(name: str) -> Document:
    """Return the field that names the record into which this one was merged."""
    label = "Master Record ID"
    return reference("MasterRecordId", name, "MasterRecord", label, **_NOT_WRITABLE)


def documents() -> dict[str, Document]:
    """Return a fresh copy of every document by object name."""
    all_of_them = (
        contact(),
        account(),
        lead(),
        campaign(),
        campaign_member(),
        subscription(),
    )
    return {document["name"]: document for document in all_of_them}
