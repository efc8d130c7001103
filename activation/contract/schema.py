"""The JSON schema of a contract's file, for editors."""

from __future__ import annotations

import json
import sys
from typing import Any

from activation.contract.loading import COMPONENT, FILE_KEYS
from activation.contract.model import Contract


def json_schema() -> dict[str, Any]:
    """Return the schema of a whole `defs.yaml`: the component's type and the contract."""
    contract = Contract.model_json_schema(ref_template="#/$defs/{model}")
    parts = contract.pop("$defs")
    # Its default serves code; a file must say whom the object is about.
    parts["Consent"]["required"].insert(0, "subject")
    # Only an audience may have no fields: its members are all that it is made of.
    audience = {"properties": {"mode": {"const": "audience"}}, "required": ["mode"]}
    contract["if"] = {"properties": {"destination": audience}, "required": ["destination"]}
    contract["else"] = {"properties": {"fields": {"minItems": 1}}}
    around: dict[str, Any] = {key: {} for key in FILE_KEYS}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Contract of a sync",
        "type": "object",
        "properties": around
        | {"type": {"const": COMPONENT}, "attributes": {"$ref": "#/$defs/Contract"}},
        "required": ["type", "attributes"],
        "additionalProperties": False,
        "$defs": {**parts, "Contract": contract},
    }


if __name__ == "__main__":
    # python -m activation.contract.schema > docs/schema/contract.schema.json
    json.dump(json_schema(), sys.stdout, indent=2)
    sys.stdout.write("\n")
