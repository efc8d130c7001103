"""
The objects that the sandbox knows, as describe documents.

Standard objects are described as an org was recorded to describe them; custom fields are those of
the demonstration company.
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
from activation.sandbox.salesforce.standard import (
    ACCOUNT,
    CAMPAIGN,
    CONTACT,
    LEAD,
    standard_fields,
)

_NOT_WRITABLE: Document = {"createable": False, "updateable": False}

_FULL_NAME = """trim(coalesce("FirstName" || ' ', '') || coalesce("LastName", ''))"""
GENERATED = {("Contact", "Name"): _FULL_NAME, ("Lead", "Name"): _FULL_NAME}
"""Fields whose value SQLite derives from others."""
TOGETHER = {"CampaignMember": (("CampaignId", "ContactId"), ("CampaignId", "LeadId"))}
"""Fields that no two records may have alike together."""


def _object(name: str, plural: str, prefix: str, fields: list[Document]) -> Document:
    root = f"/services/data/v59.0/sobjects/{name}"
    label = name.removesuffix("__c").replace("CampaignMember", "Campaign Member")
    return {
        "actionOverrides": [],
        "activateable": False,
        "childRelationships": [],
        "compactLayoutable": True,
        "createable": True,
        "custom": name.endswith("__c"),
        "customSetting": False,
        "deletable": True,
        "deprecatedAndHidden": False,
        "feedEnabled": True,
        "fields": [*system_fields(label), *fields],
        "hasSubtypes": False,
        "isSubtype": False,
        "keyPrefix": prefix,
        "label": label,
        "labelPlural": plural,
        "layoutable": True,
        "listviewable": None,
        "lookupLayoutable": None,
        "mergeable": True,
        "mruEnabled": True,
        "name": name,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "queryable": True,
        "recordTypeInfos": [_master_record_type(root)],
        "replicateable": True,
        "retrieveable": True,
        "searchLayoutable": True,
        "searchable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {plural.lower()}", "name": "everything"},
            {"label": f"My {plural.lower()}", "name": "mine"},
        ],
        "triggerable": True,
        "undeletable": True,
        "updateable": True,
        "urls": {
            "compactLayouts": f"{root}/describe/compactLayouts",
            "describe": f"{root}/describe",
            "layouts": f"{root}/describe/layouts",
            "rowTemplate": f"{root}/{{ID}}",
            "sobject": root,
        },
    }


def _master_record_type(root: str) -> Document:
    identity = "012000000000000AAA"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "master": True,
        "name": "Master",
        "recordTypeId": identity,
        "urls": {"layout": f"{root}/describe/layouts/{identity}"},
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
            *standard_fields("Contact", CONTACT),
            boolean("HasOptedOutOfEmail", "Email Opt Out"),
            boolean("DoNotCall", "Do Not Call"),
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
    fields = [
        *standard_fields("Account", ACCOUNT),
        external_id("Account_Key__c", 80, "Account Key"),
    ]
    return _object("Account", "Accounts", "001", fields)


def lead() -> Document:
    """Return the describe document of Lead."""
    fields = [*standard_fields("Lead", LEAD), external_id("Lead_Key__c", 80, "Lead Key")]
    return _object("Lead", "Leads", "00Q", fields)


def campaign() -> Document:
    """Return the describe document of Campaign."""
    fields = [
        *standard_fields("Campaign", CAMPAIGN),
        external_id("Campaign_Key__c", 80, "Campaign Key"),
    ]
    document = _object("Campaign", "Campaigns", "701", fields)
    return {**document, "mergeable": False, "feedEnabled": False}


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
    by_name = {document["name"]: document for document in all_of_them}
    for document in all_of_them:
        for lookup in document["fields"]:
            for target in lookup["referenceTo"]:
                if target in by_name:
                    by_name[target]["childRelationships"].append(_child(document["name"], lookup))
    return by_name


def _child(name: str, lookup: Document) -> Document:
    """Return how an object is told of the lookups that refer to it."""
    return {
        "cascadeDelete": False,
        "childSObject": name,
        "deprecatedAndHidden": False,
        "field": lookup["name"],
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": None,
        "restrictedDelete": False,
    }
