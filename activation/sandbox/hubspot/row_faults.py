"""Row faults in HubSpot's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.hubspot.errors import Invalid, RowRefused, invalid_values
from activation.sandbox.hubspot.values import as_text

LOCKED = "RESOURCE_LOCKED"
"""Documented is 423 for a whole call; how a batch tells of one locked record is not known."""


def strike(faults: Sequence[Fault], given: Mapping[str, Any]) -> RowRefused | None:
    """Return why a row is refused by one of the faults, or None."""
    for fault in faults:
        if fault.name is FaultName.ROW_LOCKED:
            if fault.random.random() < float(fault.options.get("share", 1.0)):
                return RowRefused("This resource is locked. Try again later.", category=LOCKED)
        elif _holds(fault.options, given):
            code = str(fault.options.get("code", "INVALID_OPTION"))
            message = str(fault.options.get("message", "This value is not accepted."))
            return invalid_values([Invalid(code, str(fault.options["field"]), message)])
    return None


def _holds(options: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    value = given.get(options["field"])
    if "value" not in options:
        return value is not None
    return value is not None and as_text(value) == as_text(options["value"])
