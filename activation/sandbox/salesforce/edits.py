"""What a person with a browser does in the org: edits records and fields, at no cost of quota."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.errors import UsageError
from activation.sandbox.salesforce.collections import read_object
from activation.sandbox.salesforce.errors import CallRefused, RowRefused, json_answer, not_found
from activation.sandbox.salesforce.ids import PERSON, parse_id
from activation.sandbox.salesforce.records import Records
from activation.sandbox.salesforce.schema import Catalogue, SObject
from activation.sandbox.salesforce.writes import Writes

_ROOT = "/_sandbox/salesforce"
Act = Callable[[Request, bytes], Any]


class Edits:
    """The admin addresses that belong to Salesforce alone."""

    def __init__(self, catalogue: Catalogue, records: Records, writes: Writes) -> None:
        self._catalogue = catalogue
        self._records = records
        self._writes = writes

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        record = f"{_ROOT}/records/{{object}}"
        acts: list[tuple[str, list[str], Act]] = [
            (f"{_ROOT}/objects/{{object}}/fields/{{field}}", ["PATCH"], self._edit_field),
            ("/_sandbox/schema", ["DELETE"], self._reset_schema),
            (record, ["POST"], self._create_record),
            (f"{record}/{{key:path}}", ["POST", "PATCH"], self._edit_record),
            (f"{record}/{{key:path}}", ["DELETE"], self._delete_record),
        ]
        return [Route(path, _endpoint(act), methods=methods) for path, methods, act in acts]

    def _edit_field(self, request: Request, body: bytes) -> Any:
        path = request.path_params
        field = self._catalogue.edit(path["object"], path["field"], read_object(body))
        self._records.prepare(self._catalogue.whole(path["object"]))
        return field

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
        """Return the record with that id, or with that value of its first external id."""
        sobject, text = self._sobject(request), request.path_params["key"]
        identity = parse_id(text)
        if identity is not None and identity.startswith(sobject.prefix):
            return sobject, identity
        for field in sobject.fields.values():
            if field.document["externalId"]:
                found = self._records.find(sobject, field, [field.normalise(text)])
                alive = [hit for hit in found if not hit.is_deleted]
                if len(alive) == 1:
                    return sobject, alive[0].id
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
