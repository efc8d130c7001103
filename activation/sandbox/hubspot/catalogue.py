"""The objects as they are described now: documents, edits made since, and lost properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from activation.clock import Clock
from activation.errors import UsageError
from activation.sandbox.faults import FaultName, Faults
from activation.sandbox.hubspot.objects import TYPES, Document, ObjectType, document, properties
from activation.sandbox.hubspot.values import Normalise, normaliser, stamp
from activation.sandbox.state import State

_EDITABLE: dict[str, type | tuple[type, ...]] = {
    "removed": bool,
    "label": str,
    "options": list,
    "hasUniqueValue": bool,
    "readOnlyValue": bool,
    "type": str,
    "fieldType": str,
}
_FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "date": "date",
    "datetime": "date",
    "bool": "booleancheckbox",
    "enumeration": "select",
}


@dataclass(frozen=True, slots=True)
class CrmObject:
    """One object as described now, ready for checking values."""

    type: ObjectType
    documents: dict[str, Document]
    normalise: dict[str, Normalise]
    read_only: frozenset[str]
    unique: tuple[str, ...]
    """Properties whose values no two records share."""

    @property
    def name(self) -> str:
        """Return the name that tables and logs use."""
        return self.type.name

    def matches_by(self, name: str) -> bool:
        """Tell whether records may be matched by that property."""
        return name in self.unique


def compile_object(of: ObjectType, documents: list[Document]) -> CrmObject:
    """Return the object that these documents describe."""
    by_name = {d["name"]: d for d in documents}
    unique = [name for name, d in by_name.items() if d["hasUniqueValue"]]
    if of.name == "contacts" and "email" in by_name:
        # Recorded: email does not say hasUniqueValue, and is unique all the same.
        unique.insert(0, "email")
    return CrmObject(
        type=of,
        documents=by_name,
        normalise={name: normaliser(d) for name, d in by_name.items()},
        read_only=frozenset(
            n for n, d in by_name.items() if d["modificationMetadata"]["readOnlyValue"]
        ),
        unique=tuple(dict.fromkeys(unique)),
    )


class Catalogue:
    """All objects, with properties added over the API and edits that rehearse schema drift."""

    def __init__(self, state: State, clock: Clock, faults: Faults) -> None:
        self._state = state
        self._clock = clock
        self._faults = faults
        self.prepare()
        self._by_name = {name: of for of in TYPES for name in of.names}
        self._documents: dict[str, list[Document]] = {}
        self._compiled: dict[tuple[str, frozenset[str]], CrmObject] = {}
        self._reload()

    def prepare(self) -> None:
        """Create the table."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS hubspot_schema_edits"
            " (object TEXT, property TEXT, edit TEXT, PRIMARY KEY (object, property))"
        )

    def names(self) -> list[str]:
        """Return the names of the objects."""
        return [of.name for of in TYPES]

    def get(self, name: str) -> CrmObject | None:
        """Return the object of any of its names, without the properties that were lost."""
        of = self._by_name.get(name.lower())
        if of is None:
            return None
        lost = frozenset(
            str(fault.options["field"])
            for fault in self._faults.standing(FaultName.DROP_FIELD)
            if str(fault.options["object"]).lower() in of.names
        )
        found = self._compiled.get((of.name, lost))
        if found is None:
            kept = [d for d in self._documents[of.name] if d["name"] not in lost]
            found = self._compiled[of.name, lost] = compile_object(of, kept)
        return found

    def add(self, of: CrmObject, given: dict[str, Any]) -> Document:
        """Add a property that is described in full, and return it."""
        now = stamp(self._clock.now())
        made = document(
            given["name"],
            given["label"],
            given["type"],
            given["fieldType"],
            given["groupName"],
            choices=given.get("options") or [],
            unique=given.get("hasUniqueValue", False) is True,
            defined=False,
        )
        made |= {"createdAt": now, "updatedAt": now, "description": given.get("description", "")}
        self._keep(of.name, made["name"], {"document": made})
        return made

    def edit(self, name: str, property_name: str, edit: dict[str, Any]) -> Document:
        """
        Change a property as an administrator does, or add one if the edit has a `type`.

        Raises:
            UsageError: the object, the property or what is to change is not known.
        """
        of = self.get(name)
        if of is None:
            hint = f"Objects: {', '.join(self.names())}."
            raise UsageError(f"There is no object {name!r}.", hint=hint)
        for key, value in edit.items():
            wanted = _EDITABLE.get(key)
            if wanted is None or not isinstance(value, wanted):
                hint = f"What can be changed: {', '.join(_EDITABLE)}."
                raise UsageError(f"{key} of {property_name} cannot be {value!r}.", hint=hint)
        whole = {d["name"] for d in self._documents[of.name]}
        stored = self._edits().get((of.name, property_name), {})
        if property_name not in whole and not stored:
            kind = edit.get("type", "")
            if kind not in _FIELD_TYPES:
                hint = f"To add it, give its type: {', '.join(_FIELD_TYPES)}."
                raise UsageError(f"There is no property {property_name!r} on {name}.", hint=hint)
            field_type = edit.get("fieldType", _FIELD_TYPES[kind])
            stored = {
                "document": document(
                    property_name, property_name, kind, field_type, of.type.group, defined=False
                )
            }
        self._keep(of.name, property_name, {**stored, **edit})
        changed = next((d for d in self._documents[of.name] if d["name"] == property_name), None)
        return changed or {"name": property_name, "removed": True}

    def reset(self) -> None:
        """Take all edits and added properties back."""
        self._state.connection.execute("DELETE FROM hubspot_schema_edits")
        self._reload()

    def _keep(self, name: str, property_name: str, edit: dict[str, Any]) -> None:
        self._state.connection.execute(
            "INSERT OR REPLACE INTO hubspot_schema_edits VALUES (?, ?, ?)",
            (name, property_name, orjson.dumps(edit).decode()),
        )
        self._reload()

    def _edits(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {
            (name, property_name): orjson.loads(edit)
            for name, property_name, edit in self._state.rows(
                "SELECT object, property, edit FROM hubspot_schema_edits"
            )
        }

    def _reload(self) -> None:
        self._compiled.clear()
        self._documents = {of.name: properties(of) for of in TYPES}
        for (name, property_name), edit in self._edits().items():
            found = self._documents[name]
            if "document" in edit:
                found.append(edit["document"])
            for one in found:
                if one["name"] == property_name:
                    _apply(one, edit)
            if edit.get("removed"):
                found[:] = [d for d in found if d["name"] != property_name]


def _apply(one: Document, edit: dict[str, Any]) -> None:
    for key, value in edit.items():
        if key == "readOnlyValue":
            one["modificationMetadata"] = {**one["modificationMetadata"], key: value}
        elif key == "options":
            one["options"] = [_option(order, given) for order, given in enumerate(value)]
        elif key not in ("document", "removed"):
            one[key] = value


def _option(order: int, given: object) -> Document:
    if isinstance(given, dict):
        return {"displayOrder": order, "hidden": False, **given}
    return {"label": str(given), "value": str(given), "displayOrder": order, "hidden": False}
