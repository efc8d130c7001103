"""Row faults in Salesforce's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.salesforce.errors import RowRefused


def strike(faults: Sequence[Fault], record: Mapping[str, Any]) -> RowRefused | None:
    """Return why a row is refused by one of the faults, or None."""
    for fault in faults:
        if fault.name is FaultName.ROW_LOCKED:
            if fault.random.random() < float(fault.options.get("share", 1.0)):
                return RowRefused(
                    "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"
                )
        elif _holds(fault.options, record):
            return RowRefused(
                str(fault.options.get("code", "FIELD_CUSTOM_VALIDATION_EXCEPTION")),
                str(fault.options.get("message", "This value is not accepted.")),
                [str(fault.options["field"])],
            )
    return None


def _holds(options: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    value = record.get(options["field"])
    if "value" not in options:
        return value is not None
    return bool(value == options["value"])
