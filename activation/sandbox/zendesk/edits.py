"""What people and Zendesk Support do in the account, at no cost of its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.errors import UsageError
from activation.sandbox.zendesk.account import Account
from activation.sandbox.zendesk.auth import Tokens
from activation.sandbox.zendesk.errors import CallRefused, RowRefused, json_answer
from activation.sandbox.zendesk.fields import ORGANIZATION_FIELDS, USER_FIELDS
from activation.sandbox.zendesk.jobs import Jobs
from activation.sandbox.zendesk.limits import Limits
from activation.sandbox.zendesk.organizations import Organizations
from activation.sandbox.zendesk.parts import Parts
from activation.sandbox.zendesk.records import Record
from activation.sandbox.zendesk.user_rows import UserRows, Way, Written
from activation.sandbox.zendesk.users import Users

_ROOT = "/_sandbox/zendesk"
_FIELDS = {"users": USER_FIELDS, "organizations": ORGANIZATION_FIELDS}
Act = Callable[[Request, dict[str, Any]], Any]


class Edits:
    """The admin addresses that belong to Zendesk alone."""

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        parts: Parts,
        account: Account,
        tokens: Tokens,
        limits: Limits,
        jobs: Jobs,
        users: Users,
        rows: UserRows,
        organizations: Organizations,
    ) -> None:
        self._parts = parts
        self._account = account
        self._tokens = tokens
        self._limits = limits
        self._jobs = jobs
        self._users = users
        self._rows = rows
        self._organizations = organizations

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        record = f"{_ROOT}/records/{{object}}"
        acts: list[tuple[str, str, Act]] = [
            (f"{_ROOT}/account", "GET", lambda _request, _body: self._account.document()),
            (f"{_ROOT}/account", "POST", self._change_account),
            (f"{_ROOT}/jobs", "GET", self._list_jobs),
            (f"{_ROOT}/mails", "GET", lambda _request, _body: {"mails": self._users.mails}),
            (f"{_ROOT}/scopes", "DELETE", self._withhold),
            (f"{_ROOT}/objects/{{object}}/fields/{{field}}", "PATCH", self._edit_field),
            (f"{_ROOT}/merges/{{object}}", "POST", self._merge),
            (record, "POST", self._create),
            (f"{record}/{{key:path}}", "POST", self._edit),
            (f"{record}/{{key:path}}", "DELETE", self._delete),
        ]
        return [Route(path, self._endpoint(act), methods=[method]) for path, method, act in acts]

    def _endpoint(self, act: Act) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            self._jobs.catch_up()
            try:
                return json_answer(act(request, _json_object(await request.body())))
            except UsageError as error:
                return json_answer({"error": str(error)}, 400)
            except RowRefused as refused:
                return json_answer({"error": refused.text}, 400)
            except CallRefused as refused:
                return json_answer({"error": str(refused.content)}, refused.status)

        return endpoint

    def _change_account(self, _request: Request, body: dict[str, Any]) -> Any:
        changed = self._account.change(body)
        self._limits.follow_account()
        return changed

    def _list_jobs(self, _request: Request, _body: dict[str, Any]) -> Any:
        return {"jobs": [job.document(self._parts.address) for job in self._jobs.all()]}

    def _edit_field(self, request: Request, body: dict[str, Any]) -> Any:
        kind, key = _FIELDS[_object(request)], request.path_params["field"]
        before = self._parts.fields.of(kind).get(key, {})
        options = [option["value"] for option in before.get("custom_field_options", ())]
        return self._parts.fields.add(kind, {**before, "options": options, **body, "key": key})

    def _withhold(self, _request: Request, body: dict[str, Any]) -> Any:
        self._tokens.withhold(str(body.get("scope")))
        return {"withheld": body.get("scope")}

    def _create(self, request: Request, body: dict[str, Any]) -> Any:
        return {"id": self._written(request, body, Way.CREATE)}

    def _edit(self, request: Request, body: dict[str, Any]) -> Any:
        record = self._find(request)
        if "shared" in body and _object(request) == "users":
            record.document["shared"] = body.pop("shared") is True
            self._parts.users.save([record])
        if body:
            self._written(request, {**body, "id": record.id}, Way.UPDATE)
        return {"id": record.id}

    def _written(self, request: Request, row: dict[str, Any], way: Way) -> int:
        write: Callable[..., list[Written]] = self._organizations.write
        if _object(request) == "users":
            write = self._rows.write
        (done,) = write([{"skip_verify_email": True, **row}], way)
        if done.error is not None:
            raise done.error
        return 0 if done.record is None else done.record.id

    def _delete(self, request: Request, _body: dict[str, Any]) -> Any:
        record = self._find(request)
        if _object(request) == "users":
            self._users.delete([record])
        else:
            self._organizations.delete([record])
        return {"id": record.id}

    def _merge(self, request: Request, body: dict[str, Any]) -> Any:
        name = _object(request)
        if name != "users":
            raise UsageError("Only users can be merged here.")
        loser = self._by_key(name, str(body.get("loser")))
        winner = self._by_key(name, str(body.get("winner")))
        self._users.merge(loser, winner)
        return {"id": winner.id}

    def _find(self, request: Request) -> Record:
        return self._by_key(_object(request), request.path_params["key"])

    def _by_key(self, name: str, key: str) -> Record:
        """Return the record with that external id, or that id."""
        store = self._parts.users if name == "users" else self._parts.organizations
        found = store.by_keys([key]).get(key.casefold())
        if found is None and key.isdecimal():
            found = store.by_ids([int(key)]).get(int(key))
        if found is None:
            raise UsageError(f"There is no such record among {name}.", hint="Give its key or id.")
        return found


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise UsageError("The body must be a JSON object.")
    return body


def _object(request: Request) -> str:
    name = str(request.path_params["object"])
    if name not in _FIELDS:
        raise UsageError(f"There is no object {name!r}.", hint=f"Objects: {', '.join(_FIELDS)}.")
    return name
