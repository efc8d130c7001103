"""Records as answers show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.hubspot.records import Record

DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "contacts": ("firstname", "lastname", "email"),
    "companies": ("name", "domain"),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
    "workspaces": (),
}
"""What a read returns that names no properties."""
_CREATED = frozenset({"createdate", "hs_createdate"})
_MODIFIED = frozenset({"lastmodifieddate", "hs_lastmodifieddate"})
_HISTORY_LENGTH = 20


def stamps(of: CrmObject, record: Record) -> dict[str, str]:
    """Return the properties that every read has."""
    return {
        of.type.created: record.created,
        of.type.modified: record.updated,
        "hs_object_id": str(record.id),
    }


def value_of(record: Record, properties: Mapping[str, str], name: str) -> str | None:
    """Return a property's value, those that HubSpot keeps itself included."""
    if name in properties:
        return properties[name]
    if name in _CREATED:
        return record.created
    if name in _MODIFIED:
        return record.updated
    return str(record.id) if name == "hs_object_id" else None


def as_read(
    of: CrmObject,
    record: Record,
    names: Sequence[str] | None,
    *,
    history: Sequence[str] = (),
    properties: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """
    Return a record as a read shows it: what was asked for and is known, null where it is empty.

    `properties` are those to show instead of the present ones.
    """
    shown: dict[str, str | None] = dict(stamps(of, record))
    current = record.properties if properties is None else properties
    for name in DEFAULTS[of.name] if names is None else names:
        if name in of.documents:
            shown[name] = value_of(record, current, name)
    entry: dict[str, Any] = {"id": str(record.id), "properties": dict(sorted(shown.items()))}
    if history:
        entry["propertiesWithHistory"] = {n: _history(record, n) for n in history}
    return entry | _frame(record)


def as_written(
    of: CrmObject, record: Record, written: Mapping[str, str], *, created: bool
) -> dict[str, Any]:
    """Return a record as a write shows it: what was written, and what HubSpot made of it."""
    shown = dict(written)
    if created:
        shown |= {n: v for n, v in record.properties.items() if n.startswith("hs_")}
        if "website" in record.properties:
            shown["website"] = record.properties["website"]
    # Recorded: an update of a contact tells neither when it was created nor its id.
    if of.name != "contacts" or created:
        shown |= stamps(of, record)
    else:
        shown[of.type.modified] = record.updated
        if "email" in written and "hs_email_domain" in record.properties:
            shown["hs_email_domain"] = record.properties["hs_email_domain"]
    return {"id": str(record.id), "properties": dict(sorted(shown.items()))} | _frame(record)


def _frame(record: Record) -> dict[str, Any]:
    frame = {
        "createdAt": record.created,
        "updatedAt": record.updated,
        "archived": record.archived is not None,
    }
    return frame if record.archived is None else {**frame, "archivedAt": record.archived}


def _history(record: Record, name: str) -> list[dict[str, str]]:
    """Return the values that a property has had, the latest first."""
    found = [
        {"value": values[name], "timestamp": at, "sourceType": source}
        for at, source, values in record.changes()
        if name in values
    ]
    return found[: -_HISTORY_LENGTH - 1 : -1]


def batch(
    results: Iterable[Mapping[str, Any]],
    errors: Sequence[Mapping[str, Any]],
    began: str,
    ended: str,
) -> dict[str, Any]:
    """Return the answer of a batch; one without errors does not speak of them."""
    answer: dict[str, Any] = {"status": "COMPLETE", "results": list(results)}
    if errors:
        answer |= {"numErrors": len(errors), "errors": list(errors)}
    return {**answer, "startedAt": began, "completedAt": ended}
