"""Which record has which external id, asked a hundred at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote_plus

import orjson

from activation.destinations.transport import Reply
from activation.destinations.zendesk.errors import garbled
from activation.destinations.zendesk.names import KEY, USERS, Kind
from activation.destinations.zendesk.session import ROOT, Session
from activation.destinations.zendesk.traits import MOST_ROWS, QUERY_BYTES
from activation.errors import Applied, Transient

Ask: TypeAlias = Callable[[str, Mapping[str, str]], Reply]
"""Reads a path with parameters."""
Record: TypeAlias = Mapping[str, Any]

_REMEMBERED_SECONDS = 300.0


def by_key(ask: Ask, kind: Kind, keys: Iterable[str]) -> Iterator[list[Record]]:
    """
    Yield the records with these external ids, a request at a time; missing ones are left out.

    Zendesk compares external ids without regard to case, and separates them by commas: one that
    holds a comma is asked for by itself.
    """
    wanted = [key for key in dict.fromkeys(keys) if key.strip()]
    for listed in _lists([key for key in wanted if "," not in key]):
        yield records_in(ask(f"{kind.many}/show_many", {"external_ids": listed}), kind.many)
    for key in wanted:
        if "," in key:
            path = kind.many if kind is USERS else f"{kind.many}/search"
            yield records_in(ask(path, {KEY: key}), kind.many)


def by_id(ask: Ask, kind: Kind, ids: Iterable[int]) -> Iterator[list[Record]]:
    """Yield the records with these ids, a request at a time; missing ones are left out."""
    for listed in _lists([str(value) for value in dict.fromkeys(ids)]):
        yield records_in(ask(f"{kind.many}/show_many", {"ids": listed}), kind.many)


def records_in(reply: Reply, name: str) -> list[Record]:
    """Return the records in an answer, each an object with an id."""
    try:
        found = orjson.loads(reply.body)[name]
        if isinstance(found, list) and all(type(record["id"]) is int for record in found):
            records: list[Record] = found
            return records
    except (orjson.JSONDecodeError, KeyError, TypeError):
        pass
    raise garbled(f"GET {ROOT}{name}", applied=Applied.NO)


def _lists(values: Sequence[str]) -> Iterator[str]:
    """Yield the values joined by commas, a hundred at most, and no more than an address takes."""
    chunk: list[str] = []
    used = 0
    for value in values:
        size = len(quote_plus(f"{value},"))
        if chunk and (len(chunk) == MOST_ROWS or used + size > QUERY_BYTES):
            yield ",".join(chunk)
            chunk, used = [], 0
        chunk.append(value)
        used += size
    if chunk:
        yield ",".join(chunk)


class Directory:
    """The ids of records by their external ids; what was found is remembered for some minutes."""

    def __init__(self, session: Session, kind: Kind) -> None:
        self._session = session
        self._kind = kind
        self._known: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def ids(
        self, keys: Iterable[str], *, deadline: float, fresh: bool = False
    ) -> tuple[dict[str, int], int]:
        """
        Return the ids by external id in lower case, and the requests that it took.

        What is not there is never remembered: another sync may make it at any time.
        `fresh` asks of all of them.

        Raises:
            Transient, BatchRefused, AccessRefused: nothing was written by this.
        """
        now = self._session.clock.monotonic()
        wanted = {key.lower(): key for key in keys}
        with self._lock:
            found = {
                folded: known[1]
                for folded in wanted
                if not fresh
                and (known := self._known.get(folded))
                and now - known[0] < _REMEMBERED_SECONDS
            }
        requests = 0
        asked = [key for folded, key in wanted.items() if folded not in found]
        for records in by_key(self._within(deadline), self._kind, asked):
            requests += 1
            for record in records:
                key = record.get(KEY)
                if isinstance(key, str) and key.lower() in wanted:
                    found[key.lower()] = record["id"]
        with self._lock:
            self._known.update(
                {folded: (now, found[folded]) for folded in wanted if folded in found}
            )
        return found, requests

    def _within(self, deadline: float) -> Ask:
        return within(self._session, deadline)


def within(session: Session, deadline: float) -> Ask:
    """Return what reads until a deadline; a read that fails leaves no doubt about a row."""

    def ask(path: str, params: Mapping[str, str]) -> Reply:
        seconds = deadline - session.clock.monotonic()
        if seconds <= 0:
            raise Transient(f"GET {ROOT}{path}: no time was left for it.", code="TOO_LATE")
        try:
            return session.call("GET", path, seconds=seconds, params=params)
        except Transient as error:
            raise error.with_applied(Applied.NO) from None

    return ask


def patiently(session: Session) -> Ask:
    """Return what reads outside of a delivery, and waits when Zendesk asks for it."""
    return lambda path, params: session.read(path, params=params)
