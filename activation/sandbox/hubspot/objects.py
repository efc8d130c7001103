"""The objects of the account and the properties that they begin with, as HubSpot describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from activation.sandbox.hubspot.errors import PORTAL

Document = dict[str, Any]
_CREATED = "2026-01-05T09:00:00.000Z"


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One kind of record."""

    name: str
    """As addresses name it, in the plural."""
    type_id: str
    legacy: str
    """What HubSpot's own messages call it."""
    created: str
    """The property that holds when a record was made."""
    modified: str
    group: str
    scope: str
    required: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name that an address may use, in lower case."""
        return (self.name, self.type_id, self.legacy.lower(), *self.other_names)


TYPES = (
    ObjectType(
        "contacts",
        "0-1",
        "CONTACT",
        "createdate",
        "lastmodifieddate",
        "contactinformation",
        "contacts",
    ),
    ObjectType(
        "companies",
        "0-2",
        "COMPANY",
        "createdate",
        "hs_lastmodifieddate",
        "companyinformation",
        "companies",
    ),
    ObjectType(
        "deals",
        "0-3",
        "DEAL",
        "createdate",
        "hs_lastmodifieddate",
        "dealinformation",
        "deals",
    ),
    ObjectType(
        "workspaces",
        "2-3604285",
        "2-3604285",
        "hs_createdate",
        "hs_lastmodifieddate",
        "workspaces_information",
        "custom",
        required=("workspace_key",),
        other_names=(f"p{PORTAL}_workspaces", "p_workspaces"),
    ),
)

LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
"""From first to last; writes only move forward."""


def options(*pairs: tuple[str, str]) -> list[Document]:
    """Return options from pairs of value and label."""
    return [
        {"label": label, "value": value, "displayOrder": order, "hidden": False}
        for order, (value, label) in enumerate(pairs)
    ]


def document(  # noqa: PLR0913
    name: str,
    label: str,
    kind: str,
    field_type: str,
    group: str,
    *,
    choices: list[Document] | None = None,
    read_only: bool = False,
    calculated: bool = False,
    unique: bool = False,
    defined: bool = True,
) -> Document:
    """Return a property's document; `defined` properties are HubSpot's own."""
    found: Document = {
        "updatedAt": _CREATED,
        "createdAt": _CREATED,
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field_type,
        "description": "",
        "groupName": group,
        "options": choices or [],
        "displayOrder": -1,
        "calculated": calculated,
        "externalOptions": False,
        "archived": False,
        "hasUniqueValue": unique,
        "hidden": False,
        "modificationMetadata": {
            "archivable": not defined,
            "readOnlyDefinition": defined,
            "readOnlyValue": read_only or calculated,
        },
        "formField": not (read_only or calculated),
        "dataSensitivity": "non_sensitive",
    }
    if defined:
        found["hubspotDefined"] = True
    return found


def properties(of: ObjectType) -> list[Document]:
    """Return the properties that an object begins with."""
    return [*_common(of), *_OWN[of.name](of.group)]


def _common(of: ObjectType) -> list[Document]:
    group = of.group
    stamps = dict.fromkeys((of.created, "hs_createdate", of.modified, "hs_lastmodifieddate"))
    return [
        document("hs_object_id", "Record ID", "number", "number", group, read_only=True),
        *(
            document(name, _label(name), "datetime", "date", group, read_only=True)
            for name in stamps
        ),
        document("hs_merged_object_ids", "Merged IDs", "string", "text", group, read_only=True),
    ]


def _contacts(group: str) -> list[Document]:
    def text(name: str, label: str) -> Document:
        return document(name, label, "string", "text", group)

    return [
        text("email", "Email"),
        text("firstname", "First Name"),
        text("lastname", "Last Name"),
        text("company", "Company Name"),
        text("jobtitle", "Job Title"),
        text("website", "Website URL"),
        text("city", "City"),
        document("phone", "Phone Number", "string", "phonenumber", group),
        text("hs_additional_emails", "Additional email addresses"),
        document(
            "lifecyclestage",
            "Lifecycle Stage",
            "enumeration",
            "radio",
            group,
            choices=options(*LIFECYCLE),
        ),
        document(
            "hs_lead_status",
            "Lead Status",
            "enumeration",
            "radio",
            "sales_properties",
            choices=options(
                ("NEW", "New"),
                ("OPEN", "Open"),
                ("IN_PROGRESS", "In Progress"),
                ("OPEN_DEAL", "Open Deal"),
                ("UNQUALIFIED", "Unqualified"),
                ("ATTEMPTED_TO_CONTACT", "Attempted to Contact"),
                ("CONNECTED", "Connected"),
                ("BAD_TIMING", "Bad Timing"),
            ),
        ),
        document(
            "hubspotscore",
            "HubSpot Score",
            "number",
            "calculation_score",
            "sales_properties",
            read_only=True,
        ),
        document("hs_email_domain", "Email Domain", "string", "text", group, calculated=True),
        document(
            "hs_all_contact_vids",
            "All vids for a contact",
            "enumeration",
            "checkbox",
            group,
            calculated=True,
        ),
        document("hs_is_contact", "Is a contact", "bool", "booleancheckbox", group, read_only=True),
        document(
            "hs_is_unworked",
            "Contact unworked",
            "bool",
            "calculation_equation",
            group,
            calculated=True,
        ),
        document("hs_pipeline", "Pipeline", "enumeration", "select", group, read_only=True),
        # What the account's administrators added for the syncs that ship with the project.
        document(
            "customer_key", "Customer Key", "string", "text", group, unique=True, defined=False
        ),
        document("lead_score", "Lead Score", "number", "number", group, defined=False),
        document(
            "lead_grade",
            "Lead Grade",
            "enumeration",
            "select",
            group,
            choices=options(("A", "A"), ("B", "B"), ("C", "C"), ("D", "D")),
            defined=False,
        ),
        document("lead_reason", "Lead Reason", "string", "textarea", group, defined=False),
        document("plan_seats", "Seats", "number", "number", group, defined=False),
        document("last_scored_on", "Last Scored On", "date", "date", group, defined=False),
        document("last_scored_at", "Last Scored At", "datetime", "date", group, defined=False),
        document("is_champion", "Champion", "bool", "booleancheckbox", group, defined=False),
        document(
            "interests",
            "Interests",
            "enumeration",
            "checkbox",
            group,
            choices=options(("reports", "Reports"), ("alerts", "Alerts"), ("api", "API")),
            defined=False,
        ),
    ]


def _companies(group: str) -> list[Document]:
    def text(name: str, label: str) -> Document:
        return document(name, label, "string", "text", group)

    return [
        text("name", "Company name"),
        text("domain", "Company Domain Name"),
        text("website", "Website URL"),
        text("city", "City"),
        text("industry", "Industry"),
        document("numberofemployees", "Number of Employees", "number", "number", group),
        document("annualrevenue", "Annual Revenue", "number", "number", group),
        document(
            "lifecyclestage",
            "Lifecycle Stage",
            "enumeration",
            "radio",
            group,
            choices=options(*LIFECYCLE),
        ),
        document("account_key", "Account Key", "string", "text", group, unique=True, defined=False),
        document("health_score", "Health Score", "number", "number", group, defined=False),
    ]


def _deals(group: str) -> list[Document]:
    return [
        document("dealname", "Deal Name", "string", "text", group),
        document("amount", "Amount", "number", "number", group),
        document("closedate", "Close Date", "datetime", "date", group),
        document(
            "pipeline",
            "Pipeline",
            "enumeration",
            "select",
            group,
            choices=options(("default", "Sales Pipeline")),
        ),
        document(
            "dealstage",
            "Deal Stage",
            "enumeration",
            "radio",
            group,
            choices=options(
                ("appointmentscheduled", "Appointment Scheduled"),
                ("qualifiedtobuy", "Qualified To Buy"),
                ("contractsent", "Contract Sent"),
                ("closedwon", "Closed Won"),
                ("closedlost", "Closed Lost"),
            ),
        ),
        document("deal_key", "Deal Key", "string", "text", group, unique=True, defined=False),
    ]


def _workspaces(group: str) -> list[Document]:
    return [
        document(
            "workspace_key", "Workspace Key", "string", "text", group, unique=True, defined=False
        ),
        document("workspace_name", "Workspace Name", "string", "text", group, defined=False),
        document("plan", "Plan", "string", "text", group, defined=False),
        document("seats", "Seats", "number", "number", group, defined=False),
    ]


_OWN = {
    "contacts": _contacts,
    "companies": _companies,
    "deals": _deals,
    "workspaces": _workspaces,
}


def _label(name: str) -> str:
    return {
        "createdate": "Create Date",
        "hs_createdate": "Object create date/time",
        "lastmodifieddate": "Last Modified Date",
    }.get(name, "Object last modified date/time")
