"""What people do in the account with a browser: edits of records, properties and permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.errors import UsageError
from activation.sandbox.hubspot.catalogue import Catalogue, CrmObject
from activation.sandbox.hubspot.errors import CallRefused
from activation.sandbox.hubspot.records import PERSON, Record, Records
from activation.sandbox.hubspot.singles import Singles
from activation.sandbox.hubspot.tokens import Tokens
from activation.sandbox.hubspot.writes import Draft, Writes

_ROOT = "/_sandbox/hubspot"
Act = Callable[[Request, dict[str, Any]], Any]


class Edits:
    """The admin addresses that belong to HubSpot alone."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        records: Records,
        writes: Writes,
        singles: Singles,
        tokens: Tokens,
    ) -> None:
        self._catalogue = catalogue
        self._records = records
        self._writes = writes
        self._singles = singles
        self._tokens = tokens

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        record = f"{_ROOT}/records/{{object}}"
        acts: list[tuple[str, list[str], Act]] = [
            (f"{_ROOT}/objects/{{object}}/fields/{{property}}", ["PATCH"], self._edit_property),
            (f"{_ROOT}/schema", ["DELETE"], self._reset_schema),
            (f"{_ROOT}/scopes/{{scope}}", ["DELETE"], self._withdraw_scope),
            (f"{_ROOT}/merges/{{object}}", ["POST"], self._merge),
            (f"{_ROOT}/restores/{{object}}", ["POST"], self._restore),
            (record, ["POST"], self._create_record),
            (f"{record}/{{key:path}}", ["POST", "PATCH"], self._edit_record),
            (f"{record}/{{key:path}}", ["DELETE"], self._delete_record),
        ]
        return [Route(path, _endpoint(act), methods=methods) for path, methods, act in acts]

    def _edit_property(self, request: Request, body: dict[str, Any]) -> Any:
        path = request.path_params
        return self._catalogue.edit(path["object"], path["property"], body)

    def _reset_schema(self, _request: Request, _body: dict[str, Any]) -> Any:
        self._catalogue.reset()
        return {"reset": True}

    def _withdraw_scope(self, request: Request, _body: dict[str, Any]) -> Any:
        self._tokens.withdraw(request.path_params["scope"])
        return {"scopes": sorted(self._tokens.scopes())}

    def _create_record(self, request: Request, body: dict[str, Any]) -> Any:
        return {"id": str(self._write(self._object(request), body, None).id)}

    def _edit_record(self, request: Request, body: dict[str, Any]) -> Any:
        of = self._object(request)
        return {"id": str(self._write(of, body, self._find(of, request)).id)}

    def _delete_record(self, request: Request, _body: dict[str, Any]) -> Any:
        of = self._object(request)
        record = self._find(of, request)
        self._records.archive(of, [record.id], self._writes.now())
        return {"id": str(record.id)}

    def _restore(self, request: Request, body: dict[str, Any]) -> Any:
        of, key = self._object(request), str(body.get("key", ""))
        gone = next(
            (
                record
                for record in self._records.every(of)
                if record.archived is not None
                and key in (str(record.id), *(record.properties.get(n) for n in of.unique))
            ),
            None,
        )
        if gone is None:
            raise UsageError(f"There is no archived record {key!r}.")
        self._records.restore(of, gone)
        return {"id": str(gone.id)}

    def _merge(self, request: Request, body: dict[str, Any]) -> Any:
        of = self._object(request)
        winner, loser = (self._found(of, str(body.get(n, ""))) for n in ("winner", "loser"))
        pair = {"primaryObjectId": str(winner.id), "objectIdToMerge": str(loser.id)}
        return {"id": self._singles.merge(of, pair)["id"]}

    def _write(self, of: CrmObject, given: dict[str, Any], record: Record | None) -> Record:
        draft = self._writes.draft(of, given)
        draft.record = record
        self._writes.settle(of, [draft])
        if draft.error is not None or draft.record is None:
            raise UsageError(_reason(draft))
        self._writes.store(of, [draft], PERSON)
        return draft.record

    def _object(self, request: Request) -> CrmObject:
        name = request.path_params["object"]
        of = self._catalogue.get(name)
        if of is None:
            hint = f"Objects: {', '.join(self._catalogue.names())}."
            raise UsageError(f"There is no object {name!r}.", hint=hint)
        return of

    def _find(self, of: CrmObject, request: Request) -> Record:
        return self._found(of, request.path_params["key"])

    def _found(self, of: CrmObject, key: str) -> Record:
        """Return the record with that value of a unique property, or with that id."""
        for name in (*reversed(of.unique), None):
            try:
                return self._singles.find(of, key, name, archived=False)
            except CallRefused:
                continue
        raise UsageError(f"There is no such record: {key!r}.")


def _reason(draft: Draft) -> str:
    return "The record cannot be written." if draft.error is None else draft.error.message


def _endpoint(act: Act) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            body = orjson.loads(raw or b"{}")
            answer, status = act(request, body), 200
        except (UsageError, orjson.JSONDecodeError) as error:
            answer, status = {"error": str(error)}, 400
        except CallRefused as refused:
            answer, status = {"error": refused.message}, refused.status
        return Response(orjson.dumps(answer), status, media_type="application/json")

    return endpoint
