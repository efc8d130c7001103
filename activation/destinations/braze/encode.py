"""Rows into the bodies of Braze's requests; the same rows give the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as pa

from activation.contract.model import FieldMapping, NullPolicy
from activation.destinations.base import Target
from activation.destinations.braze.names import (
    EVENT_TIME,
    KEY,
    STATE,
    read_attribute,
    read_object,
)
from activation.destinations.cells import json_values
from activation.destinations.traits import Verb

_JOINED, _LEFT = "subscribed", "unsubscribed"


def attributes(target: Target, rows: pa.Table) -> bytes:
    """
    Return the body of /users/track for these profiles.

    Only the fields named in `changed` are written, because each is billed.
    An empty value is null where the contract says `clear` or `changed` names the field.
    An element of an array is added where its value is true, and else removed.

    Raises:
        ValueError: a row has no sync key.
    """
    keys = keys_of(rows)
    changed = _changed(rows)
    written = [_Written.of(f, rows) for f in target.fields]
    existing_only = target.verb is Verb.UPDATE
    objects = []
    for place, key in enumerate(keys):
        item: dict[str, Any] = {KEY: key}
        if existing_only:
            item["_update_existing_only"] = True
        for field in written:
            field.into(item, place, changed[place])
        objects.append(item)
    return orjson.dumps({"attributes": objects})


class _Written:
    """One mapped field of all rows."""

    def __init__(self, mapping: FieldMapping, values: list[Any]) -> None:
        self._name = mapping.to
        self._attribute = read_attribute(mapping.to)
        self._values = values
        self._clears = mapping.nulls is NullPolicy.CLEAR

    @classmethod
    def of(cls, mapping: FieldMapping, rows: pa.Table) -> _Written:
        """Read the field's column."""
        return cls(mapping, json_values(mapping, rows.column(mapping.to)))

    def into(self, item: dict[str, Any], place: int, changed: frozenset[str] | None) -> None:
        """Put the row's value into its object, if it is to be written."""
        value = self._values[place]
        named = changed is not None and self._name in changed
        if not named and (changed is not None or (value is None and not self._clears)):
            return
        attribute = self._attribute
        if attribute.element is None:
            item[attribute.name] = value
            return
        # One request may add to an array and remove from it.
        change = item.setdefault(attribute.name, {})
        change.setdefault("add" if value else "remove", []).append(attribute.element)


def _changed(rows: pa.Table) -> list[frozenset[str] | None]:
    if "changed" not in rows.column_names:
        return [None] * rows.num_rows
    lists = rows.column("changed").to_pylist()
    return [None if names is None else frozenset(names) for names in lists]


def events(target: Target, rows: pa.Table) -> bytes:
    """
    Return the body of /users/track for one event a row.

    The sync key is the user's external id, or a property that tells events apart.

    Raises:
        ValueError: a row has no sync key, no user or no time.
    """
    name = read_object(target.object).name
    columns = {f.to: json_values(f, rows.column(f.to)) for f in target.fields}
    keys = keys_of(rows)
    users = keys if target.key == KEY else columns.pop(KEY)
    columns.pop(KEY, None)
    times = columns.pop(EVENT_TIME)
    if None in users or None in times:
        message = "an event has no user or no time"
        raise ValueError(message)
    properties: dict[str, Sequence[Any]] = dict(columns)
    if target.key != KEY:
        properties[target.key] = keys
    objects = []
    for place, (user, time) in enumerate(zip(users, times, strict=True)):
        item: dict[str, Any] = {KEY: user, "name": name, "time": time}
        known = {p: v[place] for p, v in properties.items() if v[place] is not None}
        if known:
            item["properties"] = known
        objects.append(item)
    return orjson.dumps({"events": objects})


def deletions(rows: pa.Table) -> bytes:
    """Return the body of /users/delete; raise ValueError if a row has no sync key."""
    return orjson.dumps({"external_ids": keys_of(rows)})


def subscriptions(target: Target, rows: pa.Table) -> bytes:
    """
    Return the body of /v2/subscription/status/set.

    Rows join, unless the verb or their field `subscription_state` says that they leave.

    Raises:
        ValueError: a row has no sync key, or another state than there is.
    """
    keys = keys_of(rows)
    mapped = next((f for f in target.fields if f.to == STATE), None)
    states: Sequence[Any] = [_LEFT if target.verb is Verb.REMOVE else _JOINED] * len(keys)
    if target.verb is not Verb.REMOVE and mapped is not None:
        states = [s or _LEFT for s in json_values(mapped, rows.column(STATE))]
    if wrong := set(states) - {_JOINED, _LEFT}:
        message = f"{len(wrong)} states are neither {_JOINED} nor {_LEFT}"
        raise ValueError(message)
    group = read_object(target.object).name
    groups = []
    for state in (_JOINED, _LEFT):
        ids = [key for key, its in zip(keys, states, strict=True) if its == state]
        if ids:
            groups.append(
                {"subscription_group_id": group, "subscription_state": state, "external_ids": ids}
            )
    return orjson.dumps({"subscription_groups": groups})


def check_count(rows: pa.Table, most: int) -> None:
    """Raise ValueError if there are more rows than one request takes."""
    if rows.num_rows > most:
        message = f"{rows.num_rows} rows do not fit one request; at most {most} do"
        raise ValueError(message)


def keys_of(rows: pa.Table) -> list[str]:
    """Return the sync keys; raise ValueError if one is missing."""
    keys: list[str] = rows.column("sync_key").cast(pa.string()).to_pylist()
    if any(key is None or not key.strip() for key in keys):
        message = "a row has no sync key"
        raise ValueError(message)
    return keys
