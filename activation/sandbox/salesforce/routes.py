"""Salesforce's addresses, and what every call passes before it is answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC
from email.utils import format_datetime, parsedate_to_datetime
from random import Random

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.gateway import note_of
from activation.sandbox.quota import RollingPool
from activation.sandbox.salesforce.auth import Sessions
from activation.sandbox.salesforce.bulk.ingest import Ingest
from activation.sandbox.salesforce.bulk.work import Work
from activation.sandbox.salesforce.collections import Collections
from activation.sandbox.salesforce.errors import (
    CallRefused,
    RowRefused,
    json_answer,
    limit_exceeded,
    not_found,
    session_expired,
)
from activation.sandbox.salesforce.fields import Document
from activation.sandbox.salesforce.queries import Queries, page_rows
from activation.sandbox.salesforce.rows import Call, Rows, SeveralFound
from activation.sandbox.salesforce.schema import Catalogue
from activation.sandbox.system import Surroundings

OLDEST_VERSION, NEWEST_VERSION = 31, 67
BULK_SINCE, COLLECTIONS_SINCE, COLLECTION_UPSERTS_SINCE = 41, 42, 46
"""The versions from which on there are Bulk 2.0 jobs, collections, and upserts of them."""
_FIRST_SPRING = (45, 2019)
MAX_HEAD_BYTES = 16384
"""URI and headers together."""
_VERSION = re.compile(r"v(\d+)\.0")
Handler = Callable[[Request, bytes], Response]


class Routes:
    """The REST API's resources."""

    def __init__(  # noqa: PLR0913
        self,
        surroundings: Surroundings,
        *,
        catalogue: Catalogue,
        sessions: Sessions,
        quota: RollingPool,
        collections: Collections,
        rows: Rows,
        queries: Queries,
        ingest: Ingest,
        work: Work,
        batches: RollingPool,
    ) -> None:
        self._faults = surroundings.faults
        self._catalogue = catalogue
        self._sessions = sessions
        self._quota = quota
        self._collections = collections
        self._rows = rows
        self._queries = queries
        self._ingest = ingest
        self._work = work
        self._batches = batches
        self._jitter = Random(0)  # noqa: S311

    def all(self) -> list[BaseRoute]:
        """Return the routes; more particular ones first."""
        data = "/services/data/{version}"
        record = f"{data}/sobjects/{{object}}"
        collection = f"{data}/composite/sobjects"
        table: list[tuple[str, dict[str, Handler]]] = [
            (f"{data}/limits", {"GET": self._limits}),
            (f"{data}/query", {"GET": self._query}),
            (f"{data}/queryAll", {"GET": self._query}),
            (f"{data}/query/{{place}}", {"GET": self._next_page}),
            (f"{data}/queryAll/{{place}}", {"GET": self._next_page}),
            (f"{data}/sobjects", {"GET": self._global_describe}),
            (f"{record}/describe", {"GET": self._describe}),
            (record, {"POST": self._create}),
            (f"{record}/{{value}}", {"GET": self._get, "PATCH": self._write, "DELETE": self._drop}),
            (
                f"{record}/{{field}}/{{value:path}}",
                {"GET": self._get, "PATCH": self._write, "DELETE": self._drop},
            ),
            (
                collection,
                {
                    "POST": self._create_many,
                    "PATCH": self._update_many,
                    "DELETE": self._delete_many,
                },
            ),
            (f"{collection}/{{object}}/{{field}}", {"PATCH": self._upsert_many}),
            (f"{data}/jobs/ingest", {"POST": self._make_job, "GET": self._jobs}),
            (
                f"{data}/jobs/ingest/{{job}}",
                {"GET": self._job, "PATCH": self._change_job, "DELETE": self._delete_job},
            ),
            (f"{data}/jobs/ingest/{{job}}/batches", {"PUT": self._upload}),
            (f"{data}/jobs/ingest/{{job}}/{{file}}", {"GET": self._job_result}),
        ]
        every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        routes: list[BaseRoute] = [
            Route("/services/oauth2/token", self._token, methods=["POST"]),
            Route("/services/data", self._versions, methods=["GET"]),
        ]
        routes += [
            Route(path, self._endpoint(verbs, since=_since(path)), methods=every)
            for path, verbs in table
        ]
        nothing = self._endpoint({})
        return [*routes, Route("/services/{rest:path}", nothing, methods=every)]

    def _endpoint(
        self, verbs: dict[str, Handler], *, since: int = OLDEST_VERSION
    ) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            try:
                self._admit(request, since)
            except CallRefused as refused:
                return refused.answer()
            self._work.catch_up()
            try:
                answer = _handler(verbs, request.method)(request, body)
            except (CallRefused, SeveralFound) as refused:
                answer = refused.answer()
            except RowRefused as refused:
                answer = refused.as_call().answer()
            answer.headers["Sforce-Limit-Info"] = self._usage()
            return answer

        return endpoint

    def _admit(self, request: Request, since: int) -> None:
        """Let a call in: size of its head, session, quota, version; in this order."""
        scope = request.scope
        head = len(scope["raw_path"]) + len(scope["query_string"])
        if head > MAX_HEAD_BYTES:
            raise CallRefused(414, "URI_TOO_LONG", "URI Too Long")
        head += sum(len(name) + len(value) + 4 for name, value in scope["headers"])
        if head > MAX_HEAD_BYTES:
            raise CallRefused(431, "HEADERS_TOO_LARGE", "Request Header Fields Too Large")
        if not self._sessions.is_valid(request.headers.get("authorization", "")):
            raise session_expired()
        if not self._quota.take().granted:
            raise limit_exceeded()
        version = request.path_params.get("version")
        match = _VERSION.fullmatch(version or "")
        if version is not None and not (match and since <= int(match[1]) <= NEWEST_VERSION):
            raise not_found()

    def _usage(self) -> str:
        used = self._quota.used
        for fault in self._faults.standing(FaultName.USAGE_JITTER):
            spread = int(fault.options.get("spread", 5))
            used = max(0, used + self._jitter.randint(-spread, spread))
        return f"api-usage={used}/{self._quota.limit}"

    async def _token(self, request: Request) -> Response:
        return self._sessions.token(request.headers, await request.body())

    async def _versions(self, _request: Request) -> Response:
        return json_answer([_release(n) for n in range(OLDEST_VERSION, NEWEST_VERSION + 1)])

    def _limits(self, _request: Request, _body: bytes) -> Response:
        limit = self._quota.limit
        remaining = max(0, limit - self._quota.used)
        return json_answer(
            {
                "DailyApiRequests": {"Max": limit, "Remaining": remaining},
                "DailyBulkApiBatches": {
                    "Max": self._batches.limit,
                    "Remaining": max(0, self._batches.limit - self._batches.used),
                },
                "DailyBulkV2QueryJobs": {"Max": 10000, "Remaining": 10000},
                "DailyBulkV2QueryFileStorageMB": {"Max": 976562, "Remaining": 976562},
            }
        )

    def _query(self, request: Request, _body: bytes) -> Response:
        text = request.query_params.get("q")
        if not text:
            raise CallRefused(400, "MALFORMED_QUERY", "A query string has to be specified")
        answer = self._queries.run(
            text,
            _root(request),
            page_rows(request.headers.get("sforce-query-options")),
            includes_deleted=request.scope["path"].endswith("/queryAll"),
        )
        note_of(request.scope).rows = len(answer["records"])
        return json_answer(answer)

    def _next_page(self, request: Request, _body: bytes) -> Response:
        answer = self._queries.next_page(request.path_params["place"], _root(request))
        note_of(request.scope).rows = len(answer["records"])
        return json_answer(answer)

    def _global_describe(self, _request: Request, _body: bytes) -> Response:
        found = [self._catalogue.get(name) for name in self._catalogue.names()]
        objects = [_brief(sobject.document) for sobject in found if sobject is not None]
        return json_answer({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})

    def _describe(self, request: Request, _body: bytes) -> Response:
        sobject = self._catalogue.get(request.path_params["object"])
        if sobject is None:
            raise not_found()
        modified = self._catalogue.modified_at()
        since = request.headers.get("if-modified-since")
        try:
            unchanged = since is not None and modified <= parsedate_to_datetime(since)
        except (ValueError, TypeError):
            unchanged = False
        answer = Response(status_code=304) if unchanged else json_answer(sobject.document)
        answer.headers["Last-Modified"] = format_datetime(modified.astimezone(UTC), usegmt=True)
        return answer

    def _get(self, request: Request, body: bytes) -> Response:
        return self._rows.get(_call(request, body))

    def _create(self, request: Request, body: bytes) -> Response:
        faults = self._row_faults(request)
        return self._rows.create(_call(request, body), faults, note_of(request.scope))

    def _write(self, request: Request, body: bytes) -> Response:
        faults = self._row_faults(request)
        return self._rows.write(_call(request, body), faults, note_of(request.scope))

    def _drop(self, request: Request, body: bytes) -> Response:
        faults = self._row_faults(request)
        return self._rows.delete(_call(request, body), faults, note_of(request.scope))

    def _upsert_many(self, request: Request, body: bytes) -> Response:
        path = request.path_params
        faults, note = self._row_faults(request), note_of(request.scope)
        return json_answer(
            self._collections.upsert(path["object"], path["field"], body, faults, note)
        )

    def _create_many(self, request: Request, body: bytes) -> Response:
        faults, note = self._row_faults(request), note_of(request.scope)
        return json_answer(self._collections.create(body, faults, note))

    def _update_many(self, request: Request, body: bytes) -> Response:
        faults, note = self._row_faults(request), note_of(request.scope)
        return json_answer(self._collections.update(body, faults, note))

    def _delete_many(self, request: Request, _body: bytes) -> Response:
        faults, note = self._row_faults(request), note_of(request.scope)
        return json_answer(self._collections.delete(request.query_params, faults, note))

    def _make_job(self, request: Request, body: bytes) -> Response:
        version = float(request.path_params["version"].removeprefix("v"))
        return self._ingest.create(body, version, request.headers.get("content-type", ""))

    def _jobs(self, request: Request, _body: bytes) -> Response:
        return self._ingest.all(request.query_params, _root(request))

    def _job(self, request: Request, _body: bytes) -> Response:
        return self._ingest.get(request.path_params["job"])

    def _change_job(self, request: Request, body: bytes) -> Response:
        return self._ingest.change(request.path_params["job"], body)

    def _delete_job(self, request: Request, _body: bytes) -> Response:
        return self._ingest.delete(request.path_params["job"])

    def _upload(self, request: Request, body: bytes) -> Response:
        return self._ingest.upload(request.path_params["job"], body)

    def _job_result(self, request: Request, _body: bytes) -> Response:
        path = request.path_params
        return self._ingest.result(path["job"], path["file"], request.query_params)

    def _row_faults(self, request: Request) -> list[Fault]:
        return self._faults.row_faults("salesforce", request.method, request.scope["path"])


