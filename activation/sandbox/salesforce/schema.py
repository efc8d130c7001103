"""The objects as they are described now: the documents, the edits made since, and lost fields."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from activation.clock import Clock
from activation.errors import UsageError
from activation.sandbox.faults import FaultName, Faults
from activation.sandbox.salesforce.fields import Document, field, picklist_values
from activation.sandbox.salesforce.objects import documents
from activation.sandbox.salesforce.values import Normalise, normaliser
from activation.sandbox.state import State

_EDITABLE: dict[str, type | tuple[type, ...]] = {
    "removed": bool,
    "createable": bool,
    "updateable": bool,
    "nillable": bool,
    "length": int,
    "precision": int,
    "scale": int,
    "unique": bool,
    "externalId": bool,
    "idLookup": bool,
    "restrictedPicklist": bool,
    "picklistValues": list,
    "label": str,
}
_PERMISSIONS = ("createable", "updateable", "deletable", "undeletable")
_OBJECT = ""
"""In place of a field's name: the edit is of the object itself."""
_ADDABLE = frozenset(
    {
        *("string", "email", "phone", "url", "textarea", "picklist", "boolean", "int"),
        *("double", "currency", "percent", "date", "datetime"),
    }
)
_SIZES: dict[str, dict[str, Any]] = {
    **{kind: {"precision": 18, "scale": 2} for kind in ("double", "currency", "percent")},
    **{kind: {} for kind in ("int", "date", "datetime")},
    "boolean": {"nillable": False, "defaultedOnCreate": True, "defaultValue": False},
}
"""What an added field has unless the edit says otherwise; text has a length of 255."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field, ready for checking values."""

    name: str
    type: str
    document: Document
    normalise: Normalise

    @property
    def is_key(self) -> bool:
        """Tell whether records may be matched by this field."""
        return bool(self.document["externalId"] or self.document["idLookup"])

    @property
    def target(self) -> str:
        """Return the object that a lookup field refers to."""
        return str(self.document["referenceTo"][0])


@dataclass(frozen=True, slots=True)
class SObject:
    """One object as described now."""

    name: str
    prefix: str
    document: Document
    fields: dict[str, Field]
    """By name in lower case: Salesforce does not mind the case of names."""
    exact: dict[str, Field]
    """By name as described, which is how most callers write it."""
    parents: dict[str, Field]
    """The lookup fields by relationship name in lower case."""
    lookups: frozenset[str]
    """The names of the lookup fields."""
    not_createable: frozenset[str]
    not_updateable: frozenset[str]
    required: tuple[str, ...]
    """Must be given on create."""
    not_nillable: frozenset[str]
    unique: tuple[str, ...]
    defaults: dict[str, str]
    """What picklists are set to at creation if they are not given."""

    @property
    def table(self) -> str:
        """Return the name of its table."""
        return f"salesforce_{self.name}"

    def field(self, name: str) -> Field | None:
        """Return the field of that name, in any case."""
        return self.fields.get(name.lower())


def compile_object(document: Document) -> SObject:
    """Return the object that a describe document describes."""
    fields = [Field(d["name"], d["type"], d, normaliser(d)) for d in document["fields"]]
    writable = [f for f in fields if f.document["createable"] or f.document["updateable"]]
    return SObject(
        name=document["name"],
        prefix=document["keyPrefix"],
        document=document,
        fields={f.name.lower(): f for f in fields},
        exact={f.name: f for f in fields},
        parents={
            f.document["relationshipName"].lower(): f
            for f in fields
            if f.document["relationshipName"]
        },
        lookups=frozenset(f.name for f in fields if f.document["relationshipName"]),
        not_createable=frozenset(f.name for f in fields if not f.document["createable"]),
        not_updateable=frozenset(f.name for f in fields if not f.document["updateable"]),
        required=tuple(
            f.name
            for f in writable
            if f.document["createable"]
            and not f.document["nillable"]
            and not f.document["defaultedOnCreate"]
        ),
        not_nillable=frozenset(f.name for f in writable if not f.document["nillable"]),
        unique=tuple(f.name for f in fields if f.document["unique"]),
        defaults={
            f.name: f.document["defaultValue"]
            for f in fields
            if f.type == "picklist" and f.document["defaultValue"] is not None
        },
    )


