"""sObject Rows: one record in one call, by id or by external id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from starlette.responses import Response

from activation.sandbox.faults import Fault
from activation.sandbox.quirks import Quirks
from activation.sandbox.requests_log import Note
from activation.sandbox.salesforce.collections import read_object
from activation.sandbox.salesforce.errors import (
    CallRefused,
    RowRefused,
    json_answer,
    no_such_column,
    not_found,
    unknown_external_id,
)
from activation.sandbox.salesforce.ids import parse_id
from activation.sandbox.salesforce.records import Records, quoted
from activation.sandbox.salesforce.schema import Catalogue, Field, SObject
from activation.sandbox.salesforce.writes import Writes

NO_CONTENT = 204
TELLS_CREATED = 46
"""The version from which on an upsert says whether it created."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a call about one record says."""

    root: str
    """`/services/data/vXX.X`."""
    name: str
    field: str | None = None
    value: str = ""
    body: bytes = b""
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None

    @property
    def version(self) -> int:
        """Return the version that the call speaks."""
        return int(self.root.rpartition("/v")[2].partition(".")[0])


class Rows:
    """Reads and writes of one record."""

    def __init__(
        self, catalogue: Catalogue, records: Records, writes: Writes, quirks: Quirks
    ) -> None:
        self._quirks = quirks
        self._catalogue = catalogue
        self._records = records
        self._writes = writes

    def get(self, call: Call) -> Response:
        """Return one record, with all fields or those asked for."""
        sobject, _, found = self._find(call)
        # As recorded: what is in the recycle bin is not found; a write says that it is deleted.
        found = [record for record in found if not record["IsDeleted"]]
        record = self._single(call, sobject, found)
        if _unmodified(call.headers or {}, record):
            return Response(status_code=304)
        names = [n for n in (call.query or {}).get("fields", "").split(",") if n.strip()]
        if names:
            record = {k: record[k] for k in self._named(sobject, names)} | {"Id": record["Id"]}
        url = f"{call.root}/sobjects/{sobject.name}/{record['Id']}"
        return json_answer({"attributes": {"type": sobject.name, "url": url}, **record})

    def create(self, call: Call, faults: Sequence[Fault], note: Note) -> Response:
        """Create one record."""
        sobject = self._sobject(call.name)
        note.rows = 1
        (written,) = self._writes.create([(sobject, read_object(call.body))], faults=faults)
        if written.error:
            raise written.error.as_call()
        note.keys[:] = [str(written.id)]
        answer = json_answer({"id": written.id, "success": True, "errors": []}, 201)
        answer.headers["Location"] = f"{call.root}/sobjects/{sobject.name}/{written.id}"
        return answer

    def write(self, call: Call, faults: Sequence[Fault], note: Note) -> Response:
        """Update by id, or upsert by external id."""
        sobject, key, found = self._find(call)
        body = read_object(call.body)
        note.rows, note.keys[:] = 1, [call.value]
        if len(found) > 1:
            raise SeveralFound(_addresses(call, sobject, found))
        if any(name.lower() in ("id", key.name.lower()) for name in body):
            message = f"The {key.name} field should not be specified in the sobject data."
            raise CallRefused(400, "INVALID_FIELD", message, [key.name])
        self._check_unmodified(call.headers or {}, found)
        if key.name == "Id":
            self._alive(found)
            identity = found[0]["Id"] if found else call.value
            (written,) = self._writes.update([(sobject, identity, body)], faults=faults)
            if written.error:
                raise written.error.as_call()
            return Response(status_code=NO_CONTENT)
        if not found and (call.query or {}).get("updateOnly", "").lower() == "true":
            raise not_found()
        (written,), _ = self._writes.upsert(
            sobject, key, [{**body, key.name: call.value}], faults=faults
        )
        if written.error:
            raise written.error.as_call()
        if call.version < TELLS_CREATED:
            # REST guide, upsert: 45.0 and earlier answer an update without a body.
            made = json_answer(written.result(tells_created=False), 201)
            return made if written.created else Response(status_code=NO_CONTENT)
        return json_answer(written.result(tells_created=True), 201 if written.created else 200)

    def delete(self, call: Call, faults: Sequence[Fault], note: Note) -> Response:
        """Delete one record."""
        sobject, _, found = self._find(call)
        note.rows, note.keys[:] = 1, [call.value]
        record = self._single(call, sobject, found)
        (written,) = self._writes.delete([record["Id"]], faults=faults)
        if written.error:
            raise written.error.as_call()
        return Response(status_code=NO_CONTENT)

    def _sobject(self, name: str) -> SObject:
        sobject = self._catalogue.get(name)
        if sobject is None:
            raise not_found()
        return sobject

    def _find(self, call: Call) -> tuple[SObject, Field, list[dict[str, Any]]]:
        """Return the records that a path names; a deleted one only by its id."""
        sobject = self._sobject(call.name)
        key = sobject.field(call.field or "Id")
        if key is None or not key.is_key:
            raise unknown_external_id(str(call.field), self._quirks)
        value: Any = parse_id(call.value) if key.name == "Id" else key.normalise(call.value)
        alive = "" if key.name == "Id" else ' AND "IsDeleted" = 0'
        found = self._records.read(sobject, f"{quoted(key.name)} = ?{alive}", [value])
        return sobject, key, found

    def _single(self, call: Call, sobject: SObject, found: list[dict[str, Any]]) -> dict[str, Any]:
        if not found:
            raise not_found()
        if len(found) > 1:
            raise SeveralFound(_addresses(call, sobject, found))
        self._alive(found)
        return found[0]

    def _alive(self, found: list[dict[str, Any]]) -> None:
        if not found:
            raise not_found()
        if found[0]["IsDeleted"]:
            raise RowRefused("ENTITY_IS_DELETED", "entity is deleted").as_call()

    def _named(self, sobject: SObject, names: list[str]) -> list[str]:
        fields = [(name, sobject.field(name.strip())) for name in names]
        for name, field in fields:
            if field is None:
                raise no_such_column(name, sobject.name)
        return [field.name for _, field in fields if field is not None]

    def _check_unmodified(self, headers: Mapping[str, str], found: list[dict[str, Any]]) -> None:
        """Refuse a write whose reader saw an older state; one-second resolution."""
        given = headers.get("if-unmodified-since")
        if given is None or not found:
            return
        try:
            seen = parsedate_to_datetime(given)
        except ValueError:
            message = "The If-Unmodified-Since header is not a date"
            raise CallRefused(400, "INVALID_HEADER_VALUE", message) from None
        if datetime.fromisoformat(found[0]["LastModifiedDate"]) > seen:
            message = "The record was modified since the given date"
            raise CallRefused(412, "PRECONDITION_FAILED", message)


def _unmodified(headers: Mapping[str, str], record: Mapping[str, Any]) -> bool:
    """Tell whether a record is as the caller saw it, by its last change; one-second resolution."""
    given = headers.get("if-modified-since")
    try:
        seen = None if given is None else parsedate_to_datetime(given)
    except ValueError:
        return False
    return seen is not None and datetime.fromisoformat(record["LastModifiedDate"]) <= seen


class SeveralFound(Exception):  # noqa: N818
    """More than one record has the key of the path."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__("several records")
        self.addresses = addresses

    def answer(self) -> Response:
        """Return the list of the records' addresses."""
        return json_answer(self.addresses, 300)


def _addresses(call: Call, sobject: SObject, found: list[dict[str, Any]]) -> list[str]:
    return [f"{call.root}/sobjects/{sobject.name}/{record['Id']}" for record in found]
