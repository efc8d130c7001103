"""Targets and mappings for the tests."""

from __future__ import annotations

from activation.contract.model import DataClass, FieldMapping, FieldType, NullPolicy
from activation.destinations.base import RequestEndpoint, Target
from activation.destinations.salesforce.destination import Salesforce


def mapping(to: str, spelled: str, nulls: NullPolicy = NullPolicy.CLEAR) -> FieldMapping:
    """Map a column of the same name."""
    return FieldMapping(
        to=to,
        column=to.lower(),
        type=FieldType.parse(spelled),
        nulls=nulls,
        data_class=DataClass.NONE,
    )


def target(*fields: FieldMapping) -> Target:
    """Write contacts by their CRM key."""
    return Target(object="Contact", key="Crm_Key__c", fields=fields)


def requests_of(org: Salesforce, target: Target) -> RequestEndpoint:
    """Return the endpoint for a few rows."""
    endpoint = org.endpoint(target, rows=1)
    assert isinstance(endpoint, RequestEndpoint)
    return endpoint


SCORE = mapping("Score__c", "decimal(5,2)")
TARGET = target(SCORE)
