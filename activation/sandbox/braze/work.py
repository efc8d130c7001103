"""What was accepted takes effect: before each answer, whatever is due by then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from activation.clock import Clock
from activation.sandbox.braze.identities import Identities
from activation.sandbox.braze.profiles import Profile, Profiles, told
from activation.sandbox.braze.queue import Entry, Queue
from activation.sandbox.braze.setting import Setting
from activation.sandbox.braze.subscriptions import Subscriptions
from activation.sandbox.state import State

Item = Mapping[str, Any]


class Book:
    """The profiles that one turn touches, each in memory once."""

    def __init__(self, profiles: Profiles, now: float) -> None:
        self._profiles = profiles
        self.now = now
        """When what is carried out took effect, in epoch seconds."""
        self._by_id: dict[str, Profile] = {}
        self._others: dict[str, Profile] = {}
        self._gone: set[str] = set()
        """External ids, and ids of Braze's, that find nobody."""

    def read(self, ids: Iterable[str]) -> None:
        """Read the profiles with these external ids at once."""
        wanted = set(ids)
        found = self._profiles.by_external_ids(wanted)
        self._by_id |= found
        self._gone |= wanted - found.keys()

    def find(self, item: Item) -> Profile | None:
        """Return the profile that an object names, if there is one."""
        if external := item.get("external_id"):
            if external not in self._by_id and external not in self._gone:
                self.read([external])
            return self._by_id.get(external)
        if alias := item.get("user_alias"):
            found = self._profiles.by_alias(alias["alias_label"], alias["alias_name"])
            return self._known(found) or self._made_with(alias)
        if braze_id := item.get("braze_id"):
            return self._known(self._profiles.by_braze_id(braze_id))
        for name in ("email", "phone"):
            if value := item.get(name):
                return self._by_contact(name, str(value))
        return None

    def make(self, item: Item) -> Profile:
        """Return a new profile for an object that names none."""
        external = item.get("external_id")
        profile = self._profiles.make(self.now, external)
        if external:
            self._by_id[external] = profile
            self._gone.discard(external)
            return profile
        self._others[profile.braze_id] = profile
        if alias := item.get("user_alias"):
            profile.aliases.append(dict(alias))
        elif email := item.get("email"):
            profile.fields["email"] = str(email).lower()
        elif phone := item.get("phone"):
            profile.fields["phone"] = str(phone)
        return profile

    def identify(self, profile: Profile, external_id: str) -> None:
        """Give an unidentified profile an external id."""
        self._others.pop(profile.braze_id, None)
        profile.external_id = external_id
        self._by_id[external_id] = profile
        self._gone.discard(external_id)

    def drop(self, profile: Profile) -> None:
        """Take a deleted profile out."""
        for name in (profile.external_id, *profile.former_ids):
            if name:
                self._by_id.pop(name, None)
                self._gone.add(name)
        self._others.pop(profile.braze_id, None)
        self._gone.add(profile.braze_id)
        self._profiles.delete([profile])

    def flush(self) -> None:
        """Keep all profiles that were touched."""
        every = {p.row: p for p in (*self._by_id.values(), *self._others.values())}
        self._profiles.save(list(every.values()))

    def _known(self, found: Profile | None) -> Profile | None:
        """Return the one in memory in place of the one just read."""
        if found is None or found.braze_id in self._gone:
            return None
        if found.external_id:
            return self._by_id.setdefault(found.external_id, found)
        return self._others.setdefault(found.braze_id, found)

    def _made_with(self, alias: Item) -> Profile | None:
        return next((p for p in self._others.values() if dict(alias) in p.aliases), None)

    def _by_contact(self, name: str, value: str) -> Profile | None:
        """Return the identified profile that was updated last, or else the other one."""
        for found in self._profiles.by_contact(name, value):
            self._known(found)
        value = value.lower() if name == "email" else value
        every = (*self._by_id.values(), *self._others.values())
        having = [p for p in every if p.fields.get(name) == value]
        return min(having, key=lambda p: (p.external_id is None, -p.updated), default=None)


