"""Zendesk's addresses, and what every call passes before it is answered."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.sandbox.gateway import note_of
from activation.sandbox.zendesk.auth import Tokens, check_scope
from activation.sandbox.zendesk.bulk_calls import BulkCalls
from activation.sandbox.zendesk.call import Call, Handler, Table
from activation.sandbox.zendesk.errors import CallRefused, json_answer, no_such_page, not_found
from activation.sandbox.zendesk.jobs import Jobs
from activation.sandbox.zendesk.limits import Limits

ROOT = "/api/v2/"
TOKENS = "/oauth/tokens"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_JOBS = "job_statuses/"


class Routes:
    """The API below `/api/v2`, and the token endpoint beside it."""

    def __init__(
        self, tokens: Tokens, limits: Limits, jobs: Jobs, bulk: BulkCalls, tables: Sequence[Table]
    ) -> None:
        self._tokens = tokens
        self._limits = limits
        self._jobs = jobs
        self._bulk = bulk
        self._handlers: dict[tuple[str, str], Handler] = {}
        for table in tables:
            self._handlers.update(table)

    def all(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route(TOKENS, self._token, methods=["POST"]),
            Route(f"{TOKENS}.json", self._token, methods=["POST"]),
            Route(f"{ROOT}{{rest:path}}", self._call, methods=_METHODS),
        ]

    async def _token(self, request: Request) -> Response:
        return self._tokens.issue(await request.body())

    async def _call(self, request: Request) -> Response:
        self._jobs.catch_up()
        path = request.path_params["rest"].removesuffix(".json")
        limit = None
        try:
            caller = self._tokens.caller(request.headers.get("authorization", ""))
            self._limits.admit()
            check_scope(caller, request.method, path)
            call = Call(
                method=request.method,
                path=path,
                ids=[int(part) for part in path.split("/") if _is_id(part)],
                query=request.query_params,
                body=await request.body(),
                note=note_of(request.scope),
                caller=caller,
            )
            answer = self._answer(call)
            limit = call.limit
        except CallRefused as refused:
            answer = refused.answer()
        self._tell(answer, limit)
        return answer

    def _answer(self, call: Call) -> Response:
        if call.path.startswith(_JOBS) and call.path != "job_statuses/show_many":
            return self._job(call)
        template = "/".join("{}" if _is_id(part) else part for part in call.path.split("/"))
        handler = self._handlers.get((call.method, template))
        if handler is None:
            raise no_such_page()
        return handler(call)

    def _job(self, call: Call) -> Response:
        job = self._bulk.show(call.path.removeprefix(_JOBS)) if call.method == "GET" else None
        if job is None:
            raise not_found()
        return json_answer({"job_status": job.document(self._bulk.address)})

    def _tell(self, answer: Response, limit: str | None) -> None:
        """Put the headers on an answer that all of them have."""
        headers = answer.headers
        headers["X-Zendesk-API-Version"] = "v2"
        headers["X-Frame-Options"] = "SAMEORIGIN"
        headers["Strict-Transport-Security"] = "max-age=31536000;"
        headers.setdefault("Cache-Control", "max-age=0, private, must-revalidate")
        headers["X-Request-Id"] = secrets.token_hex(8)
        headers["X-Content-Type-Options"] = "nosniff"
        self._limits.tell(answer, limit)


def _is_id(part: str) -> bool:
    return part.isascii() and part.isdecimal()
