"""A contract in the words of others: the Open Data Contract Standard 3.1, and a dbt exposure."""

from __future__ import annotations

from typing import Any

from activation.contract.consent import Consent
from activation.contract.model import Contract, FieldKind, FieldMapping
from activation.contract.values import format_duration, format_share

STANDARD = "v3.1.0"
_KINDS = {
    FieldKind.TEXT: "string",
    FieldKind.INTEGER: "integer",
    FieldKind.DECIMAL: "number",
    FieldKind.BOOLEAN: "boolean",
    FieldKind.DATE: "date",
    FieldKind.TIMESTAMP: "timestamp",
}
_GUARDS = {
    "changed": ("delivered rows that one plan may change", "consistency"),
    "created": ("new rows in phases that were loaded before", "completeness"),
    "cleared": ("delivered rows that may lose a value", "completeness"),
    "deleted": ("delivered rows that may be deleted", "completeness"),
    "lost": ("delivered rows that the model may no longer have", "completeness"),
    "grain": ("source rows without a key of their own", "uniqueness"),
}


def odcs(contract: Contract) -> dict[str, Any]:
    """
    Return the contract as a document of the standard, about the object that is delivered.

    What the standard has no word for stands whole under `customProperties: activation`, from
    which the contract can be read again.
    """
    destination, source = contract.destination, contract.source
    return {
        "apiVersion": STANDARD,
        "kind": "DataContract",
        "id": f"activation-{contract.sync}",
        "name": contract.sync,
        "version": contract.version,
        "status": "active",
        "description": {
            "purpose": contract.objective.strip(),
            "usage": f"Fields of {destination.object}, found by {destination.key}.",
            "limitations": _limitations(contract),
        },
        "team": {"name": contract.owner},
        "support": [{"channel": contract.alerting.channel, "url": contract.alerting.runbook}],
        "schema": [
            {
                "name": destination.object,
                "physicalName": f"{destination.connection}.{destination.object}",
                "logicalType": "object",
                "dataGranularityDescription": f"One record per {', '.join(source.grain)}.",
                "properties": [_key(contract), *(_field(contract, f) for f in contract.fields)],
                "quality": _quality(contract),
            }
        ],
        "slaProperties": _service(contract),
        "customProperties": [
            {"property": "activation", "value": contract.model_dump(mode="json")},
        ],
    }


def of_odcs(document: dict[str, Any]) -> Contract:
    """
    Return the contract that a document was exported from.

    Raises:
        ValueError: it was not exported from one, or no longer is one.
    """
    for custom in document.get("customProperties", ()):
        if custom.get("property") == "activation":
            return Contract.model_validate(custom["value"])
    message = "the document has no custom property `activation`"
    raise ValueError(message)


def exposure(contract: Contract) -> dict[str, Any]:
    """Return the dbt exposure that tells a dbt project who uses its models."""
    owner = contract.owner.removeprefix("team:")
    models = [contract.source.model]
    if contract.consent.subject == "person":
        models += [source.model for source in contract.consent.sources]
    return {
        "exposures": [
            {
                "name": contract.sync,
                "label": f"{contract.destination.connection} {contract.destination.object}",
                "type": "application",
                "maturity": "high",
                "description": contract.objective.strip(),
                "depends_on": [f"ref('{model}')" for model in dict.fromkeys(models)],
                "owner": {"email": owner} if "@" in owner else {"name": owner},
                "meta": {"activation": {"runbook": contract.alerting.runbook}},
            }
        ]
    }


def _limitations(contract: Contract) -> str:
    if contract.consent.subject == "none":
        return "The object is not about people; no personal field is mapped."
    return (
        f"Only people whose consent to {contract.consent.purpose} on {contract.consent.channel} "
        f"is granted by {_sources(contract.consent)}."
    )


def _sources(consent: Consent) -> str:
    told = (f"{s.model} (no older than {format_duration(s.max_lag)})" for s in consent.sources)
    return " and ".join(told)


def _key(contract: Contract) -> dict[str, Any]:
    return {
        "name": contract.destination.key,
        "logicalType": "string",
        "physicalType": "text",
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "required": True,
        "unique": True,
        "transformSourceObjects": [contract.source.model],
        "transformLogic": f"the sync key of {', '.join(contract.source.grain)}",
    }


def _field(contract: Contract, field: FieldMapping) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": field.to,
        "logicalType": _KINDS[field.type.kind],
        "physicalType": str(field.type),
        "required": field.nulls.value == "hold",
        "classification": field.data_class.value,
        "transformSourceObjects": [contract.source.model],
        "transformLogic": field.column,
        "transformDescription": _transformed(field),
    }
    controls = {"purpose": field.purpose, "approver": field.approver}
    if told := [{"property": name, "value": value} for name, value in controls.items() if value]:
        found["customProperties"] = told
    if field.type.length is not None:
        found["logicalTypeOptions"] = {"maxLength": field.type.length}
    return found


def _transformed(field: FieldMapping) -> str:
    empty = f"an empty value: {field.nulls.value}"
    return f"{field.protect.sentence}; {empty}" if field.protect else empty


def _quality(contract: Contract) -> list[dict[str, Any]]:
    return [
        {
            "type": "text",
            "name": f"guard {name}",
            "dimension": dimension,
            "severity": "error",
            "description": f"At most {format_share(getattr(contract.guards, name))} {what}.",
        }
        for name, (what, dimension) in _GUARDS.items()
    ]


def _service(contract: Contract) -> list[dict[str, Any]]:
    element = f"{contract.destination.object}.{contract.destination.key}"
    found: list[dict[str, Any]] = [
        {
            "property": "latency",
            "value": contract.freshness.max_age.total_seconds() / 3600,
            "unit": "h",
            "element": element,
            "description": "Older data is not sent.",
        },
        {
            "property": "accuracy",
            "value": format_share(contract.parity.unexplained),
            "element": element,
            "description": "The most that may differ from the source without a known reason.",
        },
    ]
    if contract.schedule is not None:
        found.append(
            {
                "property": "frequency",
                "value": contract.schedule,
                "element": element,
                "scheduler": "cron",
                "schedule": contract.schedule,
            }
        )
    return found
