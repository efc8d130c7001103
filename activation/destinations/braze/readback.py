"""Profiles, and who is in a group, out of Braze by external id; no endpoint lists them all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from activation.contract.model import FieldMapping
from activation.destinations.base import Match, ReadBack, Target
from activation.destinations.braze.describe import PROFILE_FIELDS
from activation.destinations.braze.names import KEY, STATE, Kind, check_target, read_attribute
from activation.destinations.braze.session import Session
from activation.destinations.braze.traits import IDS, VENDOR
from activation.destinations.braze.values import fitting
from activation.destinations.cells import arrow_values, text_values
from activation.destinations.transport_errors import unreadable
from activation.errors import Applied, ConfigurationError

_EXPORT = "/users/export/ids"
_STATUS = "/subscription/status/get"
# Ours: what servers and proxies take of an address without question.
_QUERY_BYTES = 6_000
_SOUGHT = {"email": "email_address", "phone": "phone"}
_STATES = {"subscribed": "subscribed", "unsubscribed": "unsubscribed"}
Row = dict[str, Any]


def read_back(session: Session, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
    """
    Yield the records with these keys, at most 50 a page.

    A custom attribute can hold anything: a value of another kind than the contract's reads as
    null, or as JSON where the contract's is text.

    Raises:
        ConfigurationError: Braze cannot tell what is asked for.
        Transient: also for a page that is not what was asked for.
        AccessRefused: the key lacks the permission.
    """
    named = check_target(target)
    if named.kind is Kind.EVENTS or keys is None:
        what = "single events" if named.kind is Kind.EVENTS else f"all {target.object}"
        raise ConfigurationError(
            f"Braze has no way to read {what}.",
            hint="Profiles and memberships are read by their keys.",
            object=target.object,
        )
    if named.kind is Kind.GROUP:
        yield from _members(session, target, named.name, keys)
        return
    wanted = ["external_id", "braze_id", *(a for a in _profile_fields(target))]
    if any(read_attribute(f.to).name not in PROFILE_FIELDS for f in target.fields):
        wanted.append("custom_attributes")
    for chunk in chunks(keys):
        users, requests = _export(session, {"external_ids": chunk}, wanted)
        yield ReadBack(_table(target, users), requests)


def find(session: Session, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
    """
    Yield the profiles with one of these e-mail addresses or phone numbers, a request a value.

    Raises:
        ConfigurationError: Braze finds profiles by nothing else.
        Transient, AccessRefused: see `errors`.
    """
    if check_target(target).kind is not Kind.USERS or by not in _SOUGHT:
        raise ConfigurationError(
            f"Braze cannot find {target.object} by {by!r}.",
            hint=f"It finds users by {', '.join(_SOUGHT)}.",
            object=target.object,
        )
    for value in dict.fromkeys(values):
        users, requests = _export(session, {_SOUGHT[by]: value}, ["external_id", "braze_id"])
        rows = pa.table(
            {
                "value": text_values([value] * len(users)),
                "destination_id": text_values([u.get("braze_id") for u in users]),
                "sync_key": text_values([u.get(KEY) for u in users]),
            }
        )
        yield Match(rows, requests)


def chunks(keys: Sequence[str], most_bytes: int | None = None) -> Iterator[list[str]]:
    """Yield the keys, each once and none that is empty, as many as one request takes."""
    chunk: list[str] = []
    used = 0
    for key in dict.fromkeys(keys):
        if not key.strip():
            continue
        # Each byte of an address may be written in three.
        size = 3 * len(key.encode()) + len("&external_id%5B%5D=")
        if chunk and (len(chunk) == IDS or (most_bytes and used + size > most_bytes)):
            yield chunk
            chunk, used = [], 0
        chunk.append(key)
        used += size
    if chunk:
        yield chunk


def _profile_fields(target: Target) -> Iterator[str]:
    return (f.to for f in target.fields if f.to in PROFILE_FIELDS)


def _export(session: Session, whom: Row, fields: list[str]) -> tuple[list[Row], int]:
    """Return the profiles of an export; ids that Braze does not know are no error."""
    body, _, requests = session.read(
        "POST", _EXPORT, data=orjson.dumps({**whom, "fields_to_export": fields})
    )
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
        users = document["users"]
        sound = document["message"] == "success" and all(isinstance(u, dict) for u in users)
    except (ValueError, KeyError, TypeError, RecursionError):
        sound = False
    if not sound:
        raise unreadable(f"POST {_EXPORT}", VENDOR, applied=Applied.NO)
    found: list[Row] = users
    return found, requests


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _table(target: Target, users: list[Row]) -> pa.Table:
    try:
        columns = {
            "sync_key": text_values([u[KEY] for u in users]),
            "destination_id": text_values([u.get("braze_id") for u in users]),
        }
        for mapping in target.fields:
            values = [fitting(mapping.type.kind, _value(mapping, u)) for u in users]
            columns[mapping.to] = arrow_values(mapping, values)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError):
        raise unreadable(f"POST {_EXPORT}", VENDOR, applied=Applied.NO) from None
    return pa.table(columns)


def _value(mapping: FieldMapping, user: Row) -> Any:
    if mapping.to in PROFILE_FIELDS:
        return user.get(mapping.to)
    attribute = read_attribute(mapping.to)
    value = (user.get("custom_attributes") or {}).get(attribute.name)
    if attribute.element is None:
        return value
    return isinstance(value, list) and attribute.element in value


def _members(
    session: Session, target: Target, group: str, keys: Sequence[str]
) -> Iterator[ReadBack]:
    shows_state = any(f.to == STATE for f in target.fields)
    for chunk in chunks(keys, _QUERY_BYTES):
        params = [("subscription_group_id", group), *(("external_id[]", key) for key in chunk)]
        body, _, requests = session.read("GET", _STATUS, params=params)
        states = _states(body)
        rows = [(key, states.get(key)) for key in chunk]
        # Who was never asked is no member, and neither is who has left.
        told = [(k, s) for k, s in rows if s == "subscribed" or (s and shows_state)]
        columns = {
            "sync_key": text_values([k for k, _ in told]),
            "destination_id": pa.nulls(len(told), pa.string()),
        }
        if shows_state:
            columns[STATE] = text_values([s for _, s in told])
        yield ReadBack(pa.table(columns), requests)


def _states(body: bytes) -> dict[str, str | None]:
    try:
        document = orjson.loads(body)
        told = document["status"]
        states = {key: _STATES.get(str(state).lower()) for key, state in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise unreadable(f"GET {_STATUS}", VENDOR, applied=Applied.NO) from None
    return states
