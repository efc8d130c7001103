"""Who is in which subscription group, and what addresses agreed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from activation.errors import UsageError
from activation.sandbox.braze.errors import bad_request, json_answer, too_many_ids
from activation.sandbox.braze.fields import STATES
from activation.sandbox.braze.profiles import Profile, Profiles
from activation.sandbox.braze.queue import Queue
from activation.sandbox.braze.setting import GROUP_STATES
from activation.sandbox.state import State

if TYPE_CHECKING:
    from activation.sandbox.braze.work import Book

MOST = 50
DEFAULT_GROUP = "b1a7e0c4-0000-4000-8000-000000000001"
CHANNELS = ("email", "sms", "whatsapp")
_BOTH = "Either an email address or a phone number should be provided, but not both."
_SHOWN = {"subscribed": "Subscribed", "unsubscribed": "Unsubscribed"}
_COLUMNS = {"external_ids": "external_id", "emails": "email", "phones": "phone"}


class Subscriptions:
    """The subscription endpoints, what they accept and what comes of it."""

    def __init__(self, state: State, queue: Queue, profiles: Profiles) -> None:
        self._state = state
        self._queue = queue
        self._profiles = profiles
        self._groups: dict[str, tuple[str, str]] = {}
        self._addresses: dict[str, str] = {}

    def prepare(self) -> None:
        """Make the tables, and in a new workspace one group; read what is there."""
        self._state.connection.executescript(
            """
            CREATE TABLE IF NOT EXISTS braze_groups (id TEXT PRIMARY KEY, name TEXT, channel TEXT);
            CREATE TABLE IF NOT EXISTS braze_addresses (email TEXT PRIMARY KEY, state TEXT);
            """
        )
        rows = self._state.rows("SELECT id, name, channel FROM braze_groups")
        self._groups = {i: (name, channel) for i, name, channel in rows}
        self._addresses = dict(self._state.rows("SELECT email, state FROM braze_addresses"))
        if not rows:
            self.declare(DEFAULT_GROUP, "Newsletter", "email")

    def declare(self, group: str, name: str, channel: str) -> None:
        """Make a group, as a person does; raise UsageError if the channel is none."""
        if channel not in CHANNELS:
            raise UsageError(f"There is no channel {channel!r}.", hint=f"Known: {CHANNELS}.")
        self._groups[group] = (name, channel)
        self._state.connection.execute(
            "INSERT OR REPLACE INTO braze_groups VALUES (?, ?, ?)", (group, name, channel)
        )

    def has(self, group: str) -> bool:
        """Tell whether there is such a group."""
        return group in self._groups

    def set_one(self, body: Mapping[str, Any]) -> int:
        """Accept a change of one group; return how many users it names."""
        entry = {
            "subscription_group_id": body.get("subscription_group_id"),
            "subscription_state": body.get("subscription_state"),
            **{plural: body.get(one) for plural, one in _COLUMNS.items() if body.get(one)},
        }
        return self._accept([entry])

    def set_many(self, body: Mapping[str, Any]) -> int:
        """Accept changes of several groups; return how many users they name."""
        groups = body.get("subscription_groups")
        if (
            not isinstance(groups, list)
            or not groups
            or not all(isinstance(g, dict) for g in groups)
        ):
            raise bad_request("'subscription_groups' must be an array of objects")
        return self._accept(groups)

    def _accept(self, groups: Sequence[Mapping[str, Any]]) -> int:
        changes = [self._change(entry) for entry in groups]
        named = sum(len(ids) for _, _, _, ids in changes)
        if named > MOST:
            raise too_many_ids()
        work = [
            {"group": group, "state": state, "by": by, "ids": ids}
            for group, state, by, ids in changes
        ]
        self._queue.add("subscribe", {"changes": work})
        return named

    def _change(self, entry: Mapping[str, Any]) -> tuple[str, str, str, list[str]]:
        """Return group, state, column and values; words other than of `_BOTH` are not sourced."""
        group, state = entry.get("subscription_group_id"), entry.get("subscription_state")
        if not isinstance(group, str) or not self.has(group):
            raise bad_request("'subscription_group_id' is not a valid subscription group")
        if state not in GROUP_STATES:
            raise bad_request("'subscription_state' must be 'subscribed' or 'unsubscribed'")
        given = {c: _listed(entry.get(n)) for n, c in _COLUMNS.items() if entry.get(n)}
        if "email" in given and "phone" in given:
            raise bad_request(_BOTH)
        if not given:
            raise bad_request("'external_ids', 'emails' or 'phones' is required")
        # With an external id, an address beside it is that user's, and finds nobody else.
        by = "external_id" if "external_id" in given else next(iter(given))
        return group, state, by, given[by]

    def apply(self, book: Book, body: Mapping[str, Any]) -> None:
        """Set the states that were accepted; who is not there is nobody."""
        for change in body["changes"]:
            for value in change["ids"]:
                for profile in _found(book, self._profiles, change["by"], value):
                    profile.groups[change["group"]] = change["state"]
                    profile.updated = book.now

    def spread(self, book: Book, profile: Profile) -> None:
        """Give a profile's groups to all with its address, as tracking them does."""
        if address := profile.fields.get("email"):
            for other in _found(book, self._profiles, "email", address):
                other.groups |= profile.groups

    def set_address(self, body: Mapping[str, Any]) -> int:
        """Accept what addresses agreed to, of profiles and of nobody yet."""
        emails, state = _listed(body.get("email")), body.get("subscription_state")
        if state not in STATES or not emails:
            # Words not sourced.
            raise bad_request("'email' and a valid 'subscription_state' are required")
        if len(emails) > MOST:
            raise too_many_ids()
        work = [{"email": email.lower(), "state": state} for email in emails]
        self._queue.add("address", {"addresses": work})
        return len(emails)

    def apply_addresses(self, book: Book, body: Mapping[str, Any]) -> None:
        """Keep the states by address, and set them on profiles that have it."""
        for change in body["addresses"]:
            email, state = change["email"], change["state"]
            self._addresses[email] = state
            self._state.connection.execute(
                "INSERT OR REPLACE INTO braze_addresses VALUES (?, ?)", (email, state)
            )
            for profile in _found(book, self._profiles, "email", email):
                profile.fields["email_subscribe"] = state

    def adopt(self, profile: Profile) -> None:
        """Set what an address agreed to before it belonged to anybody."""
        if self._addresses and "email_subscribe" not in profile.fields:
            state = self._addresses.get(profile.fields.get("email", ""))
            if state is not None:
                profile.fields["email_subscribe"] = state

    def status(
        self, group: str | None, ids: Sequence[str], emails: Sequence[str], phones: Sequence[str]
    ) -> Response:
        """Return the state of up to 50 users in one group."""
        if group is None or not self.has(group):
            raise bad_request("'subscription_group_id' is not a valid subscription group")
        self._check_asked(ids, emails, phones)
        states = {
            name: _SHOWN.get(profile.groups.get(group, "") if profile else "", "Unknown")
            for name, profile in self._asked(ids, emails, phones)
        }
        return json_answer({"status": states, "message": "success"}, 200)

    def groups_of(
        self, ids: Sequence[str], emails: Sequence[str], phones: Sequence[str]
    ) -> Response:
        """Return all groups of up to 50 users."""
        self._check_asked(ids, emails, phones)
        found = [p for _, p in self._asked(ids, emails, phones) if p is not None]
        users = [
            {
                "email": profile.fields.get("email"),
                "phone": profile.fields.get("phone"),
                "external_id": profile.external_id,
                "subscription_groups": [
                    {
                        "id": group,
                        "name": name,
                        "channel": channel,
                        "status": _SHOWN.get(profile.groups.get(group, ""), "Unknown"),
                    }
                    for group, (name, channel) in self._groups.items()
                ],
            }
            for profile in found
        ]
        return json_answer({"total_count": len(users), "users": users, "message": "success"}, 200)

    def members(self, group: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Return up to `limit` users that have a state in the group, and how many have."""
        with_state = [p for p in self._profiles.all(-1) if group in p.groups]
        found = [
            {
                "external_id": p.external_id,
                "braze_id": p.braze_id,
                "subscription_state": p.groups[group],
            }
            for p in with_state[:limit]
        ]
        return found, len(with_state)

    def _check_asked(self, *given: Sequence[str]) -> None:
        ids, emails, phones = given
        if not ids and emails and phones:
            raise bad_request(_BOTH)
        if not any(given):
            raise bad_request("'external_id', 'email' or 'phone' is required")
        if max(map(len, given)) > MOST:
            raise too_many_ids()

    def _asked(
        self, ids: Sequence[str], emails: Sequence[str], phones: Sequence[str]
    ) -> list[tuple[str, Profile | None]]:
        if ids:
            known = self._profiles.by_external_ids(ids)
            return [(i, known.get(i)) for i in ids]
        column, values = ("email", emails) if emails else ("phone", phones)
        return [
            (value, next(iter(self._profiles.by_contact(column, value)), None)) for value in values
        ]


def _found(book: Book, profiles: Profiles, by: str, value: str) -> list[Profile]:
    """Return the profile with an external id, or all with an address or number."""
    if by == "external_id":
        profile = book.find({"external_id": value})
        return [profile] if profile else []
    found = [book.find({"braze_id": p.braze_id}) for p in profiles.by_contact(by, value)]
    first = book.find({by: value})
    every = {p.braze_id: p for p in (*found, first) if p is not None}
    return list(every.values())


def _listed(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [v for v in values if isinstance(v, str) and v]
