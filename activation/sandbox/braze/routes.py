"""Braze's addresses, and what every call passes before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from activation.sandbox.braze.attributes import Attributes
from activation.sandbox.braze.auth import Keys
from activation.sandbox.braze.errors import (
    Refused,
    bad_request,
    invalid_url,
    json_answer,
    not_json,
    rate_limited,
    too_large,
)
from activation.sandbox.braze.export import Export
from activation.sandbox.braze.identities import Identities
from activation.sandbox.braze.limits import Limits
from activation.sandbox.braze.subscriptions import Subscriptions
from activation.sandbox.braze.track import Track
from activation.sandbox.braze.work import Work
from activation.sandbox.gateway import note_of
from activation.sandbox.system import Surroundings

NAME = "braze"
BODY_BYTES = 4 * 1024 * 1024
PREFIXES = (
    "/users",
    "/email",
    "/subscription",
    "/v2/subscription",
    "/custom_attributes",
    "/events",
)
_EVENTS_PAGE = 250
_QUEUED = frozenset({"/users/track", "/users/delete", "/v2/subscription/status/set"})
"""Endpoints whose answer does not depend on what took effect before."""
Body = Mapping[str, Any]
Handler = Callable[[Request, Body], Response]


class Routes:
    """The REST API's endpoints."""

    def __init__(  # noqa: PLR0913
        self,
        surroundings: Surroundings,
        *,
        keys: Keys,
        limits: Limits,
        track: Track,
        export: Export,
        attributes: Attributes,
        identities: Identities,
        subscriptions: Subscriptions,
        work: Work,
    ) -> None:
        self._surroundings = surroundings
        self._keys = keys
        self._limits = limits
        self._track = track
        self._export = export
        self._attributes = attributes
        self._identities = identities
        self._subscriptions = subscriptions
        self._work = work

    def all(self) -> list[BaseRoute]:
        """Return the routes, and for every other path of Braze's the 404 that it gives."""
        table: dict[str, dict[str, Handler]] = {
            "/users/track": {"POST": self._users_track},
            "/users/export/ids": {"POST": self._users_export},
            "/users/delete": {"POST": self._users_delete},
            "/users/identify": {"POST": self._users_identify},
            "/users/merge": {"POST": self._users_merge},
            "/users/alias/new": {"POST": self._alias_new},
            "/users/alias/update": {"POST": self._alias_update},
            "/users/external_ids/rename": {"POST": self._ids_rename},
            "/users/external_ids/remove": {"POST": self._ids_remove},
            "/email/status": {"POST": self._email_status},
            "/subscription/status/set": {"POST": self._subscription_set},
            "/v2/subscription/status/set": {"POST": self._subscriptions_set},
            "/subscription/status/get": {"GET": self._subscription_get},
            "/subscription/user/status": {"GET": self._user_subscriptions},
            "/custom_attributes": {"GET": self._custom_attributes},
            "/events/list": {"GET": self._events_list},
        }
        every = ["GET", "POST", "PATCH", "PUT", "DELETE"]
        routes: list[BaseRoute] = [
            Route(path, self._endpoint(verbs), methods=every) for path, verbs in table.items()
        ]
        nothing = self._endpoint({})
        unknown = [p for prefix in PREFIXES for p in (prefix, f"{prefix}/{{rest:path}}")]
        others = [Route(path, nothing, methods=every) for path in unknown]
        return [*routes, *others]

    def _endpoint(self, verbs: Mapping[str, Handler]) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            headers: dict[str, str] = {}
            try:
                answer = self._answer(request, raw, verbs, headers)
            except Refused as refused:
                answer = refused.answer()
            answer.headers.update(headers)
            return answer

        return endpoint

    def _answer(
        self,
        request: Request,
        raw: bytes,
        verbs: Mapping[str, Handler],
        headers: dict[str, str],
    ) -> Response:
        """Let a call in and answer it: key, path, size, form, limit, in this order."""
        path = request.scope["path"]
        self._keys.admit(request.method, path, request.headers.get("authorization", ""))
        handler = verbs.get(request.method)
        if handler is None:
            raise invalid_url()
        if len(raw) > BODY_BYTES:
            raise too_large()
        body = _body(request, raw)
        window = self._limits.window(path, body)
        taken = window.take()
        headers |= self._limits.headers(window)
        if not taken.granted:
            raise rate_limited()
        if path not in _QUEUED:
            self._work.catch_up()
        return handler(request, body)

    def _users_track(self, request: Request, body: Body) -> Response:
        scope = request.scope
        faults = self._surroundings.faults.row_faults(NAME, request.method, scope["path"])
        size = int(request.headers.get("content-length", "0"))
        return self._track.accept(body, faults, note_of(scope), size=size)

    def _users_export(self, _request: Request, body: Body) -> Response:
        return self._export.export(body)

    def _users_delete(self, request: Request, body: Body) -> Response:
        deleted = self._identities.accept_deletion(body)
        note_of(request.scope).rows = deleted
        return json_answer({"deleted": deleted, "message": "success"})

    def _users_identify(self, _request: Request, body: Body) -> Response:
        processed = self._identities.accept_identification(body)
        return json_answer({"aliases_processed": processed, "message": "success"})

    def _users_merge(self, _request: Request, body: Body) -> Response:
        self._identities.accept_merge(body)
        return json_answer({"message": "success"}, 202)

    def _alias_new(self, _request: Request, body: Body) -> Response:
        processed = self._identities.add_aliases(body)
        return json_answer({"aliases_processed": processed, "message": "success"})

    def _alias_update(self, _request: Request, body: Body) -> Response:
        self._identities.update_aliases(body)
        return json_answer({"message": "success"})

    def _ids_rename(self, _request: Request, body: Body) -> Response:
        return json_answer(self._identities.rename(body))

    def _ids_remove(self, _request: Request, body: Body) -> Response:
        return json_answer(self._identities.remove(body))

    def _email_status(self, request: Request, body: Body) -> Response:
        note_of(request.scope).rows = self._subscriptions.set_address(body)
        return json_answer({"message": "success"})

    def _subscription_set(self, request: Request, body: Body) -> Response:
        note_of(request.scope).rows = self._subscriptions.set_one(body)
        return json_answer({"message": "success"})

    def _subscriptions_set(self, request: Request, body: Body) -> Response:
        note_of(request.scope).rows = self._subscriptions.set_many(body)
        return json_answer({"message": "success"})

    def _subscription_get(self, request: Request, _body: Body) -> Response:
        group = request.query_params.get("subscription_group_id")
        return self._subscriptions.status(group, *_asked(request))

    def _user_subscriptions(self, request: Request, _body: Body) -> Response:
        return self._subscriptions.groups_of(*_asked(request))

    def _custom_attributes(self, request: Request, _body: Body) -> Response:
        page, cursor = self._attributes.page(request.query_params.get("cursor"))
        answer = json_answer({"attributes": page, "message": "success"}, 200)
        if cursor is not None:
            address = f"{self._surroundings.address}/custom_attributes?cursor={cursor}"
            answer.headers["Link"] = f'<{address}>; rel="next"'
        return answer

    def _events_list(self, request: Request, _body: Body) -> Response:
        page = request.query_params.get("page", "0")
        start = int(page) * _EVENTS_PAGE if page.isdecimal() else 0
        names = self._work.event_names()[start : start + _EVENTS_PAGE]
        return json_answer({"message": "success", "events": names}, 200)


def _body(request: Request, raw: bytes) -> Body:
    if request.method == "GET":
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise not_json()
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise bad_request() from None
    if not isinstance(body, dict):
        raise bad_request()
    return body


def _asked(request: Request) -> tuple[list[str], list[str], list[str]]:
    """Return external ids, addresses and numbers, each given once or as an array."""
    query = request.query_params
    ids, emails, phones = (
        [*query.getlist(name), *query.getlist(f"{name}[]")]
        for name in ("external_id", "email", "phone")
    )
    return ids, emails, phones
