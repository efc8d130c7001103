"""What a person with a browser does in the workspace, and what it was billed: at no cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from activation.clock import Clock
from activation.errors import UsageError
from activation.sandbox.acts import Act, endpoint_of
from activation.sandbox.braze.attributes import Attributes
from activation.sandbox.braze.auth import Keys
from activation.sandbox.braze.billing import Billing
from activation.sandbox.braze.profiles import Profile, Profiles
from activation.sandbox.braze.queue import Queue
from activation.sandbox.braze.setting import Setting
from activation.sandbox.braze.subscriptions import Subscriptions
from activation.sandbox.braze.work import Work
from activation.sandbox.state import State

_ROOT = "/_sandbox/braze"


class Edits:
    """The admin addresses that belong to Braze alone."""

    def __init__(  # noqa: PLR0913
        self,
        state: State,
        clock: Clock,
        *,
        keys: Keys,
        attributes: Attributes,
        subscriptions: Subscriptions,
        billing: Billing,
        queue: Queue,
        profiles: Profiles,
        setting: Setting,
        work: Work,
    ) -> None:
        self._state = state
        self._clock = clock
        self._keys = keys
        self._attributes = attributes
        self._subscriptions = subscriptions
        self._billing = billing
        self._queue = queue
        self._profiles = profiles
        self._setting = setting
        self._work = work

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        acts: list[tuple[str, str, Act]] = [
            ("data_points", "GET", self._data_points),
            ("queue", "GET", self._waiting),
            ("permissions", "POST", self._withhold),
            ("attributes/{name:path}", "PATCH", self._declare),
            ("groups/{group}", "PATCH", self._declare_group),
            ("users/{key:path}", "POST", self._edit_user),
            ("users/{key:path}", "DELETE", self._delete_user),
            ("merge", "POST", self._merge),
        ]
        return [Route(f"{_ROOT}/{path}", endpoint_of(act), methods=[m]) for path, m, act in acts]

    def _data_points(self, _request: Request, _body: Mapping[str, Any]) -> Any:
        return self._billing.document()

    def _waiting(self, _request: Request, _body: Mapping[str, Any]) -> Any:
        self._work.catch_up()
        return {"waiting": self._queue.waiting()}

    def _withhold(self, _request: Request, body: Mapping[str, Any]) -> Any:
        withheld = body.get("withheld", [])
        self._keys.withhold(map(str, withheld))
        return {"withheld": withheld}

    def _declare(self, request: Request, body: Mapping[str, Any]) -> Any:
        return self._attributes.declare(request.path_params["name"], **body).document()

    def _declare_group(self, request: Request, body: Mapping[str, Any]) -> Any:
        group = request.path_params["group"]
        name, channel = str(body.get("name", group)), str(body.get("channel", "email"))
        self._subscriptions.declare(group, name, channel)
        return {"id": group, "name": name, "channel": channel}

    def _edit_user(self, request: Request, body: Mapping[str, Any]) -> Any:
        profile = self._find(request.path_params["key"])
        self._setting.apply(profile, body)
        profile.updated = self._clock.now().timestamp()
        with self._state.transaction():
            self._profiles.save([profile])
        return {"braze_id": profile.braze_id}

    def _delete_user(self, request: Request, _body: Mapping[str, Any]) -> Any:
        profile = self._find(request.path_params["key"])
        with self._state.transaction():
            self._profiles.delete([profile])
        return {"braze_id": profile.braze_id}

    def _merge(self, _request: Request, body: Mapping[str, Any]) -> Any:
        """Merge at once, as the dashboard does, in place of after a while."""
        winner, loser = str(body.get("keep")), str(body.get("merge"))
        self._find(winner)
        self._find(loser)
        update = {
            "identifier_to_keep": {"external_id": winner},
            "identifier_to_merge": {"external_id": loser},
        }
        self._work.carry_out("merge", {"updates": [update]})
        return {"kept": winner}

    def _find(self, key: str) -> Profile:
        self._work.catch_up()
        found = self._profiles.by_external_ids([key]).get(key)
        if found is None:
            raise UsageError("There is no such user.")
        return found
