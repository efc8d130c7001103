"""Who is put to the test; the order is that of the table's columns."""

from __future__ import annotations

from activation_tests.conformance.braze import BrazeUsers
from activation_tests.conformance.hubspot import HubSpotContacts
from activation_tests.conformance.memory import Memory
from activation_tests.conformance.salesforce import (
    SalesforceBulk,
    SalesforceCollections,
    SalesforceMembers,
)
from activation_tests.conformance.subject import Subject
from activation_tests.conformance.zendesk import ZendeskOrganizations, ZendeskUsers

SUBJECTS: tuple[type[Subject], ...] = (
    Memory,
    SalesforceCollections,
    SalesforceBulk,
    SalesforceMembers,
    ZendeskUsers,
    ZendeskOrganizations,
    BrazeUsers,
    HubSpotContacts,
)
