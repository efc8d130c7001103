"""Targets, mappings and sound answers for the tests."""

from __future__ import annotations

from typing import Any

from activation.contract.model import DataClass, FieldMapping, FieldType, NullPolicy
from activation.destinations.base import Target
from activation.destinations.traits import Verb

KEY = "customer_key"
STAMP = "2026-09-01T10:00:00.000Z"


def mapping(to: str, spelled: str, nulls: NullPolicy = NullPolicy.CLEAR) -> FieldMapping:
    """Map a column of the same name."""
    return FieldMapping(
        to=to,
        column=to.lower(),
        type=FieldType.parse(spelled),
        nulls=nulls,
        data_class=DataClass.NONE,
    )


FIRST_NAME = mapping("firstname", "text(80)")


def contacts(*fields: FieldMapping, verb: Verb = Verb.UPSERT, key: str = KEY) -> Target:
    """Write contacts."""
    return Target("contacts", key, fields, verb)


def members(*, verb: Verb = Verb.UPSERT, number: int = 1) -> Target:
    """Change who is on a list."""
    return Target(f"lists/{number}", KEY, (), verb)


def opt_outs(*fields: FieldMapping, verb: Verb = Verb.UPSERT) -> Target:
    """Write opt-outs."""
    return Target("subscriptions/1001", "email", fields, verb)


TARGET = contacts(FIRST_NAME)
"""One property of contacts."""


def result(place: int, key: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a result as HubSpot tells it."""
    return {
        "id": str(101 + place),
        "properties": {KEY: key or f"u-{place}", "firstname": "Kim"},
        "createdAt": STAMP,
        "updatedAt": STAMP,
        "archived": False,
        "new": True,
        "objectWriteTraceId": str(place),
        **more,
    }


def error(*places: int, category: str = "VALIDATION_ERROR", **more: Any) -> dict[str, Any]:
    """Return an error as HubSpot tells it."""
    return {
        "status": "error",
        "category": category,
        "message": 'Property values were not valid: [{"isValid":false,"message":"Email address x '
        'is invalid","error":"INVALID_EMAIL","name":"email"}]',
        "context": {"objectWriteTraceId": [str(place) for place in places]},
        "errors": [],
        "links": {},
        **more,
    }


def batch(*results: Any, errors: tuple[Any, ...] = (), **more: Any) -> dict[str, Any]:
    """Return the answer to a batch."""
    told = {"numErrors": len(errors), "errors": list(errors)} if errors else {}
    times = {"startedAt": STAMP, "completedAt": STAMP}
    return {"status": "COMPLETE", "results": list(results), **told, **times, **more}


def record(identity: int, **properties: str | None) -> dict[str, Any]:
    """Return a record as a read shows it."""
    stamps = {"createdate": STAMP, "hs_object_id": str(identity), "lastmodifieddate": STAMP}
    return {
        "id": str(identity),
        "properties": {**stamps, **properties},
        "createdAt": STAMP,
        "updatedAt": STAMP,
        "archived": False,
    }


def absent(*keys: str) -> dict[str, Any]:
    """Return the error that names what is not there."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "Could not get some CONTACT objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        "context": {"ids": list(keys)},
    }
