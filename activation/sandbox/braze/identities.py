"""Who is who: aliases, identification, merging, and external ids that change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from activation.clock import Clock
from activation.sandbox.braze.errors import bad_request, too_many_ids
from activation.sandbox.braze.objects import is_alias
from activation.sandbox.braze.profiles import Profile, Profiles, alias_name
from activation.sandbox.braze.queue import Queue
from activation.sandbox.state import State

if TYPE_CHECKING:
    from activation.sandbox.braze.work import Book

MOST = 50
_IDENTIFY = {
    "aliases_to_identify": "user_alias",
    "emails_to_identify": "email",
    "phone_numbers_to_identify": "phone",
}
_KINDS = {
    "external_ids": "external_id",
    "user_aliases": "user_alias",
    "braze_ids": "braze_id",
    "email_addresses": "email",
    "phone_numbers": "phone",
}
_MERGE_IDS = frozenset({"external_id", "user_alias", "email", "phone"})
Item = Mapping[str, Any]


class Identities:
    """The endpoints that say who is who."""

    def __init__(self, state: State, clock: Clock, queue: Queue, profiles: Profiles) -> None:
        self._state = state
        self._clock = clock
        self._queue = queue
        self._profiles = profiles

    def accept_deletion(self, body: Item) -> int:
        """Accept a deletion; return how many ids it names, unknown ones included."""
        given = [name for name in _KINDS if body.get(name)]
        if len(given) != 1:
            # Words not sourced.
            raise bad_request(f"Exactly one of {', '.join(_KINDS)} must be provided")
        values = body[given[0]]
        if not isinstance(values, list):
            raise bad_request(f"'{given[0]}' must be an array")
        if len(values) > MOST:
            raise too_many_ids()
        name = _KINDS[given[0]]
        items = [
            {name: v.get(name) if name != "user_alias" and isinstance(v, dict) else v}
            for v in values
        ]
        if name == "user_alias" and not all(is_alias(v) for v in values):
            raise bad_request("'user_aliases' must have 'alias_name' and 'alias_label'")
        self._queue.add("delete", {"items": items})
        return len(values)

    def accept_identification(self, body: Item) -> int:
        """Accept aliases, addresses or numbers to identify; return how many."""
        pairs: list[dict[str, Any]] = []
        for array, name in _IDENTIFY.items():
            for entry in _objects(body, array):
                external, whom = entry.get("external_id"), entry.get(name)
                if not external or not (is_alias(whom) if name == "user_alias" else whom):
                    # Words not sourced.
                    raise bad_request(f"'{array}' must have 'external_id' and '{name}'")
                pairs.append({"external_id": external, "whom": {name: whom}})
        if not pairs:
            raise bad_request(f"'{next(iter(_IDENTIFY))}' must be an array of objects")
        if len(pairs) > MOST:
            raise too_many_ids()
        behaviour = body.get("merge_behavior", "merge")
        if behaviour not in ("merge", "none"):
            raise bad_request("'merge_behavior' must be 'none' or 'merge'")
        self._queue.add("identify", {"pairs": pairs, "merges": behaviour == "merge"})
        return len(pairs)

    def identify(self, book: Book, body: Item) -> None:
        """Give unidentified profiles the external id, or take them into who has it."""
        for pair in body["pairs"]:
            found = book.find(pair["whom"])
            if found is None or found.external_id:
                continue
            known = book.find({"external_id": pair["external_id"]})
            if known is None:
                book.identify(found, pair["external_id"])
            else:
                _take_in(known, found, merges=body["merges"])
                book.drop(found)
                known.aliases += [a for a in found.aliases if a not in known.aliases]

    def accept_merge(self, body: Item) -> None:
        """Accept merges; the messages are those of the documentation."""
        updates = body.get("merge_updates")
        if not isinstance(updates, list) or not all(isinstance(u, dict) for u in updates):
            raise bad_request("'merge_updates' must be an array of objects")
        if len(updates) > MOST:
            raise bad_request("a single request may not contain more than 50 merge updates")
        for update in updates:
            if update.keys() != {"identifier_to_merge", "identifier_to_keep"}:
                raise bad_request(
                    "'merge_updates' must only have 'identifier_to_merge' and 'identifier_to_keep'"
                )
            kinds = {_merge_kind(identifier) for identifier in update.values()}
            if None in kinds:
                raise bad_request(
                    "identifiers must be objects with an 'external_id' property that is a string, "
                    "or 'user_alias' property that is an object"
                )
            if len(kinds) > 1 and not kinds & {"email", "phone"}:
                raise bad_request("identifiers must be objects of the same type")
        self._queue.add("merge", {"updates": updates})

    def merge(self, book: Book, body: Item) -> None:
        """Take one profile into another; the merged one is gone."""
        for update in body["updates"]:
            loser = book.find(update["identifier_to_merge"])
            keeper = book.find(update["identifier_to_keep"])
            if loser is None or keeper is None or loser is keeper:
                continue
            _take_in(keeper, loser, merges=True)
            keeper.updated = book.now
            book.drop(loser)

    def add_aliases(self, body: Item) -> int:
        """Add aliases to identified users, or make alias-only ones; return how many."""
        entries = self._entries(body, "user_aliases")
        for entry in entries:
            if not is_alias(entry):
                raise bad_request("'user_aliases' must have 'alias_name' and 'alias_label'")
        with self._state.transaction():
            for entry in entries:
                alias = {k: entry[k] for k in ("alias_name", "alias_label")}
                if self._profiles.by_alias(alias["alias_label"], alias["alias_name"]):
                    continue
                external = entry.get("external_id")
                if external:
                    profile = self._profiles.by_external_ids([external]).get(external)
                else:
                    profile = self._profiles.make(self._clock.now().timestamp())
                if profile is not None:
                    profile.aliases.append(alias)
                    self._profiles.save([profile])
        return len(entries)

    def update_aliases(self, body: Item) -> int:
        """Rename aliases that are there; return how many were given."""
        entries = self._entries(body, "alias_updates")
        with self._state.transaction():
            for entry in entries:
                label = str(entry.get("alias_label"))
                profile = self._profiles.by_alias(label, str(entry.get("old_alias_name")))
                if profile is None:
                    continue
                for alias in profile.aliases:
                    if alias == {"alias_label": label, "alias_name": entry["old_alias_name"]}:
                        self._profiles.forget_name("alias", alias_name(alias))
                        alias["alias_name"] = str(entry.get("new_alias_name"))
                self._profiles.save([profile])
        return len(entries)

    def rename(self, body: Item) -> dict[str, Any]:
        """Give users a new external id; the old one finds them until it is removed."""
        renamed: list[str] = []
        errors: list[str] = []
        with self._state.transaction():
            for place, entry in enumerate(self._entries(body, "external_id_renames")):
                old, new = entry.get("current_external_id"), entry.get("new_external_id")
                known = self._profiles.by_external_ids([i for i in (old, new) if i])
                profile = known.get(str(old))
                if not new or old == new or profile is None or profile.external_id != old:
                    errors.append(f"Index {place}: 'current_external_id' is not a primary id")
                elif new in known:
                    errors.append(f"Index {place}: 'new_external_id' is already in use")
                else:
                    profile.former_ids.append(str(old))
                    profile.external_id = str(new)
                    self._profiles.save([profile])
                    renamed.append(str(new))
        return {"message": "success", "external_ids": renamed, "rename_errors": errors}

    def remove(self, body: Item) -> dict[str, Any]:
        """Forget external ids that were renamed."""
        ids = body.get("external_ids")
        if not isinstance(ids, list) or not ids:
            raise bad_request("'external_ids' must be an array of strings")
        if len(ids) > MOST:
            raise too_many_ids()
        removed: list[str] = []
        errors: list[str] = []
        with self._state.transaction():
            known = self._profiles.by_external_ids(map(str, ids))
            for place, name in enumerate(map(str, ids)):
                profile = known.get(name)
                if profile is None or name not in profile.former_ids:
                    errors.append(f"Index {place}: only a deprecated id can be removed")
                    continue
                profile.former_ids.remove(name)
                self._profiles.forget_name("former", name)
                self._profiles.save([profile])
                removed.append(name)
        return {"message": "success", "removed_ids": removed, "removal_errors": errors}

    def _entries(self, body: Item, array: str) -> list[Item]:
        entries = _objects(body, array)
        if not entries:
            raise bad_request(f"'{array}' must be an array of objects")
        if len(entries) > MOST:
            raise too_many_ids()
        return entries


def _objects(body: Item, array: str) -> list[Item]:
    entries = body.get(array, [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise bad_request(f"'{array}' must be an array of objects")
    return entries


def _merge_kind(identifier: Any) -> str | None:
    if not isinstance(identifier, dict):
        return None
    kinds = [k for k in identifier if k in _MERGE_IDS]
    if len(kinds) != 1:
        return None
    value = identifier[kinds[0]]
    sound = is_alias(value) if kinds[0] == "user_alias" else isinstance(value, str)
    return kinds[0] if sound else None


def _take_in(keeper: Profile, loser: Profile, *, merges: bool) -> None:
    """Give a profile what only the other has: fields, attributes, and sums of events."""
    if not merges:
        return
    for mine, other in ((keeper.fields, loser.fields), (keeper.custom, loser.custom)):
        for name, value in other.items():
            mine.setdefault(name, value)
    for mine, other in ((keeper.events, loser.events), (keeper.purchases, loser.purchases)):
        for name, summary in other.items():
            known = mine.setdefault(name, {**summary, "count": 0})
            known["count"] += summary["count"]
            known["first"] = min(known["first"], summary["first"])
            known["last"] = max(known["last"], summary["last"])
    keeper.revenue += loser.revenue
