"""The real ledger on SQLite in memory: one database, empty again for every seed, and a watcher."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from activation.clock import Clock
from activation.ledger import open_ledger
from activation.ledger.store import Store
from activation_tests.simulation.direct import DirectConnection

# The watcher sees what becomes durable, whoever wrote it.
_WATCHER = """
CREATE TABLE watched (
    no INTEGER PRIMARY KEY, batch TEXT, plan TEXT, old TEXT, new TEXT, blocked TEXT, fence TEXT,
    verb TEXT
);
CREATE TABLE heard (topic TEXT, said TEXT);
CREATE TRIGGER begin AFTER INSERT ON batch
BEGIN
    INSERT INTO watched (batch, plan, old, new, blocked, fence, verb)
    VALUES (NEW.id, NEW.plan_digest, '', NEW.state, NEW.blocked, NEW.fence_until, NEW.verb);
END;
CREATE TRIGGER watch AFTER UPDATE OF state, requests ON batch
WHEN OLD.state <> NEW.state OR OLD.requests <> NEW.requests
BEGIN
    INSERT INTO watched (batch, plan, old, new, blocked, fence, verb)
    VALUES (
        NEW.id, NEW.plan_digest, OLD.state, NEW.state, NEW.blocked, NEW.fence_until, NEW.verb
    );
END;
CREATE TRIGGER hear_first AFTER INSERT ON signal WHEN NEW.topic <> 'demand'
BEGIN
    INSERT INTO heard VALUES (NEW.topic, NEW.said);
END;
CREATE TRIGGER hear AFTER UPDATE ON signal WHEN NEW.topic <> 'demand'
BEGIN
    INSERT INTO heard VALUES (NEW.topic, NEW.said);
END;
"""


@dataclass(frozen=True, slots=True)
class BooksStore(Store):
    """The ledger's database, reached the short way if there is one."""

    direct: DirectConnection | None

    def read(self) -> AbstractContextManager[sa.Connection]:  # type: ignore[override] # any serves
        """Open a view; it is consistent because nobody else runs meanwhile."""
        return Store.read(self) if self.direct is None else nullcontext(self.direct.as_its())

    def write(self) -> AbstractContextManager[sa.Connection]:  # type: ignore[override]
        """Open a transaction."""
        return Store.write(self) if self.direct is None else self.direct.transaction()


class Books:
    """The database behind all ledgers of a seed; made once a process, emptied for each seed."""

    def __init__(self, *, direct: bool) -> None:
        self.engine = open_ledger("sqlite://").store.engine
        # The pool holds one connection, which the ledgers of all simulated processes share.
        raw = self.engine.raw_connection().driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.executescript(_WATCHER)
        self._raw = raw
        self.direct = DirectConnection(raw, self.engine.dialect) if direct else None
        self._empty = raw.serialize()

    def renew(self) -> None:
        """Forget the last seed."""
        self._raw.deserialize(self._empty)

    def store(self, clock: Clock) -> BooksStore:
        """Return the database as somebody reaches it who neither dies nor stands still."""
        return BooksStore(self.engine, clock, self.direct)

    def ask(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return what the database holds now; call it between transactions only."""
        return self._raw.execute(query, values).fetchall()


def moment(stored: str) -> datetime:
    """Return the time that SQLite keeps as text."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC)
