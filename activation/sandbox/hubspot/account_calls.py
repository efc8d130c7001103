"""The calls about lists, subscriptions, the account and its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from activation.clock import Clock
from activation.sandbox.hubspot.calls import Incoming, Outgoing, Table
from activation.sandbox.hubspot.errors import PORTAL, RowRefused, lacking, too_many
from activation.sandbox.hubspot.limits import Limits
from activation.sandbox.hubspot.lists import Lists
from activation.sandbox.hubspot.shapes import batch
from activation.sandbox.hubspot.subscriptions import MOST, Subscriptions, as_v3
from activation.sandbox.hubspot.tokens import Tokens
from activation.sandbox.hubspot.values import stamp

_V3 = "/communication-preferences/v3"
_WRITE_STATUSES = "communication_preferences.statuses.batch.write"
_READ_STATUSES = "communication_preferences.statuses.batch.read"
_BOTH = "communication_preferences.read_write"


class AccountCalls:
    """The handlers, by address."""

    def __init__(
        self,
        clock: Clock,
        *,
        lists: Lists,
        subscriptions: Subscriptions,
        limits: Limits,
        tokens: Tokens,
    ) -> None:
        self._clock = clock
        self._lists = lists
        self._subscriptions = subscriptions
        self._limits = limits
        self._tokens = tokens

    def table(self) -> Table:
        """Return the addresses with their handlers; more particular ones first."""
        return [
            *(
                (f"{root}{path}", handlers)
                for path, handlers in self._list_table()
                for root in ("/crm/v3/lists", "/crm/lists/{version}")
            ),
            (f"{_V3}/definitions", {"GET": self._definitions_v3}),
            (f"{_V3}/status/email/{{email}}", {"GET": self._status_v3}),
            (f"{_V3}/subscribe", {"POST": self._subscribe_v3}),
            (f"{_V3}/unsubscribe", {"POST": self._unsubscribe_v3}),
            *(
                (f"/communication-preferences/{{version}}{path}", handlers)
                for path, handlers in self._preference_table()
            ),
            (
                "/account-info/{version}/api-usage/daily/private-apps",
                {"GET": self._usage},
            ),
            ("/account-info/{version}/details", {"GET": self._details}),
        ]

    def _list_table(self) -> Table:
        return [
            ("/{list}/memberships/add", {"PUT": self._add}),
            ("/{list}/memberships/remove", {"PUT": self._remove}),
            ("/{list}/memberships/add-and-remove", {"PUT": self._change}),
            ("/{list}/memberships", {"GET": self._members, "DELETE": self._empty}),
            ("/records/memberships/batch/read", {"POST": self._memberships}),
            ("/search", {"POST": self._search_lists}),
            ("/{list}/restore", {"PUT": self._restore}),
            ("/{list}", {"GET": self._list, "DELETE": self._delete}),
            ("", {"POST": self._create_list}),
            ("/", {"POST": self._create_list}),
        ]

    def _preference_table(self) -> Table:
        return [
            ("/statuses/batch/write", {"POST": self._write_statuses}),
            ("/statuses/batch/read", {"POST": self._read_statuses}),
            ("/definitions", {"GET": self._definitions}),
            (
                "/statuses/{email}/unsubscribe-all",
                {"POST": self._unsubscribe_all},
            ),
            ("/statuses/{email}", {"GET": self._statuses, "POST": self._write_status}),
        ]

    def _add(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        return self._changed(incoming, incoming.array(), [])

    def _remove(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        return self._changed(incoming, [], incoming.array())

    def _change(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        body = incoming.document()
        add, remove = body.get("recordIdsToAdd"), body.get("recordIdsToRemove")
        if not isinstance(add, list) or not isinstance(remove, list):
            raise lacking("recordIdsToAdd", "recordIdsToRemove")
        return self._changed(incoming, add, remove)

    def _changed(self, incoming: Incoming, add: list[Any], remove: list[Any]) -> Outgoing:
        incoming.note.rows = len(add) + len(remove)
        incoming.note.keys[:] = [str(one) for one in [*add, *remove]]
        return 200, self._lists.change(incoming.path["list"], add, remove)

    def _members(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.read")
        answer = self._lists.members(incoming.path["list"], incoming.query)
        incoming.note.rows = len(answer["results"])
        return 200, answer

    def _empty(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        self._lists.empty(incoming.path["list"])
        return 204, None

    def _memberships(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.read")
        began = self._now()
        found = self._lists.of_records(incoming.document())
        return 200, batch(found, (), began, self._now())

    def _list(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.read")
        return 200, self._lists.get(incoming.path["list"])

    def _create_list(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        return 200, self._lists.create(incoming.document())

    def _search_lists(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.read")
        return 200, self._lists.search(incoming.document())

    def _delete(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        self._lists.delete(incoming.path["list"])
        return 204, None

    def _restore(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need("crm.lists.write")
        self._lists.restore(incoming.path["list"])
        return 204, None

    def _definitions_v3(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.read")
        return 200, {"subscriptionDefinitions": self._subscriptions.definitions()}

    def _definitions(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.read")
        now = self._now()
        return 200, batch(self._subscriptions.definitions(), (), now, now)

    def _status_v3(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.read")
        email = incoming.path["email"]
        statuses = [as_v3(one) for one in self._subscriptions.statuses(email)]
        return 200, {"recipient": email, "subscriptionStatuses": statuses}

    def _subscribe_v3(self, incoming: Incoming) -> Outgoing:
        return self._set_v3(incoming, "SUBSCRIBED")

    def _unsubscribe_v3(self, incoming: Incoming) -> Outgoing:
        return self._set_v3(incoming, "UNSUBSCRIBED")

    def _set_v3(self, incoming: Incoming, state: str) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.write")
        body = incoming.document()
        if absent := [n for n in ("emailAddress", "subscriptionId") if not body.get(n)]:
            raise lacking(*absent)
        number = str(body["subscriptionId"])
        given = {
            "subscriberIdString": body["emailAddress"],
            "subscriptionId": int(number) if number.isdigit() else -1,
            "statusState": state,
            "channel": "EMAIL",
            "legalBasis": body.get("legalBasis"),
            "legalBasisExplanation": body.get("legalBasisExplanation"),
        }
        incoming.note.rows, incoming.note.keys[:] = 1, [str(body["emailAddress"])]
        return 200, as_v3(self._written(given))

    def _written(self, given: Mapping[str, Any]) -> dict[str, Any]:
        written = self._subscriptions.write(given)
        if isinstance(written, RowRefused):
            raise written.as_call()
        return written

    def _write_statuses(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_WRITE_STATUSES)
        began, inputs = self._now(), _inputs(incoming)
        results, errors = [], []
        incoming.note.rows = len(inputs)
        for one in inputs:
            email = str(one.get("subscriberIdString"))
            incoming.note.keys.append(email)
            written = self._subscriptions.write(one)
            if isinstance(written, RowRefused):
                errors.append(written.entry({"subscriberIdString": [email]}))
            else:
                results.append(written)
        return 200, batch(results, errors, began, self._now())

    def _read_statuses(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_READ_STATUSES)
        began = self._now()
        results = [
            {"subscriberIdString": str(one), "statuses": self._subscriptions.statuses(str(one))}
            for one in _inputs(incoming)
        ]
        return 200, batch(results, (), began, self._now())

    def _statuses(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.read")
        now = self._now()
        return 200, batch(self._subscriptions.statuses(incoming.path["email"]), (), now, now)

    def _write_status(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.write")
        began, email = self._now(), incoming.path["email"]
        written = self._written({**incoming.document(), "subscriberIdString": email})
        return 200, batch([written], (), began, self._now())

    def _unsubscribe_all(self, incoming: Incoming) -> Outgoing:
        incoming.grant.need(_BOTH, "communication_preferences.write")
        began = self._now()
        found = self._subscriptions.unsubscribe_all(incoming.path["email"])
        return 200, batch(found, (), began, self._now())

    def _usage(self, _incoming: Incoming) -> Outgoing:
        now, day = self._clock.now(), self._limits.daily
        entry = {
            "name": "private-apps-api-calls-daily",
            "usageLimit": day.limit,
            "currentUsage": day.used,
            "collectedAt": stamp(now),
            "fetchStatus": "SUCCESS",
            "resetsAt": stamp(now + timedelta(seconds=day.resets_in())),
        }
        return 200, {"results": [entry]}

    def _details(self, _incoming: Incoming) -> Outgoing:
        return 200, {
            "portalId": PORTAL,
            "accountType": "STANDARD",
            "timeZone": "UTC",
            "companyCurrency": "EUR",
            "additionalCurrencies": [],
            "utcOffset": "+00:00",
            "utcOffsetMilliseconds": 0,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }

    def _now(self) -> str:
        return stamp(self._clock.now())


def _inputs(incoming: Incoming) -> list[Any]:
    inputs = incoming.document().get("inputs")
    if not isinstance(inputs, list):
        raise lacking("inputs")
    if len(inputs) > MOST:
        raise too_many(len(inputs), MOST)
    return inputs
