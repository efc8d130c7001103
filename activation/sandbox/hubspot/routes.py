"""HubSpot's addresses, and what every call passes before it is answered."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.sandbox.faults import Fault
from activation.sandbox.gateway import note_of
from activation.sandbox.hubspot.calls import Handler, Incoming, Table
from activation.sandbox.hubspot.errors import CallRefused, not_found
from activation.sandbox.hubspot.limits import BURST_SECONDS, Limits
from activation.sandbox.hubspot.tokens import Grant, Tokens
from activation.sandbox.system import Surroundings

ROOTS = ("/crm/", "/crm-object-schemas/", "/communication-preferences/", "/account-info/")
OAUTH = "/oauth/v"
NAME = "hubspot"
_EVERY = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class Routes:
    """All addresses of one account."""

    def __init__(
        self, surroundings: Surroundings, *, table: Table, tokens: Tokens, limits: Limits
    ) -> None:
        self._surroundings = surroundings
        self._table = table
        self._tokens = tokens
        self._limits = limits

    def all(self) -> list[BaseRoute]:
        """Return the routes; more particular ones first."""
        routes: list[BaseRoute] = [
            Route(path, self._endpoint(handlers), methods=_EVERY) for path, handlers in self._table
        ]
        acts: list[tuple[str, str, Callable[[Request, bytes], Any]]] = [
            ("/oauth/v1/token", "POST", lambda _, body: self._tokens.issue(body)),
            ("/oauth/{version}/token", "POST", lambda _, body: self._tokens.issue(body)),
            (
                "/oauth/{version}/token/introspect",
                "POST",
                lambda _, body: self._tokens.introspect(body),
            ),
            (
                "/oauth/v1/access-tokens/{token}",
                "GET",
                lambda request, _: self._tokens.about(request.path_params["token"]),
            ),
            ("/oauth/v2/private-apps/get/access-token-info", "POST", self._about_private),
        ]
        routes += [Route(path, self._open(act), methods=[verb]) for path, verb, act in acts]
        nothing = self._endpoint({})
        rest = (*ROOTS, OAUTH)
        return [*routes, *(Route(f"{root}{{rest:path}}", nothing, methods=_EVERY) for root in rest)]

    def refuse(self, refused: CallRefused, grant: Grant | None = None) -> Response:
        """Return a refusal with the headers that every answer has."""
        return self._answer(refused.status, refused.body, grant, search=False)

    def answer(self, status: int, body: Any) -> Response:
        """Return an answer with the headers that every answer has."""
        return self._answer(status, lambda _: body, None, search=False)

    def headers(self, grant: Grant | None, *, search: bool) -> dict[str, str]:
        """Return what answers tell of the limits."""
        interval = self._surroundings.told(BURST_SECONDS)
        oauth = grant is not None and grant.oauth
        return self._limits.headers(oauth=oauth, search=search, interval=interval)

    def _endpoint(self, handlers: dict[str, Handler]) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            search = _is_search(request.scope["path"])
            grant: Grant | None = None
            try:
                grant = self._tokens.admit(request.headers.get("authorization", ""))
                self._limits.take(oauth=grant.oauth, search=search)
                handler = _handler(handlers, request.method)
                status, answer = handler(self._incoming(request, body, grant))
            except CallRefused as refused:
                return self._answer(refused.status, refused.body, grant, search=search)
            return self._answer(status, lambda _: answer, grant, search=search)

        return endpoint

    def _open(self, act: Callable[[Request, bytes], Any]) -> Callable[[Request], object]:
        """Return an address that needs no token of its own."""

        async def endpoint(request: Request) -> Response:
            try:
                answer = act(request, await request.body())
            except CallRefused as refused:
                return _json(refused.status, refused.body(str(uuid.uuid4())))
            return _json(200, answer)

        return endpoint

    def _about_private(self, _request: Request, body: bytes) -> Any:
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError:
            given = None
        return self._tokens.about_private(
            str(given.get("tokenKey", "")) if isinstance(given, dict) else ""
        )

    def _incoming(self, request: Request, body: bytes, grant: Grant) -> Incoming:
        def faults() -> list[Fault]:
            path = request.scope["path"]
            return self._surroundings.faults.row_faults(NAME, request.method, path)

        return Incoming(
            path=request.path_params,
            query=request.query_params,
            raw=body,
            grant=grant,
            note=note_of(request.scope),
            faults=faults,
        )

    def _answer(
        self, status: int, body: Callable[[str], Any], grant: Grant | None, *, search: bool
    ) -> Response:
        correlation = str(uuid.uuid4())
        answer = _json(status, body(correlation))
        answer.headers["X-HubSpot-Correlation-Id"] = correlation
        for name, value in self.headers(grant, search=search).items():
            answer.headers[name] = value
        return answer


def _handler(handlers: dict[str, Handler], method: str) -> Handler:
    if not handlers:
        raise not_found()
    if method not in handlers:
        raise CallRefused(405, "HTTP 405 Method Not Allowed", "VALIDATION_ERROR")
    return handlers[method]


def _is_search(path: str) -> bool:
    return path.startswith("/crm/") and path.endswith("/search") and "/objects/" in path


def _json(status: int, body: Any) -> Response:
    """Return an answer as HubSpot labels it; no body at all for None."""
    if body is None:
        return Response(status_code=status)
    labelled = Response(orjson.dumps(body), status, media_type="application/json;charset=utf-8")
    labelled.headers["Vary"] = "Accept-Encoding"
    labelled.headers["Access-Control-Allow-Credentials"] = "false"
    return labelled
