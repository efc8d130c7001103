"""HubSpot's stand-in, put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute

from activation.errors import UsageError
from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.hubspot.account_calls import AccountCalls
from activation.sandbox.hubspot.batches import Batches
from activation.sandbox.hubspot.catalogue import Catalogue, CrmObject
from activation.sandbox.hubspot.edits import Edits
from activation.sandbox.hubspot.errors import CallRefused, Invalid, invalid_values, with_status
from activation.sandbox.hubspot.limits import Limits, refusal
from activation.sandbox.hubspot.lists import Lists
from activation.sandbox.hubspot.object_calls import ObjectCalls
from activation.sandbox.hubspot.quirks import QUIRKS
from activation.sandbox.hubspot.records import Record, Records
from activation.sandbox.hubspot.routes import NAME, OAUTH, ROOTS, Routes
from activation.sandbox.hubspot.search import Searches
from activation.sandbox.hubspot.shapes import batch, stamps
from activation.sandbox.hubspot.singles import Singles
from activation.sandbox.hubspot.subscriptions import Subscriptions
from activation.sandbox.hubspot.tokens import Tokens
from activation.sandbox.hubspot.writes import Writes
from activation.sandbox.quirks import Quirks
from activation.sandbox.system import Surroundings
from activation.sandbox.windows import Window

_LISTS, _SUBSCRIPTIONS = "lists/", "subscriptions/"


class HubSpot:
    """One account."""

    name = NAME

    def __init__(self, surroundings: Surroundings) -> None:
        """Set the account up in the sandbox's state."""
        state, clock = surroundings.state, surroundings.clock
        self._state = state
        self.quirks = Quirks(*QUIRKS)
        self._catalogue = Catalogue(state, clock, surroundings.faults)
        self._records = Records(state)
        self._writes = Writes(state, clock, self._records)
        self._lists = Lists(state, clock, self._catalogue, self._records)
        self._subscriptions = Subscriptions(state, clock, self.quirks)
        self._tokens = Tokens(state, clock, surroundings.credentials)
        self._prepare()
        limits = Limits(state, clock, self.name)
        self.quotas: Mapping[str, Window] = limits.windows
        batches = Batches(self._records, self._writes, self.quirks)
        singles = Singles(
            self._records,
            writes=self._writes,
            batches=batches,
            lists=self._lists,
            quirks=self.quirks,
        )
        objects = ObjectCalls(
            self._catalogue, batches, singles, Searches(self._records, clock, self.quirks)
        )
        account = AccountCalls(
            clock,
            lists=self._lists,
            subscriptions=self._subscriptions,
            limits=limits,
            tokens=self._tokens,
        )
        self._routes = Routes(
            surroundings,
            table=[*objects.table(), *account.table()],
            tokens=self._tokens,
            limits=limits,
        )
        self._edits = Edits(
            self._catalogue,
            records=self._records,
            writes=self._writes,
            singles=singles,
            tokens=self._tokens,
        )

    def _prepare(self) -> None:
        self._records.prepare(self._catalogue.names())
        self._lists.prepare()
        self._subscriptions.prepare()
        self._tokens.prepare()

    def routes(self) -> list[BaseRoute]:
        """Return the API's addresses."""
        return self._routes.all()

    def admin_routes(self) -> list[BaseRoute]:
        """Return what a person in the account can do."""
        return self._edits.routes()

    def owns(self, path: str) -> bool:
        """Tell whether the path is one of HubSpot's."""
        return path.startswith((*ROOTS, OAUTH))

    def is_data(self, path: str) -> bool:
        """Tell whether the path is a call of the API, and not about tokens."""
        return path.startswith(ROOTS)

    def logged_path(self, path: str) -> str:
        """Return the path without the key of a single-record call, or an address."""
        head, _, last = path.rpartition("/")
        if "@" in last or head.endswith(("/access-tokens", "/status/email")):
            return f"{head}/{{value}}"
        parts = path.split("/")
        place = next((i for i, part in enumerate(parts) if part == "objects"), None)
        if place is None:
            return path
        # /crm/v3/objects/contacts/<id>, and /crm/objects/2026-03/contacts/<id>.
        at = place + (2 if parts[place - 1] == "v3" else 3)
        words = ("batch", "search", "merge", "gdpr-delete")
        if at == len(parts) - 1 and parts[at] not in words:
            parts[at] = "{value}"
        return "/".join(parts)

    def refusal(self, fault: Fault, headers: dict[bytes, bytes]) -> Response:
        """Return HubSpot's answer to a request that the fault refuses."""
        if fault.name is FaultName.STORED_NOTHING:
            now = self._writes.now()
            return self._routes.answer(200, batch((), (), now, now))
        return self._routes.refuse(self._refused(fault, headers))

    def _refused(self, fault: Fault, headers: dict[bytes, bytes]) -> CallRefused:
        options = fault.options
        message, code = options.get("message"), options.get("code")
        if fault.name is FaultName.EXPIRED_SESSION:
            return self._tokens.expire(headers.get(b"authorization", b"").decode("latin-1"))
        if fault.name is FaultName.RATE_LIMITED:
            return refusal(str(options.get("limit", "burst")))
        if fault.name is FaultName.QUOTA_EXHAUSTED:
            return refusal("daily")
        if fault.name is FaultName.WHOLE_BATCH_REFUSED:
            text = str(message or "The request as a whole was refused")
            return invalid_values([Invalid(str(code or "INVALID_OPTION"), "email", text)]).as_call()
        usual = 503 if fault.name is FaultName.UNAVAILABLE else 500
        return with_status(int(options.get("status", usual)), message, code)

    def records(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """
        Return up to `limit` records, oldest first, and how many there are.

        `lists/<id>` are the records on a list, `subscriptions/<id>` the addresses with a status.

        Raises:
            UsageError: there is no such object.
        """
        if name.startswith(_SUBSCRIPTIONS):
            return self._subscriptions.records(name.removeprefix(_SUBSCRIPTIONS), limit)
        if name.startswith(_LISTS):
            try:
                of, ids, total = self._lists.records_on(name.removeprefix(_LISTS), limit)
            except CallRefused as refused:
                raise UsageError(refused.message) from None
            found = self._records.get(of, ids)
            return [_flat(of, found[one]) for one in ids if one in found], total
        known = self._catalogue.get(name)
        if known is None:
            hint = f"Objects: {', '.join(self._catalogue.names())}."
            raise UsageError(f"There is no object {name!r}.", hint=hint)
        page = self._records.page(known, 0, limit, archived=False)
        return [_flat(known, record) for record in page], self._records.count(known)

    def reset(self) -> None:
        """Forget every record, list, status, property edit and token."""
        self._catalogue.reset()
        self._state.drop_tables("hubspot_")
        self._catalogue.prepare()
        self._prepare()


def _flat(of: CrmObject, record: Record) -> dict[str, Any]:
    return {"id": str(record.id), **stamps(of, record), **record.properties}
