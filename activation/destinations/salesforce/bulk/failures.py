"""What it means that a job failed before it came to a single row."""

from __future__ import annotations

from typing import Any

from activation.destinations.base import Target
from activation.destinations.salesforce.errors import code_in
from activation.errors import AccessRefused, BatchRefused, DestinationError, QuotaRefused

# Bulk API 2.0 guide, "Errors". All others may pass: Timeout, TooManyLockFailure, Unknown.
_REFUSED = frozenset({"ClientInputError", "InvalidBatch", "InvalidJob", "InvalidOperation"})
_QUOTA = frozenset({"ExceededQuota"})
_ACCESS = frozenset({"FeatureNotEnabled", "InvalidSessionId", "InvalidUser"})


def failure(told: dict[str, Any], target: Target) -> DestinationError | None:
    """
    Return why a job failed as a whole; None if its result files say what became of the rows.

    Salesforce's text is not passed on, because it may quote values; mapped fields that it names
    are.
    """
    if told.get("state") != "Failed" or told.get("numberRecordsProcessed") not in (0, None):
        return None
    text = str(told.get("errorMessage", ""))
    code = code_in(text.partition(":")[0].strip())
    named = [f.to for f in target.fields if f.to in text]
    about = f" ({', '.join(named)})" if named else ""
    message = f"The job failed as a whole with {code}{about}."
    if code in _REFUSED:
        return BatchRefused(message, code=str(code))
    if code in _QUOTA:
        return QuotaRefused(message, code=str(code))
    if code in _ACCESS:
        hint = "Give the integration user and its app what they lack."
        return AccessRefused(message, code=str(code), hint=hint)
    return None
