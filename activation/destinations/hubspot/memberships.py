"""The endpoint of lists, which are audiences: records join and leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import Answer, Fate, RowError, RowResult, Target
from activation.destinations.hubspot import encode
from activation.destinations.hubspot.errors import document_of, garbled
from activation.destinations.hubspot.lookups import Post, by_property, within
from activation.destinations.hubspot.names import check_target
from activation.destinations.hubspot.session import Session
from activation.destinations.hubspot.traits import MEMBERSHIPS, paced
from activation.destinations.traits import Verb
from activation.destinations.unvouched import unvouched
from activation.errors import Applied, ConfigurationError

_SECONDS = 30.0
BY_HAND = ("MANUAL", "SNAPSHOT")
"""The lists whose members can be changed from outside."""
_ADDED = ("recordsIdsAdded", "recordIdsAdded")
"""The first is HubSpot's own spelling, the second what it may be mended to."""
_REMOVED = ("recordIdsRemoved",)
NO_RECORD = "RECORD_NOT_FOUND"


class Memberships:
    """Adds records to a list and removes them, found by the key property."""

    def __init__(self, session: Session, key: str) -> None:
        """Send through that session, and tell records by that property."""
        self.traits = paced(MEMBERSHIPS, session.account.burst)
        self._session = session
        self._key = key
        self._types: dict[str, str] = {}

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the keys of these rows; the same rows give the same bytes."""
        check_target(target)
        return orjson.dumps(encode.keys_of(rows, most=self.traits.batch_rows))

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Let the records with these keys join or leave; raises what `Upserts.send` raises.

        The answer is put together of several: what each key's record is, who joined or left, and
        who of the others is a member, because HubSpot says nothing of those that were already.
        """
        deadline = self._session.clock.monotonic() + seconds
        keys: list[str] = orjson.loads(payload)
        post = within(self._session, deadline)
        number = check_target(target).name
        of, requests = self._type(number)
        ids: dict[str, str] = {}
        for page in by_property(self._session, post, of, self._key, keys):
            ids |= {key: record["id"] for key, record in page.records.items()}
            requests += page.requests
        told: dict[str, Any] = {"ids": ids, "joins": target.verb is not Verb.REMOVE}
        answer = Answer(200, b"", self._session.quota)
        if ids:
            answer = self._change(number, ids, deadline, joins=told["joins"])
            requests += 1
            told["change"] = document_of(answer.body)
            silent = sorted(set(ids.values()) - set(_spoken_of(told)), key=int)
            if silent:
                told["members"], more = self._members(post, number, of, silent)
                requests += more
        return Answer(answer.status, orjson.dumps(told), answer.quota, requests)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key; a row without a record cannot join, and has left."""
        told = document_of(answer.body)
        if not isinstance(told.get("ids"), dict) or not isinstance(told.get("joins"), bool):
            return (_untold(),) * len(keys)
        return tuple(_result(told, key) for key in keys)

    def _type(self, number: str) -> tuple[str, int]:
        """Return the object that a list is of, and the requests that it took."""
        if number in self._types:
            return self._types[number], 0
        found = list_of(self._session, number)
        self._types[number] = found["objectTypeId"]
        return self._types[number], 1

    def _change(
        self, number: str, ids: Mapping[str, str], deadline: float, *, joins: bool
    ) -> Answer:
        path = self._session.paths.crm(
            "lists", f"{number}/memberships/{'add' if joins else 'remove'}"
        )
        answer = self._session.call(
            "PUT",
            path,
            seconds=max(deadline - self._session.clock.monotonic(), 0.001),
            # Record ids in a bare array: no addresses, no wrapper.
            data=orjson.dumps(sorted(set(ids.values()), key=int)),
        )
        if not document_of(answer.body):
            raise garbled(f"PUT {path}")
        return answer

    def _members(
        self, post: Post, number: str, of: str, ids: Sequence[str]
    ) -> tuple[dict[str, bool], int]:
        return members_among(self._session, post, number, of, ids)


def list_of(session: Session, number: str) -> dict[str, Any]:
    """
    Return a list that is filled by hand.

    Raises:
        ConfigurationError: HubSpot fills it, or says nothing of what it is of.
        BatchRefused: there is none of that id.
        Transient, AccessRefused, QuotaRefused: see `errors`.
    """
    path = session.paths.crm("lists", number)
    answer = session.call("GET", path, seconds=_SECONDS)
    found = document_of(answer.body).get("list")
    if not isinstance(found, dict) or not isinstance(found.get("objectTypeId"), str):
        raise garbled(f"GET {path}", applied=Applied.NO)
    if found.get("processingType") not in BY_HAND:
        raise ConfigurationError(
            f"HubSpot fills list {number} by itself.",
            hint="Make a static list, and put its id into destination.object.",
            object=f"lists/{number}",
        )
    return found


def members_among(
    session: Session, post: Post, number: str, of: str, ids: Sequence[str]
) -> tuple[dict[str, bool], int]:
    """Return by record id whether each is on the list, and the requests that it took."""
    path = session.paths.crm("lists", "records/memberships/batch/read")
    body = {"inputs": [{"objectTypeId": of, "recordId": identity} for identity in ids]}
    answer = post(path, orjson.dumps(body))
    try:
        found = {
            one["recordId"]: any(m["listId"] == number for m in one["recordListMemberships"])
            for one in document_of(answer.body)["results"]
        }
    except (KeyError, TypeError):
        raise garbled(f"POST {path}", applied=Applied.NO) from None
    return found, answer.requests


def _spoken_of(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids that a change names."""
    yield from _named(told["change"], *_ADDED, *_REMOVED, "recordIdsMissing")


def _result(told: Mapping[str, Any], key: str) -> RowResult:
    joins, identity = told["joins"], told["ids"].get(key)
    if identity is None:
        return _no_record() if joins else RowResult()
    change, members = told.get("change"), told.get("members")
    if not isinstance(identity, str) or not isinstance(change, dict):
        return _untold()
    if identity in _named(change, "recordIdsMissing"):
        return _no_record()
    if identity in _named(change, *(_ADDED if joins else _REMOVED)):
        return RowResult(destination_id=identity, created=joins)
    # Who was a member already, or was none, is not spoken of.
    if isinstance(members, dict) and members.get(identity) is joins:
        return RowResult(destination_id=identity, created=False)
    return _untold()


def _no_record() -> RowResult:
    # Another sync may make it at any time.
    text = "there is no record with the key"
    return RowResult(error=RowError(NO_RECORD, text, Fate.LATER))


def _named(change: Mapping[str, Any], *names: str) -> set[str]:
    lists = (change.get(name) for name in names)
    return {one for listed in lists if isinstance(listed, list) for one in map(str, listed)}


def _untold() -> RowResult:
    return unvouched("the answer does not speak of the record")
