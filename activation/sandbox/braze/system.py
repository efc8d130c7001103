"""Braze's stand-in, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from activation.errors import UsageError
from activation.sandbox.braze.attributes import Attributes
from activation.sandbox.braze.auth import Keys
from activation.sandbox.braze.billing import Billing
from activation.sandbox.braze.edits import Edits
from activation.sandbox.braze.errors import (
    Refused,
    invalid_key,
    json_answer,
    rate_limited,
    server_error,
    unavailable,
)
from activation.sandbox.braze.export import Export, profile_document
from activation.sandbox.braze.identities import Identities
from activation.sandbox.braze.limits import Limits
from activation.sandbox.braze.profiles import Profiles
from activation.sandbox.braze.queue import Queue
from activation.sandbox.braze.quirks import QUIRKS
from activation.sandbox.braze.routes import NAME, PREFIXES, Routes
from activation.sandbox.braze.setting import Setting
from activation.sandbox.braze.subscriptions import Subscriptions
from activation.sandbox.braze.track import Track
from activation.sandbox.braze.work import Work
from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.quirks import Quirks
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import Window

_REFUSALS = {
    FaultName.UNAVAILABLE: unavailable,
    FaultName.SERVER_ERROR_AFTER_APPLY: server_error,
    # Braze has no limit by the day; its answer to any limit is the same.
    FaultName.QUOTA_EXHAUSTED: rate_limited,
    FaultName.RATE_LIMITED: rate_limited,
}


class Braze:
    """One workspace."""

    name = NAME

    def __init__(self, surroundings: Surroundings) -> None:
        """Set the workspace up in the sandbox's state."""
        state, clock = surroundings.state, surroundings.clock
        self.quirks = Quirks(*QUIRKS)
        self._state = state
        self._profiles = Profiles(state)
        self._attributes = Attributes(state, surroundings.faults)
        self._queue = Queue(state, clock, self.quirks)
        self._billing = Billing(state, self.quirks)
        self._subscriptions = Subscriptions(state, self._queue, self._profiles)
        self._keys = Keys(surroundings.credentials, self.quirks)
        self._limits = Limits(surroundings, self.quirks)
        self.quotas: Mapping[str, Window] = self._limits.windows
        setting = Setting(self._attributes, self.quirks)
        identities = Identities(state, clock, self._queue, self._profiles)
        self._work = Work(
            state, clock, self._queue, self._profiles, setting, identities, self._subscriptions
        )
        self._prepare()
        self._routes = Routes(
            surroundings,
            keys=self._keys,
            limits=self._limits,
            track=Track(state, self._queue, self._billing, self.quirks),
            export=Export(self._profiles, self.quirks),
            attributes=self._attributes,
            identities=identities,
            subscriptions=self._subscriptions,
            work=self._work,
        )
        self._edits = Edits(
            state,
            clock,
            keys=self._keys,
            attributes=self._attributes,
            subscriptions=self._subscriptions,
            billing=self._billing,
            queue=self._queue,
            profiles=self._profiles,
            setting=setting,
            work=self._work,
        )

    def _prepare(self) -> None:
        for part in (
            self._profiles,
            self._attributes,
            self._queue,
            self._billing,
            self._subscriptions,
            self._work,
        ):
            part.prepare()

    def routes(self) -> list[BaseRoute]:
        """Return the REST API's addresses."""
        return self._routes.all()

    def admin_routes(self) -> list[BaseRoute]:
        """Return what a person in the workspace can do, and see of the bill."""
        return self._edits.routes()

    def owns(self, path: str) -> bool:
        """Tell whether the path is one of Braze's."""
        return any(path == prefix or path.startswith(f"{prefix}/") for prefix in PREFIXES)

    def is_data(self, path: str) -> bool:
        """Tell whether the path is a data call; all of Braze's are."""
        return self.owns(path)

    def logged_path(self, path: str) -> str:
        """Return the path; no key ever stands in one."""
        return path

    def refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> Response:  # noqa: ARG002
        """Return Braze's answer to a request that the fault refuses."""
        if fault.name is FaultName.EXPIRED_SESSION:
            # A key never ends by itself; it is unknown for this one request.
            return invalid_key().answer()
        if fault.name is FaultName.STORED_NOTHING:
            return json_answer({})
        if fault.name in (FaultName.WHOLE_BATCH_REFUSED, FaultName.STATUS):
            status = int(fault.options.get("status", 400))
            message = str(fault.options.get("message", "Bad Request"))
            return Refused(status, message).answer()
        answer = _REFUSALS[fault.name]().answer()
        if fault.name in (FaultName.RATE_LIMITED, FaultName.QUOTA_EXHAUSTED):
            name = str(fault.options.get("limit", "users/track"))
            window = self.quotas.get(name) or self.quotas["users/track"]
            answer.headers.update(self._limits.headers(window))
            answer.headers["X-RateLimit-Remaining"] = "0"
        return answer

    def records(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """
        Return up to `limit` records, oldest first, and how many there are.

        Profiles come with their fields and custom attributes side by side.

        Raises:
            UsageError: there is no such object.
        """
        self._work.catch_up()
        kind, _, rest = name.partition("/")
        if name == "users":
            found = []
            for profile in self._profiles.all(limit):
                told = profile_document(profile, None)
                found.append({**told, **told.pop("custom_attributes", {})})
            return found, self._profiles.count()
        if kind == "events" and rest:
            return self._work.events(rest, limit)
        if kind == "subscription_groups" and self._subscriptions.has(rest):
            return self._subscriptions.members(rest, limit)
        hint = "Objects: users, events/<name>, subscription_groups/<id>."
        raise UsageError(f"There is no object {name!r}.", hint=hint)

    def reset(self) -> None:
        """Forget every profile, event, attribute and group."""
        self._state.drop_tables("braze_")
        self._keys.reset()
        self._prepare()
