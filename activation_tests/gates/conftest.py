from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import activation
from activation.contract.loading import load_contract
from activation.contract.model import Contract, FieldKind
from activation.destinations.base import FieldSchema, ObjectSchema
from activation.planning.model import BlastRadius, Plan, SourceProfile

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
NO_BLAST = BlastRadius(
    delivered_before=0,
    created=0,
    created_in_loaded_phases=0,
    changed=0,
    cleared=0,
    deleted=0,
    lost=0,
    late=0,
)


@pytest.fixture(scope="session")
def demo() -> Contract:
    """Return the demo contract."""
    package = Path(activation.__file__).parent
    return load_contract(package / "defs" / "salesforce_contact" / "defs.yaml")


def amended(contract: Contract, part: str, **values: Any) -> Contract:
    """Return the contract with some keys of one part changed, as a file would spell them."""
    plain = contract.model_dump(mode="json")
    return Contract.model_validate(plain | {part: plain[part] | values})


def plan(
    source: dict[str, Any] | None = None, blast: dict[str, int] | None = None, **changed: Any
) -> Plan:
    """Return a plan that passes every gate, but for what is changed."""
    profile = SourceProfile(
        rows=1000,
        keys=1000,
        null_keys=0,
        repeated_keys=0,
        newest_version=NOW - timedelta(hours=1),
        consents={"customer_consent": NOW - timedelta(hours=1)},
    )
    made = Plan(
        digest="d1",
        sync="salesforce_contact",
        phase="canary",
        created_at=NOW,
        contract_digest="c1",
        mapping_digest="m1",
        table="plan_d1",
        source=replace(profile, **(source or {})),
        blast=replace(NO_BLAST, **(blast or {})),
    )
    return replace(made, **changed)


def contact(**changed: dict[str, Any] | None) -> ObjectSchema:
    """Return Contact as the demo needs it, with fields changed, added, or (None) taken away."""
    text = {"kind": FieldKind.TEXT, "type": "string"}
    decimal = {"kind": FieldKind.DECIMAL, "type": "double"}
    fields: dict[str, dict[str, Any]] = {
        "Customer_Key__c": {**text, "length": 64, "unique": True, "external_id": True},
        "FirstName": {**text, "length": 40},
        "LastName": {**text, "length": 80, "required": True},
        "Email": {**text, "type": "email", "length": 80, "email": True},
        "Churn_Score__c": {**decimal, "precision": 5, "scale": 2},
        "Churn_Band__c": {**text, "type": "picklist", "values": ("Low", "Medium", "High")},
        "Churn_Reason__c": {**text, "length": 255},
        "Monthly_Value__c": {**decimal, "type": "currency", "precision": 12, "scale": 2},
        "CreatedDate": {"kind": FieldKind.TIMESTAMP, "type": "datetime", "writable": False,
                        "required": True},
    }  # fmt: skip
    for name, change in changed.items():
        if change is None:
            del fields[name]
        else:
            fields[name] = {**text, **fields.get(name, {}), **change}
    return ObjectSchema(
        "Contact", {name: FieldSchema(name=name, **facts) for name, facts in fields.items()}
    )