def _since(path: str) -> int:
    """Return the version from which on there is something at a path."""
    if "/jobs/" in path:
        return BULK_SINCE
    if "/composite/" not in path:
        return OLDEST_VERSION
    return COLLECTION_UPSERTS_SINCE if "{field}" in path else COLLECTIONS_SINCE


def _handler(verbs: dict[str, Handler], method: str) -> Handler:
    if not verbs:
        raise not_found()
    if method not in verbs:
        message = f"HTTP Method '{method}' not allowed. Allowed are {', '.join(verbs)}"
        raise CallRefused(405, "METHOD_NOT_ALLOWED", message)
    return verbs[method]


def _root(request: Request) -> str:
    return f"/services/data/{request.path_params['version']}"


def _call(request: Request, body: bytes) -> Call:
    path = request.path_params
    return Call(
        root=_root(request),
        name=path["object"],
        field=path.get("field"),
        value=path.get("value", ""),
        body=body,
        query=request.query_params,
        headers=request.headers,
    )


def _release(number: int) -> dict[str, str]:
    """Return an entry of the versions list; releases come in spring, summer and winter."""
    first, year = _FIRST_SPRING
    years, season = divmod(number - first, 3)
    name = ("Spring", "Summer", "Winter")[season]
    label = f"{name} '{(year + years + (name == 'Winter')) % 100:02d}"
    return {"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"}


def _brief(document: Document) -> Document:
    return {key: value for key, value in document.items() if key != "fields"}
