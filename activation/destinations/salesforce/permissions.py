"""What the running user may do of what is needed, and what it may beyond that."""

from __future__ import annotations

from typing import Any

import orjson

from activation.destinations.base import Grant, Target
from activation.destinations.salesforce.errors import garbled
from activation.destinations.salesforce.names import check_target, lookup_field
from activation.destinations.salesforce.session import Session
from activation.destinations.traits import Verb
from activation.errors import Applied

_SECONDS = 60.0
_NEEDED = {
    Verb.UPSERT: {"createable", "updateable"},
    Verb.UPDATE: {"updateable"},
    Verb.CREATE: {"createable"},
    Verb.REMOVE: {"deletable"},
}
_WORDS = {"createable": "create", "updateable": "edit", "deletable": "delete"}
_EXAMPLES = 3


def preflight(session: Session, target: Target) -> tuple[Grant, ...]:
    """
    Return what the user may do with the object and the mapped fields, and with other objects.

    That it may call the API at all shows in the answers.  Permissions that no description shows,
    such as View All Data, are not told.

    Raises:
        BatchRefused: there is no such object, or the user may not see it.
        Transient, AccessRefused, QuotaRefused: see `errors`.
    """
    check_target(target)
    described = _object(session, f"sobjects/{target.object}/describe")
    everything = _object(session, "sobjects")
    try:
        return (
            *_on_object(described, target),
            *_on_fields(described, target),
            *_elsewhere(everything, target),
        )
    except (KeyError, TypeError, AttributeError):
        raise garbled(f"GET sobjects/{target.object}/describe", applied=Applied.NO) from None


def _on_object(described: dict[str, Any], target: Target) -> tuple[Grant, ...]:
    needed = _NEEDED.get(target.verb, set())
    grants = [
        Grant(f"{word} {target.object}", held=described.get(what) is True, needed=what in needed)
        for what, word in _WORDS.items()
    ]
    return tuple(grant for grant in grants if grant.needed or grant.held)


def _on_fields(described: dict[str, Any], target: Target) -> tuple[Grant, ...]:
    if target.verb is Verb.REMOVE:
        return ()
    fields = {field["name"]: field for field in described["fields"]}
    # Members of campaigns say once who they are.
    needed = "createable" if target.verb is Verb.CREATE or "Member" in target.object else None
    names = [target.key]
    for mapped in target.fields:
        relationship, dot, _ = mapped.to.rpartition(".")
        names.append(lookup_field(relationship) if dot else mapped.to)
    return tuple(
        Grant(
            f"edit {target.object}.{name}",
            held=_writable(fields.get(name, {}), needed),
            needed=True,
        )
        for name in dict.fromkeys(names)
    )


def _writable(field: dict[str, Any], needed: str | None) -> bool:
    if needed is not None:
        return field.get(needed) is True
    return field.get("createable") is True and field.get("updateable") is True


def _elsewhere(everything: dict[str, Any], target: Target) -> tuple[Grant, ...]:
    others = [
        found["name"]
        for found in everything["sobjects"]
        if found["name"] != target.object and any(found.get(what) is True for what in _WORDS)
    ]
    if not others:
        return ()
    named = ", ".join(others[:_EXAMPLES]) + (" and more" if len(others) > _EXAMPLES else "")
    several = f"{len(others)} other object{'s' * (len(others) > 1)}"
    return (Grant(f"write {several}: {named}", held=True, needed=False),)


def _object(session: Session, path: str) -> dict[str, Any]:
    answer = session.call("GET", path, seconds=_SECONDS)
    try:
        found = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise garbled(f"GET {path}", applied=Applied.NO)
    return found
