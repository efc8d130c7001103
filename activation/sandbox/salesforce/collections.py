"""sObject Collections: up to 200 records in one call, each with a result of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from activation.sandbox.faults import Fault
from activation.sandbox.quirks import Quirks
from activation.sandbox.requests_log import Note
from activation.sandbox.salesforce.errors import (
    CallRefused,
    malformed_json,
    not_found,
    unknown_external_id,
)
from activation.sandbox.salesforce.schema import Catalogue, SObject
from activation.sandbox.salesforce.writes import Writes

MAX_RECORDS = 200
FAILED_ROWS = "failed_upserts_say_created"
_ID_NAMES = frozenset({"id", "Id", "ID"})
Results = list[dict[str, Any]]


class Collections:
    """The four collection verbs."""

    def __init__(self, catalogue: Catalogue, writes: Writes, quirks: Quirks) -> None:
        self._catalogue = catalogue
        self._writes = writes
        self._quirks = quirks

    def upsert(
        self, name: str, key_name: str, body: bytes, faults: Sequence[Fault], note: Note
    ) -> Results:
        """Create or update records by external id."""
        sobject = self._catalogue.get(name)
        if sobject is None:
            raise not_found()
        key = sobject.field(key_name)
        if key is None or not key.is_key:
            raise unknown_external_id(key_name, self._quirks)
        rows, all_or_none = read_collection(body)
        note.rows = len(rows)
        for row in rows:
            if type_of(row).lower() != sobject.name.lower():
                # Code not sourced; the guide says that all records have the type of the path.
                message = f"All records of this call must be of type {sobject.name}"
                raise CallRefused(400, "INVALID_TYPE", message)
            if key.name != "Id" and not _ID_NAMES.isdisjoint(row):
                message = "The Id field should not be specified in the sobject data."
                raise CallRefused(400, "INVALID_FIELD", message, ["Id"])
        written, note.keys[:] = self._writes.upsert(
            sobject, key, rows, all_or_none=all_or_none, faults=faults
        )
        results = [one.result(tells_created=True) for one in written]
        if self._quirks.value(FAILED_ROWS) == "false":
            results = [{"created": False, **result} for result in results]
        return results

    def create(self, body: bytes, faults: Sequence[Fault], note: Note) -> Results:
        """Create records of any objects."""
        rows, all_or_none = read_collection(body)
        note.rows = len(rows)
        typed = [(self._typed(row), row) for row in rows]
        written = self._writes.create(typed, all_or_none=all_or_none, faults=faults)
        note.keys[:] = [one.id for one in written if one.id]
        return [one.result(tells_created=False) for one in written]

    def update(self, body: bytes, faults: Sequence[Fault], note: Note) -> Results:
        """Update records of any objects, each told by its id."""
        rows, all_or_none = read_collection(body)
        note.rows = len(rows)
        typed = [
            (
                self._typed(row),
                next((value for name, value in row.items() if name.lower() == "id"), None),
                {name: value for name, value in row.items() if name.lower() != "id"},
            )
            for row in rows
        ]
        note.keys[:] = [str(identity) for _, identity, _ in typed]
        written = self._writes.update(typed, all_or_none=all_or_none, faults=faults)
        return [one.result(tells_created=False) for one in written]

    def delete(self, query: Mapping[str, str], faults: Sequence[Fault], note: Note) -> Results:
        """Delete records of any objects by id."""
        ids = [part.strip() for part in query.get("ids", "").split(",") if part.strip()]
        if not ids:
            raise CallRefused(400, "MISSING_ARGUMENT", "The ids parameter is missing")
        _check_size(len(ids))
        note.rows, note.keys[:] = len(ids), ids
        all_or_none = query.get("allOrNone", "false").lower() == "true"
        written = self._writes.delete(ids, all_or_none=all_or_none, faults=faults)
        return [one.result(tells_created=False) for one in written]

    def _typed(self, row: Mapping[str, Any]) -> SObject:
        name = type_of(row)
        sobject = self._catalogue.get(name)
        if sobject is None:
            raise CallRefused(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return sobject


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, or refuse the call."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed_json(f"Unexpected character at [{error.pos}]") from None
    if not isinstance(content, dict):
        raise malformed_json("The HTTP entity body must be a JSON object")
    return content


def read_collection(body: bytes) -> tuple[list[dict[str, Any]], bool]:
    """Return the records of a body and whether all or none are to be written."""
    content = read_object(body)
    rows = content.get("records")
    all_or_none = content.get("allOrNone", False)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise malformed_json("The HTTP entity body needs a list of records")
    if unknown := sorted(set(content) - {"records", "allOrNone"}):
        raise malformed_json(f'Unrecognized field "{unknown[0]}"')
    if not isinstance(all_or_none, bool):
        raise malformed_json("allOrNone must be true or false")
    _check_size(len(rows))
    return rows, all_or_none


def type_of(row: Mapping[str, Any]) -> str:
    """Return the object that a record names in its attributes."""
    attributes = row.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        # Code not sourced; the guide calls attributes.type mandatory.
        raise CallRefused(400, "INVALID_TYPE", "Each record needs attributes with a type")
    return name


def _check_size(count: int) -> None:
    if count > MAX_RECORDS:
        raise CallRefused(
            400,
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {MAX_RECORDS} records into this call",
        )
