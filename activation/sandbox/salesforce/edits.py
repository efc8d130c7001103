"""What a person with a browser does in the org: edits records and fields, at no cost of quota."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.clock import Clock
from activation.errors import UsageError
from activation.sandbox.salesforce.collections import read_object
from activation.sandbox.salesforce.errors import CallRefused, RowRefused, json_answer, not_found
from activation.sandbox.salesforce.ids import PERSON, parse_id
from activation.sandbox.salesforce.records import Found, Records
from activation.sandbox.salesforce.schema import Catalogue, SObject
from activation.sandbox.salesforce.writes import Writes
from activation.sandbox.state import State

_ROOT = "/_sandbox/salesforce"
Act = Callable[[Request, bytes], Any]


class Edits:
    """The admin addresses that belong to Salesforce alone."""

    def __init__(
        self, state: State, clock: Clock, catalogue: Catalogue, records: Records, writes: Writes
    ) -> None:
        self._state = state
        self._clock = clock
        self._catalogue = catalogue
        self._records = records
        self._writes = writes

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        record = f"{_ROOT}/records/{{object}}"
        acts: list[tuple[str, list[str], Act]] = [
            (f"{_ROOT}/objects/{{object}}/fields/{{field}}", ["PATCH"], self._edit_field),
            (f"{_ROOT}/objects/{{object}}", ["PATCH"], self._permit),
            ("/_sandbox/schema", ["DELETE"], self._reset_schema),
            (record, ["POST"], self._create_record),
            (f"{_ROOT}/merges/{{object}}", ["POST"], self._merge),
            (f"{_ROOT}/restores/{{object}}", ["POST"], self._restore),
            (f"{record}/{{key:path}}", ["POST", "PATCH"], self._edit_record),
            (f"{record}/{{key:path}}", ["DELETE"], self._delete_record),
        ]
        return [Route(path, _endpoint(act), methods=methods) for path, methods, act in acts]

    def _edit_field(self, request: Request, body: bytes) -> Any:
        path = request.path_params
        field = self._catalogue.edit(path["object"], path["field"], read_object(body))
        self._records.prepare(self._catalogue.whole(path["object"]))
        return field

    def _permit(self, request: Request, body: bytes) -> Any:
        return self._catalogue.permit(request.path_params["object"], read_object(body))

    def _merge(self, request: Request, body: bytes) -> Any:
        """Merge the record `loser` into the record `winner`: ids, or values of the key."""
        given, sobject = read_object(body), self._sobject(request)
        winner, loser = (self._found(sobject, str(given.get(n))) for n in ("winner", "loser"))
        if not sobject.document["mergeable"]:
            raise CallRefused(400, "INVALID_TYPE", f"{sobject.name} records cannot be merged")
        with self._state.transaction():
            self._records.merge(sobject, winner.id, loser.row, self._clock.now())
        return {"id": winner.id}

    def _restore(self, request: Request, body: bytes) -> Any:
        """Take the record `key` out of the recycle bin: an id, or a value of the key."""
        sobject = self._sobject(request)
        found = self._found(sobject, str(read_object(body).get("key")), deleted=True)
        if not sobject.document["undeletable"]:
            raise CallRefused(400, "INVALID_TYPE", f"{sobject.name} records cannot be restored")
        for field in sobject.fields.values():
            if field.document["unique"]:
                (held,) = self._records.read(sobject, '"Id" = ?', [found.id])
                others = self._records.find(sobject, field, [held[field.name]])
                if any(not hit.is_deleted for hit in others):
                    text = f"duplicate value found: {field.name} is taken by another record"
                    raise CallRefused(400, "DUPLICATE_VALUE", text)
        with self._state.transaction():
            self._records.restore(sobject, [found.row], self._clock.now())
        return {"id": found.id}

    def _reset_schema(self, _request: Request, _body: bytes) -> Any:
        self._catalogue.reset()
        return {"reset": True}

    def _create_record(self, request: Request, body: bytes) -> Any:
        sobject = self._sobject(request)
        (written,) = self._writes.create([(sobject, read_object(body))], user=PERSON)
        if written.error:
            raise written.error
        return {"id": written.id}

    def _edit_record(self, request: Request, body: bytes) -> Any:
        sobject, identity = self._find(request)
        (written,) = self._writes.update([(sobject, identity, read_object(body))], user=PERSON)
        if written.error:
            raise written.error
        return {"id": written.id}

    def _delete_record(self, request: Request, _body: bytes) -> Any:
        _, identity = self._find(request)
        (written,) = self._writes.delete([identity])
        if written.error:
            raise written.error
        return {"id": written.id}

    def _sobject(self, request: Request) -> SObject:
        sobject = self._catalogue.get(request.path_params["object"])
        if sobject is None:
            raise not_found(f"There is no object {request.path_params['object']}")
        return sobject

    def _find(self, request: Request) -> tuple[SObject, str]:
        sobject = self._sobject(request)
        return sobject, self._found(sobject, request.path_params["key"]).id

    def _found(self, sobject: SObject, text: str, *, deleted: bool = False) -> Found:
        """Return the record with that id, or with that value of its first external id."""
        identity = parse_id(text)
        keys = [(sobject.field("Id"), identity)] if identity else []
        keys += [
            (field, str(field.normalise(text)))
            for field in sobject.fields.values()
            if field.document["externalId"]
        ]
        for field, value in keys:
            found = self._records.find(sobject, field, [value]) if field else []
            those = [hit for hit in found if hit.is_deleted is deleted]
            if len(those) == 1 or (those and deleted):
                return those[-1]
        raise not_found("There is no such record")


def _endpoint(act: Act) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        try:
            return json_answer(act(request, await request.body()))
        except UsageError as error:
            return json_answer({"error": str(error)}, 400)
        except CallRefused as refused:
            body = {"error": refused.message, "code": refused.code}
            return json_answer(body, refused.status)
        except RowRefused as refused:
            return json_answer({"error": refused.message, "code": refused.code}, 400)

    return endpoint