class Catalogue:
    """All objects, with the edits that rehearse schema drift."""

    def __init__(self, state: State, clock: Clock, faults: Faults) -> None:
        self._state = state
        self._clock = clock
        self._faults = faults
        state.connection.execute(
            "CREATE TABLE IF NOT EXISTS salesforce_schema_edits"
            " (object TEXT, field TEXT, edit TEXT, PRIMARY KEY (object, field))"
        )
        state.connection.execute("CREATE TABLE IF NOT EXISTS salesforce_schema_modified (at TEXT)")
        self._compiled: dict[tuple[str, frozenset[str]], SObject] = {}
        self._full: dict[str, Document] = {}
        self._lost: frozenset[tuple[str, str]] = frozenset()
        self._reload()
        if not state.rows("SELECT at FROM salesforce_schema_modified"):
            self._touch()

    def names(self) -> list[str]:
        """Return the names of the objects."""
        return list(self._full)

    def get(self, name: str) -> SObject | None:
        """Return the object of that name, in any case, without the fields that were lost."""
        known = next((n for n in self._full if n == name), None) or next(
            (n for n in self._full if n.lower() == name.lower()), None
        )
        if known is None:
            return None
        lost = frozenset(field for of, field in self._dropped() if of == known.lower())
        found = self._compiled.get((known, lost))
        if found is None:
            full = self._full[known]
            kept = [
                {key: value for key, value in f.items() if key != "removed"}
                for f in full["fields"]
                if f["name"].lower() not in lost and not f.get("removed")
            ]
            found = compile_object({**full, "fields": kept})
            self._compiled[known, lost] = found
        return found

    def whole(self, name: str) -> Document:
        """Return the document of an object, removed fields included: what the table must hold."""
        return self._full[name]

    def modified_at(self) -> datetime:
        """Return when the schema was last changed."""
        lost = self._dropped()
        if lost != self._lost:
            self._lost = lost
            self._touch()
        (at,) = self._state.rows("SELECT at FROM salesforce_schema_modified")[0]
        return datetime.fromisoformat(at)

    def edit(self, sobject: str, name: str, edit: dict[str, Any]) -> Document:
        """
        Change a field, or add one if the edit has a `type`; return the field as it is then.

        Raises:
            UsageError: the object, the field or a property is not known.
        """
        full = self._full.get(sobject)
        if full is None:
            hint = f"Objects: {', '.join(self._full)}."
            raise UsageError(f"There is no object {sobject!r}.", hint=hint)
        found = next((f for f in full["fields"] if f["name"] == name), None)
        stored = {} if found is None else self._edits().get((sobject, name), {})
        if found is None and "type" not in edit:
            hint = "To add it, give its type too."
            raise UsageError(f"There is no field {name!r} on {sobject}.", hint=hint)
        _check_edit(name, edit, is_added=found is None or "type" in stored)
        self._keep(sobject, name, {**stored, **edit})
        return next(f for f in self._full[sobject]["fields"] if f["name"] == name)

    def permit(self, sobject: str, edit: dict[str, Any]) -> Document:
        """
        Change what the running user may do with the records of an object; return it as it is then.

        Raises:
            UsageError: the object or a permission is not known.
        """
        if sobject not in self._full:
            hint = f"Objects: {', '.join(self._full)}."
            raise UsageError(f"There is no object {sobject!r}.", hint=hint)
        for name, value in edit.items():
            if name not in _PERMISSIONS or not isinstance(value, bool):
                hint = f"Permissions, true or false: {', '.join(_PERMISSIONS)}."
                raise UsageError(f"{name} of {sobject} cannot be set to {value!r}.", hint=hint)
        self._keep(sobject, _OBJECT, {**self._edits().get((sobject, _OBJECT), {}), **edit})
        return {name: self._full[sobject][name] for name in _PERMISSIONS}

    def reset(self) -> None:
        """Take all edits back."""
        self._state.connection.execute("DELETE FROM salesforce_schema_edits")
        self._touch()
        self._reload()

    def _keep(self, sobject: str, name: str, edit: dict[str, Any]) -> None:
        with self._state.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO salesforce_schema_edits VALUES (?, ?, ?)",
                (sobject, name, orjson.dumps(edit).decode()),
            )
        self._touch()
        self._reload()

    def _edits(self) -> dict[tuple[str, str], dict[str, Any]]:
        return {
            (sobject, name): orjson.loads(edit)
            for sobject, name, edit in self._state.rows(
                "SELECT object, field, edit FROM salesforce_schema_edits"
            )
        }

    def _dropped(self) -> frozenset[tuple[str, str]]:
        """Return object and field, in lower case, that faults hide."""
        return frozenset(
            (str(fault.options["object"]).lower(), str(fault.options["field"]).lower())
            for fault in self._faults.standing(FaultName.DROP_FIELD)
        )

    def _touch(self) -> None:
        """Note a change; two changes never have the same second, which is all HTTP can tell."""
        now = self._clock.now().replace(microsecond=0)
        for (at,) in self._state.rows("SELECT at FROM salesforce_schema_modified"):
            now = max(now, datetime.fromisoformat(at) + timedelta(seconds=1))
        with self._state.transaction() as connection:
            connection.execute("DELETE FROM salesforce_schema_modified")
            connection.execute(
                "INSERT INTO salesforce_schema_modified VALUES (?)", (now.isoformat(),)
            )

    def _reload(self) -> None:
        self._full = documents()
        self._compiled.clear()
        for (sobject, name), edit in self._edits().items():
            if name == _OBJECT:
                self._full[sobject].update(edit)
                continue
            fields = self._full[sobject]["fields"]
            changed = dict(edit)
            if "picklistValues" in changed:
                changed["picklistValues"] = picklist_values(changed["picklistValues"])
            if kind := changed.pop("type", None):
                sizes = _SIZES.get(kind, {"length": 255})
                fields.append(field(name, kind, **{**sizes, **changed}))
            else:
                next(f for f in fields if f["name"] == name).update(changed)


def _check_edit(name: str, edit: dict[str, Any], *, is_added: bool) -> None:
    for key, value in edit.items():
        if key == "type" and is_added:
            if value not in _ADDABLE:
                hint = f"Types: {', '.join(sorted(_ADDABLE))}."
                raise UsageError(f"Field {name} cannot be added as {value!r}.", hint=hint)
            continue
        wanted = _EDITABLE.get(key)
        if wanted is None:
            hint = f"Properties: {', '.join(_EDITABLE)}."
            raise UsageError(f"Property {key!r} of a field cannot be changed.", hint=hint)
        if not isinstance(value, wanted):
            raise UsageError(f"{key} of field {name} is {value!r}: wrong type.")
