"""Salesforce's stand-in, put together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.errors import UsageError
from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.quirks import Quirks
from activation.sandbox.quota import RollingPool
from activation.sandbox.salesforce.auth import Sessions
from activation.sandbox.salesforce.bulk.ingest import Ingest
from activation.sandbox.salesforce.bulk.jobs import Jobs
from activation.sandbox.salesforce.bulk.work import Work
from activation.sandbox.salesforce.collections import Collections
from activation.sandbox.salesforce.edits import Edits
from activation.sandbox.salesforce.errors import (
    CallRefused,
    json_answer,
    limit_exceeded,
    server_error,
    session_expired,
    too_many_at_once,
    unavailable,
)
from activation.sandbox.salesforce.queries import Queries
from activation.sandbox.salesforce.quirks import QUIRKS
from activation.sandbox.salesforce.records import Records
from activation.sandbox.salesforce.routes import Routes
from activation.sandbox.salesforce.rows import Rows
from activation.sandbox.salesforce.schema import Catalogue
from activation.sandbox.salesforce.writes import Writes
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import Window

_BASE_REQUESTS, _LICENCES, _REQUESTS_A_LICENCE = 100_000, 10, 1_000
DAILY_REQUESTS = _BASE_REQUESTS + _LICENCES * _REQUESTS_A_LICENCE
"""An Enterprise org of ten licences, in any 24 hours."""
DAILY_BULK_BATCHES = 15_000
"""Internal batches of bulk jobs in any 24 hours, of up to 10,000 records each."""
_MAX_JOBS = 10_000
_DATA = "/services/data/"
_PATH_PARTS_WITH_KEY = 7
_REFUSALS = {
    FaultName.QUOTA_EXHAUSTED: limit_exceeded,
    FaultName.RATE_LIMITED: too_many_at_once,
    FaultName.UNAVAILABLE: unavailable,
    FaultName.SERVER_ERROR_AFTER_APPLY: server_error,
}


class Salesforce:
    """One org."""

    name = "salesforce"

    def __init__(self, surroundings: Surroundings) -> None:
        """Set the org up in the sandbox's state."""
        state, clock = surroundings.state, surroundings.clock
        self._state = state
        self._catalogue = Catalogue(state, clock, surroundings.faults)
        self._records = Records(state)
        self._prepare()
        self.quirks = Quirks(*QUIRKS)
        self._sessions = Sessions(
            state, clock, self.quirks, surroundings.address, surroundings.credentials
        )
        self._queries = Queries(state, self._catalogue)
        pool = RollingPool(
            state,
            clock,
            system=self.name,
            limit=DAILY_REQUESTS,
            window_seconds=int(timedelta(days=1).total_seconds()),
        )
        batches = RollingPool(
            state,
            clock,
            system=f"{self.name}_bulk_batches",
            limit=DAILY_BULK_BATCHES,
            window_seconds=int(timedelta(days=1).total_seconds()),
        )
        self.quotas: Mapping[str, Window] = {"daily": pool, "bulk_batches": batches}
        writes = Writes(state, clock, self._catalogue, self._records)
        self._jobs = Jobs(state, clock)
        self._work = Work(
            clock,
            jobs=self._jobs,
            catalogue=self._catalogue,
            writes=writes,
            batches=batches,
            faults=surroundings.faults,
            quirks=self.quirks,
        )
        ingest = Ingest(
            clock,
            jobs=self._jobs,
            work=self._work,
            catalogue=self._catalogue,
            faults=surroundings.faults,
            quirks=self.quirks,
        )
        self._edits = Edits(state, clock, self._catalogue, self._records, writes)
        self._routes = Routes(
            surroundings,
            catalogue=self._catalogue,
            sessions=self._sessions,
            quota=pool,
            collections=Collections(self._catalogue, writes, self.quirks),
            rows=Rows(self._catalogue, self._records, writes, self.quirks),
            queries=self._queries,
            ingest=ingest,
            work=self._work,
            batches=batches,
        )

    def _prepare(self) -> None:
        for name in self._catalogue.names():
            self._records.prepare(self._catalogue.whole(name))

    def routes(self) -> list[BaseRoute]:
        """Return the REST API's addresses."""
        return self._routes.all()

    def admin_routes(self) -> list[BaseRoute]:
        """Return what a person in the org can do."""
        return [*self._edits.routes(), Route(f"/_sandbox/{self.name}/jobs", self._list_jobs)]

    async def _list_jobs(self, _request: Request) -> Response:
        self._work.catch_up()
        return json_answer({"jobs": [job.document() for job in self._jobs.page(0, _MAX_JOBS)]})

    def owns(self, path: str) -> bool:
        """Tell whether the path is one of Salesforce's."""
        return path.startswith("/services/")

    def is_data(self, path: str) -> bool:
        """Tell whether the path is a call of the REST API, and not the token endpoint."""
        return path.startswith(_DATA)

    def logged_path(self, path: str) -> str:
        """Return the path without the key of a single-record call."""
        parts = path.split("/", _PATH_PARTS_WITH_KEY)
        if len(parts) > _PATH_PARTS_WITH_KEY and parts[4] == "sobjects":
            parts[_PATH_PARTS_WITH_KEY] = "{value}"
        return "/".join(parts)

    def refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> Response:
        """Return Salesforce's answer to a request that the fault refuses."""
        if fault.name is FaultName.EXPIRED_SESSION:
            self._sessions.revoke(headers.get(b"authorization", b"").decode("latin-1"))
            return session_expired().answer()
        if fault.name is FaultName.STORED_NOTHING:
            return json_answer([])
        if fault.name in (FaultName.WHOLE_BATCH_REFUSED, FaultName.STATUS):
            status = int(fault.options.get("status", 400))
            code = str(fault.options.get("code", "INVALID_FIELD"))
            message = str(fault.options.get("message", "The request as a whole was refused"))
            return CallRefused(status, code, message).answer()
        return _REFUSALS[fault.name]().answer()

    def records(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """
        Return up to `limit` records, oldest first, and how many there are.

        Raises:
            UsageError: there is no such object.
        """
        self._work.catch_up()
        sobject = self._catalogue.get(name)
        if sobject is None:
            hint = f"Objects: {', '.join(self._catalogue.names())}."
            raise UsageError(f"There is no object {name!r}.", hint=hint)
        rows = self._records.read(sobject, '"IsDeleted" = 0 ORDER BY row LIMIT ?', [limit])
        return rows, self._records.count(sobject)

    def reset(self) -> None:
        """Forget every record, cursor, schema edit and session."""
        self._queries.reset()
        self._work.reset()
        self._jobs.reset()
        self._catalogue.reset()
        self._sessions.reset()
        for name in self._catalogue.names():
            self._state.drop_tables(f"salesforce_{name}")
        self._prepare()
