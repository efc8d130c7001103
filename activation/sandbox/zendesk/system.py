"""Zendesk's stand-in, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from activation.errors import UsageError
from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.quirks import Quirks
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import Window
from activation.sandbox.zendesk.account import Account
from activation.sandbox.zendesk.auth import Tokens
from activation.sandbox.zendesk.bulk_calls import BulkCalls
from activation.sandbox.zendesk.edits import Edits
from activation.sandbox.zendesk.errors import CallRefused, error, invalid_token, json_answer
from activation.sandbox.zendesk.fields import Fields
from activation.sandbox.zendesk.identities import Identities
from activation.sandbox.zendesk.jobs import Jobs
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.memberships import Memberships
from activation.sandbox.zendesk.organization_calls import OrganizationCalls
from activation.sandbox.zendesk.organizations import FIRST_ID, Organizations
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.profile_calls import ProfileCalls
from activation.sandbox.zendesk.quirks import QUIRKS
from activation.sandbox.zendesk.records import Records
from activation.sandbox.zendesk.routes import ROOT, TOKENS, Routes
from activation.sandbox.zendesk.search import Search
from activation.sandbox.zendesk.user_calls import UserCalls
from activation.sandbox.zendesk.user_rows import UserRows
from activation.sandbox.zendesk.users import OWNER_ID, Users
from activation.sandbox.zendesk.work import Work


class Zendesk:
    """One account."""

    name = "zendesk"

    def __init__(self, surroundings: Surroundings) -> None:
        """Set the account up in the sandbox's state."""
        state, clock, address = surroundings.state, surroundings.clock, surroundings.address
        self.quirks = Quirks(*QUIRKS)
        self._state = state
        self._account = Account(state)
        self._limits = Limits(surroundings, self._account, self.quirks)
        self.quotas: Mapping[str, Window] = self._limits.windows
        self._parts = Parts(
            state=state,
            clock=clock,
            quirks=self.quirks,
            address=address,
            fields=Fields(state, clock, surroundings.faults, address),
            users=Records(state, "users", OWNER_ID),
            identities=Identities(state),
            organizations=Records(state, "organizations", FIRST_ID),
            memberships=Memberships(state),
        )
        self._tokens = Tokens(state, clock, surroundings.credentials)
        self._users = Users(self._parts)
        self._organizations = Organizations(self._parts)
        rows = UserRows(self._parts, self._users)
        work = Work(self._parts, self._users, rows, self._organizations)
        self._jobs = Jobs(
            state,
            clock,
            carry=work.carry,
            faults=surroundings.faults,
            quirks=self.quirks,
            under_way=self._limits.jobs,
        )
        bulk = BulkCalls(self._parts, self._limits, self._account, self._jobs)
        search = Search(self._parts, self._limits, self._users, self._organizations)
        self._edits = Edits(
            self._parts,
            self._account,
            self._tokens,
            self._limits,
            self._jobs,
            self._users,
            rows,
            self._organizations,
        )
        self._routes = Routes(
            self._tokens,
            self._limits,
            self._jobs,
            bulk,
            [
                bulk.table(),
                search.table(),
                UserCalls(self._parts, self._limits, self._users, rows, search).table(),
                OrganizationCalls(self._parts, self._limits, self._organizations).table(),
                ProfileCalls(self._parts, self._users, self._organizations, work).table(),
            ],
        )

    def routes(self) -> list[BaseRoute]:
        """Return the API's addresses."""
        return self._routes.all()

    def admin_routes(self) -> list[BaseRoute]:
        """Return what people and Zendesk Support can do in the account."""
        return self._edits.routes()

    def owns(self, path: str) -> bool:
        """Tell whether the path is one of Zendesk's."""
        return path.startswith(ROOT) or path.removesuffix(".json") == TOKENS

    def is_data(self, path: str) -> bool:
        """Tell whether the path is a call of the API, and not the token endpoint."""
        return path.startswith(ROOT)

    def logged_path(self, path: str) -> str:
        """Return the path: it holds ids, and no keys."""
        return path

    def refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> Response:
        """Return Zendesk's answer to a request that the fault refuses."""
        if fault.name is FaultName.STORED_NOTHING:
            # A job of which nobody will ever hear again.
            status = {"id": "0" * 32, "status": "queued", "results": None}
            answer = json_answer({"job_status": status})
        else:
            answer = self._refusal(fault, headers).answer()
        self._limits.tell(answer)
        return answer

    def _refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> CallRefused:
        options = fault.options
        match fault.name:
            case FaultName.EXPIRED_SESSION:
                self._tokens.revoke(headers.get(b"authorization", b"").decode("latin-1"))
                return invalid_token()
            case FaultName.RATE_LIMITED | FaultName.QUOTA_EXHAUSTED:
                # There is no daily limit: the account's minute is all that can be used up.
                return self._limits.refusal(str(options.get("limit", "minute")))
            case FaultName.UNAVAILABLE:
                refused = error(503, "ServiceUnavailable", "Service Unavailable")
                refused.retry_after = 5
                return refused
            case FaultName.WHOLE_BATCH_REFUSED | FaultName.STATUS:
                code = str(options.get("code", "InvalidValue"))
                text = str(options.get("message", "The request as a whole was refused"))
                return error(int(options.get("status", 400)), code, text)
            case _:
                return error(500, "InternalError", "Internal server error")

    def records(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """
        Return up to `limit` records, oldest first, and how many there are.

        The account's owner is not counted.

        Raises:
            UsageError: there is no such object.
        """
        self._jobs.catch_up()
        if name == "users":
            where = f"state = 0 AND id <> {OWNER_ID}"
            found = self._parts.users.select(f"{where} ORDER BY id LIMIT ?", (limit,))
            return [self._users.shown(r) for r in found], self._parts.users.count(where)
        if name == "organizations":
            store = self._parts.organizations
            found = store.select("state = 0 ORDER BY id LIMIT ?", (limit,))
            return [self._organizations.shown(r) for r in found], store.count()
        if name == "organization_memberships":
            memberships = self._parts.memberships
            kept = memberships.select("1 = 1 ORDER BY id LIMIT ?", (limit,))
            names = self._organizations.names({m.organization_id for m in kept})
            address = self._parts.address
            return [m.document(address, names) for m in kept], memberships.count()
        known = "users, organizations, organization_memberships"
        raise UsageError(f"There is no object {name!r}.", hint=f"Objects: {known}.")

    def reset(self) -> None:
        """Forget every record, job, token, custom field and setting of the account."""
        self._state.drop_tables("zendesk_")
        self._account.reset()
        self._tokens.reset()
        self._parts.fields.reset()
        self._parts.organizations.prepare()
        self._parts.memberships.prepare()
        self._users.prepare()
        self._jobs.prepare()
        self._limits.reset()
