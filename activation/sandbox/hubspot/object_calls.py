"""The calls about records, their properties and their schemas."""

from __future__ import annotations

from typing import Any

from activation.sandbox.hubspot.batches import Answer, Batches, Call
from activation.sandbox.hubspot.calls import Incoming, Outgoing, Table
from activation.sandbox.hubspot.catalogue import Catalogue, CrmObject
from activation.sandbox.hubspot.errors import (
    CallRefused,
    invalid,
    lacking,
    not_found,
)
from activation.sandbox.hubspot.search import Searches
from activation.sandbox.hubspot.shapes import DEFAULTS
from activation.sandbox.hubspot.singles import Singles

NO_207_SINCE = "2026-09"
"""The version of the API whose description knows no 207."""


class ObjectCalls:
    """The handlers, by address."""

    def __init__(
        self, catalogue: Catalogue, batches: Batches, singles: Singles, searches: Searches
    ) -> None:
        self._catalogue = catalogue
        self._batches = batches
        self._singles = singles
        self._searches = searches

    def table(self) -> Table:
        """Return the addresses with their handlers; more particular ones first."""
        return [
            *_in_each_version("objects/{object}/batch/upsert", {"POST": self._upsert}),
            *_in_each_version("objects/{object}/batch/read", {"POST": self._read}),
            *_in_each_version("objects/{object}/batch/update", {"POST": self._update_many}),
            *_in_each_version("objects/{object}/batch/create", {"POST": self._create_many}),
            *_in_each_version("objects/{object}/batch/archive", {"POST": self._archive_many}),
            *_in_each_version("objects/{object}/search", {"POST": self.search}),
            *_in_each_version("objects/{object}/gdpr-delete", {"POST": self._erase}),
            *_in_each_version("objects/{object}/merge", {"POST": self._merge}),
            *_in_each_version("objects/{object}", {"GET": self._page, "POST": self._create}),
            *_in_each_version(
                "objects/{object}/{id}",
                {"GET": self._get, "PATCH": self._update, "DELETE": self._archive},
            ),
            *_in_each_version(
                "properties/{object}", {"GET": self._properties, "POST": self._add_property}
            ),
            *_in_each_version("properties/{object}/{property}", {"GET": self._property}),
            ("/crm/v3/schemas", {"GET": self._schemas}),
            ("/crm/v3/schemas/{object}", {"GET": self._schema}),
            ("/crm-object-schemas/{version}/schemas", {"GET": self._schemas}),
            ("/crm-object-schemas/{version}/schemas/{object}", {"GET": self._schema}),
        ]

    def _object(self, incoming: Incoming, act: str) -> CrmObject:
        name = incoming.path["object"]
        of = self._catalogue.get(name)
        if of is None:
            raise invalid(f"Unable to infer object type from: {name}")
        incoming.grant.need(f"crm.objects.{of.type.scope}.{act}")
        return of

    def _call(self, incoming: Incoming, act: str) -> Call:
        of = self._object(incoming, act)
        return Call(
            of,
            incoming.document(),
            incoming.faults() if act == "write" else (),
            incoming.note,
            tells_errors_in_200=incoming.path.get("version", "") >= NO_207_SINCE,
        )

    def _upsert(self, incoming: Incoming) -> Outgoing:
        return _told(self._batches.upsert(self._call(incoming, "write")))

    def _read(self, incoming: Incoming) -> Outgoing:
        archived = incoming.query.get("archived", "false").lower() == "true"
        return _told(self._batches.read(self._call(incoming, "read"), archived=archived))

    def _update_many(self, incoming: Incoming) -> Outgoing:
        return _told(self._batches.update(self._call(incoming, "write")))

    def _create_many(self, incoming: Incoming) -> Outgoing:
        return _told(self._batches.create(self._call(incoming, "write")))

    def _archive_many(self, incoming: Incoming) -> Outgoing:
        return _told(self._batches.archive(self._call(incoming, "write")))

    def search(self, incoming: Incoming) -> Outgoing:
        """Answer a search."""
        of = self._object(incoming, "read")
        answer = self._searches.run(of, incoming.document(), len(incoming.raw))
        incoming.note.rows = len(answer["results"])
        return 200, answer

    def _page(self, incoming: Incoming) -> Outgoing:
        answer = self._singles.page(self._object(incoming, "read"), incoming.query)
        incoming.note.rows = len(answer["results"])
        return 200, answer

    def _create(self, incoming: Incoming) -> Outgoing:
        return 201, self._singles.create(self._call(incoming, "write"))

    def _get(self, incoming: Incoming) -> Outgoing:
        of = self._object(incoming, "read")
        return 200, self._singles.get(of, incoming.path["id"], incoming.query)

    def _update(self, incoming: Incoming) -> Outgoing:
        call = self._call(incoming, "write")
        id_property = incoming.query.get("idProperty")
        return 200, self._singles.update(call, incoming.path["id"], id_property)

    def _archive(self, incoming: Incoming) -> Outgoing:
        incoming.note.rows, incoming.note.keys[:] = 1, [incoming.path["id"]]
        self._singles.archive(self._object(incoming, "write"), incoming.path["id"])
        return 204, None

    def _erase(self, incoming: Incoming) -> Outgoing:
        of = self._contacts(incoming)
        incoming.note.rows = 1
        self._singles.erase(of, incoming.document())
        return 204, None

    def _merge(self, incoming: Incoming) -> Outgoing:
        return 200, self._singles.merge(self._object(incoming, "write"), incoming.document())

    def _contacts(self, incoming: Incoming) -> CrmObject:
        of = self._object(incoming, "write")
        if of.name != "contacts":
            raise not_found()
        return of

    def _described(self, incoming: Incoming) -> CrmObject:
        of = self._catalogue.get(incoming.path["object"])
        if of is None:
            raise invalid(f"Unable to infer object type from: {incoming.path['object']}")
        scope = of.type.scope
        incoming.grant.need(f"crm.schemas.{scope}.read", f"crm.objects.{scope}.read")
        return of

    def _properties(self, incoming: Incoming) -> Outgoing:
        return 200, {"results": list(self._described(incoming).documents.values())}

    def _property(self, incoming: Incoming) -> Outgoing:
        name = incoming.path["property"]
        found = self._described(incoming).documents.get(name)
        if found is None:
            raise not_found(f"Property {name} does not exist")
        return 200, found

    def _add_property(self, incoming: Incoming) -> Outgoing:
        of = self._catalogue.get(incoming.path["object"])
        if of is None:
            raise invalid(f"Unable to infer object type from: {incoming.path['object']}")
        incoming.grant.need(f"crm.schemas.{of.type.scope}.write")
        given = incoming.document()
        needed = ("name", "label", "type", "fieldType", "groupName")
        if absent := [name for name in needed if not given.get(name)]:
            raise lacking(*absent)
        if given["name"] in of.documents:
            message = f'A property named "{given["name"]}" already exists.'
            raise CallRefused(409, message, "OBJECT_ALREADY_EXISTS")
        return 201, self._catalogue.add(of, given)

    def _schemas(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.schemas.custom.read", "crm.objects.custom.read")
        found = [self._catalogue.get(name) for name in self._catalogue.names()]
        custom = [of for of in found if of is not None and of.type.type_id.startswith("2-")]
        return 200, {"results": [_schema_of(of) for of in custom]}

    def _schema(self, incoming: Incoming) -> Outgoing:
        return 200, _schema_of(self._described(incoming))


def _told(answer: Answer) -> Outgoing:
    return answer.status, answer.body


def _in_each_version(rest: str, handlers: dict[str, Any]) -> Table:
    """Return the address as the numbered and the dated versions have it."""
    area, _, more = rest.partition("/")
    return [(f"/crm/v3/{rest}", handlers), (f"/crm/{area}/{{version}}/{more}", handlers)]


def _schema_of(of: CrmObject) -> dict[str, Any]:
    """Return an object's schema, as recorded."""
    custom = of.type.type_id.startswith("2-")
    display = [*DEFAULTS[of.name], *of.type.required]
    return {
        "labels": {"singular": of.name.rstrip("s").title(), "plural": of.name.title()},
        "requiredProperties": list(of.type.required),
        "searchableProperties": display,
        "primaryDisplayProperty": display[0],
        "secondaryDisplayProperties": display[1:],
        "archived": False,
        "restorable": True,
        "metaType": "PORTAL_SPECIFIC" if custom else "HUBSPOT",
        "id": of.type.type_id.partition("-")[2],
        "fullyQualifiedName": of.type.other_names[0] if custom else of.type.legacy,
        "createdAt": "2026-01-05T09:00:00.000Z",
        "updatedAt": "2026-01-05T09:00:00.000Z",
        "objectTypeId": of.type.type_id,
        "name": of.name,
        "properties": list(of.documents.values()),
        "associations": [],
    }