class Work:
    """Carries out what the queue holds."""

    def __init__(  # noqa: PLR0913, PLR0917 - its parts
        self,
        state: State,
        clock: Clock,
        queue: Queue,
        profiles: Profiles,
        setting: Setting,
        identities: Identities,
        subscriptions: Subscriptions,
    ) -> None:
        self._state = state
        self._clock = clock
        self._queue = queue
        self._profiles = profiles
        self._setting = setting
        self._identities = identities
        self._subscriptions = subscriptions
        self._kinds: dict[str, Callable[[Book, Mapping[str, Any]], None]] = {
            "track": self._track,
            "delete": self._delete,
            "identify": identities.identify,
            "merge": identities.merge,
            "subscribe": subscriptions.apply,
            "address": subscriptions.apply_addresses,
        }

    def prepare(self) -> None:
        """Make the table of single events."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS braze_events (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " kind TEXT, name TEXT, braze_id TEXT, external_id TEXT, time TEXT, document BLOB)"
        )

    def catch_up(self) -> None:
        """Let everything take effect that is due."""
        while entries := self._queue.ready():
            with self._state.transaction():
                for together in _turns(entries):
                    book = Book(self._profiles, together[0].at)
                    book.read(_external_ids(together))
                    for entry in together:
                        book.now = entry.at
                        if entry.is_due:
                            self._kinds[entry.kind](book, entry.body)
                        else:
                            _create(book, entry.body)
                    book.flush()
                self._queue.done(entries)

    def carry_out(self, kind: str, body: Mapping[str, Any]) -> None:
        """Let something take effect at once."""
        with self._state.transaction():
            book = Book(self._profiles, self._clock.now().timestamp())
            self._kinds[kind](book, body)
            book.flush()

    def events(self, name: str, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Return up to `limit` events of a name, oldest first, and how many there are."""
        rows = self._state.rows(
            "SELECT external_id, time, document FROM braze_events"
            " WHERE kind = 'events' AND name = ? ORDER BY id LIMIT ?",
            (name, limit),
        )
        found = [
            {**orjson.loads(document), "external_id": external, "name": name, "time": time}
            for external, time, document in rows
        ]
        counted = self._state.rows(
            "SELECT count(*) FROM braze_events WHERE kind = 'events' AND name = ?", (name,)
        )
        return found, int(counted[0][0])

    def event_names(self) -> list[str]:
        """Return the names of custom events, sorted."""
        sql = "SELECT DISTINCT name FROM braze_events WHERE kind = 'events' ORDER BY name"
        return [str(name) for (name,) in self._state.rows(sql)]

    def _track(self, book: Book, body: Mapping[str, Any]) -> None:
        """Attributes first, then events, then purchases; an object without a profile is lost."""
        now = book.now
        for item in body.get("attributes", ()):
            if (profile := _profile_for(book, item)) is not None:
                self._setting.apply(profile, item)
                self._subscriptions.adopt(profile)
                if "subscription_groups" in item:
                    self._subscriptions.spread(book, profile)
                profile.updated = now
        for kind in ("events", "purchases"):
            for item in body.get(kind, ()):
                if (profile := _profile_for(book, item, is_event=True)) is not None:
                    self._record(kind, profile, item)
                    profile.updated = now

    def _record(self, kind: str, profile: Profile, item: Item) -> None:
        """Keep an event, also one that was there before, and what a profile sums up of it."""
        name = str(item["name"] if kind == "events" else item["product_id"])
        time = told(datetime.fromisoformat(item["time"]).timestamp())
        summary = (profile.events if kind == "events" else profile.purchases).setdefault(
            name, {"name": name, "first": time, "last": time, "count": 0}
        )
        summary["first"], summary["last"] = min(summary["first"], time), max(summary["last"], time)
        quantity = item.get("quantity", 1) if kind == "purchases" else 1
        summary["count"] += quantity
        if kind == "purchases":
            profile.revenue += item["price"] * quantity
        self._state.connection.execute(
            "INSERT INTO braze_events (kind, name, braze_id, external_id, time, document)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                kind,
                name,
                profile.braze_id,
                profile.external_id,
                time,
                orjson.dumps(item.get("properties") or {}),
            ),
        )

    def _delete(self, book: Book, body: Mapping[str, Any]) -> None:
        for item in body["items"]:
            if (profile := book.find(item)) is not None:
                book.drop(profile)


def _turns(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield entries that touch profiles by external id alone together, and each other by itself."""
    together: list[Entry] = []
    for entry in entries:
        if _is_by_id(entry):
            together.append(entry)
            continue
        if together:
            yield together
        yield [entry]
        together = []
    if together:
        yield together


def _is_by_id(entry: Entry) -> bool:
    if entry.kind not in ("track", "delete"):
        return False
    return all(item.get("external_id") for item in _items(entry))


def _items(entry: Entry) -> Iterator[Item]:
    arrays = ("attributes", "events", "purchases", "items")
    return (item for array in arrays for item in entry.body.get(array, ()))


def _external_ids(entries: Sequence[Entry]) -> list[str]:
    items = (item for entry in entries for item in _items(entry))
    return [item["external_id"] for item in items if item.get("external_id")]


def _profile_for(book: Book, item: Item, *, is_event: bool = False) -> Profile | None:
    """
    Return the object's profile, made if need be and allowed.

    By an alias a profile is made only if it is asked for, and by an event never; by Braze's own
    id none is made.
    """
    found = book.find(item)
    if found is not None:
        return found
    given = item.get("_update_existing_only")
    if item.get("external_id") or not (item.get("user_alias") or item.get("braze_id")):
        return None if given is True else book.make(item)
    may = item.get("user_alias") and given is False and not is_event
    return book.make(item) if may else None


def _create(book: Book, body: Mapping[str, Any]) -> None:
    """Make new profiles with an external id, with nothing on them yet."""
    for array in ("attributes", "events", "purchases"):
        for item in body.get(array, ()):
            if item.get("external_id"):
                _profile_for(book, item)
