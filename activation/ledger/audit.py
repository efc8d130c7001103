"""
The audit chain: every plan, switch, phase, override, replay, rollback, erasure, and who and why.

Each entry carries a hash of itself and of the one before, so that an entry that is changed, taken
out or put in between breaks the chain from there on.
An end that is cut off leaves a whole chain: compare the newest hash with one noted elsewhere
(each run notes it in Dagster).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.store import Store

GENESIS = "0" * 64
"""What stands before the first entry."""
_PAGE = 1_000
_HEAD = (
    sa.select(tables.audit.c.no, tables.audit.c.hash).order_by(tables.audit.c.no.desc()).limit(1)
)
_INSERT = tables.audit.insert()


class Act(StrEnum):
    """What was done."""

    PLAN = "plan"
    PAUSE = "pause"
    RESUME = "resume"
    OPEN = "open"
    STOP = "stop"  # a rollout, by its conditions
    RELEASE = "release"  # of a rollout that was stopped
    APPROVE = "approve"
    REPLAY = "replay"
    DROP = "drop"  # dead letters that nobody will send
    ROLLBACK = "rollback"
    RESYNC = "resync"
    SUPPRESS = "suppress"
    LIFT = "lift"  # of a suppression
    ERASE = "erase"
    SETTLE = "settle"  # a batch in doubt, by a human's word


@dataclass(frozen=True, slots=True)
class Entry:
    """One act."""

    no: int
    at: datetime
    act: str
    """One of `Act`, unless somebody changed it."""
    subject: Mapping[str, str]
    """What it was done to, such as `sync`, `phase`, `plan`; a person only by the hash of a key."""
    author: str
    reason: str
    hash: str


@dataclass(frozen=True, slots=True)
class Break:
    """The first entry that does not follow from the one before."""

    no: int
    what: str


@dataclass(frozen=True, slots=True)
class Audit:
    """The chain, oldest first."""

    store: Store

    def list(self, *, limit: int = 50, sync: str | None = None) -> tuple[Entry, ...]:
        """Return the newest entries, newest first, of one sync or of all."""
        table = tables.audit
        query = sa.select(table).order_by(table.c.no.desc()).limit(limit)
        if sync is not None:
            query = query.where(table.c.sync == sync)
        with self.store.read() as connected:
            return tuple(_entry(row) for row in connected.execute(query))

    def head(self) -> str:
        """Return the hash of the newest entry."""
        with self.store.read() as connected:
            return _head(connected)[1]

    def verify(self, *, known: str | None = None) -> Break | None:
        """
        Return the first break of the chain, or None if it is whole.

        Args:
            known: the hash of an entry as it was noted elsewhere; it must still be there.
        """
        before, expected, seen = GENESIS, 1, known is None
        for entry in self._entries():
            if entry.no != expected:
                gone = "entry" if entry.no == expected + 1 else "entries"
                return Break(expected, f"{entry.no - expected} {gone} before {entry.no} missing")
            right = _hash(entry.no, entry.at, entry.act, entry.subject, entry.author, entry.reason)
            if entry.hash != _linked(before, right):
                return Break(entry.no, "it was changed, or what stands before it was")
            seen = seen or entry.hash == known
            before, expected = entry.hash, expected + 1
        return None if seen else Break(expected, "the entry with the noted hash is gone")

    def _entries(self) -> Iterator[Entry]:
        table = tables.audit
        last = 0
        while True:
            query = sa.select(table).where(table.c.no > last).order_by(table.c.no).limit(_PAGE)
            with self.store.read() as connected:
                rows = connected.execute(query).all()
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1].no


def append(  # noqa: PLR0913 - all that an entry says
    connected: sa.Connection,
    act: Act,
    subject: Mapping[str, str],
    *,
    author: str,
    reason: str,
    at: datetime,
) -> None:
    """
    Add an act inside the transaction that carries it out: neither stands without the other.

    There is one writer at a time (see `Store.write`), so that the chain has one end.
    """
    last, before = _head(connected)
    # As the database gives it back, or the hash would not be found again.
    moment = at.astimezone(UTC)
    own = _hash(last + 1, moment, act, subject, author, reason)
    entry = {
        "no": last + 1,
        "at": moment,
        "act": act,
        "sync": subject.get("sync"),
        "subject": dict(subject),
        "author": author,
        "reason": reason,
        "hash": _linked(before, own),
    }
    connected.execute(_INSERT, entry)


def _head(connected: sa.Connection) -> tuple[int, str]:
    row = connected.execute(_HEAD).one_or_none()
    return (0, GENESIS) if row is None else (row.no, row.hash)


def _hash(  # noqa: PLR0913, PLR0917 - all that an entry says
    no: int, at: datetime, act: str, subject: Mapping[str, str], author: str, reason: str
) -> str:
    content = [no, at.isoformat(), str(act), dict(sorted(subject.items())), author, reason]
    written = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def _linked(before: str, own: str) -> str:
    return hashlib.sha256(f"{before}{own}".encode()).hexdigest()


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    found = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for it
    return Entry(
        no=found["no"],
        at=found["at"],
        act=found["act"],
        subject=found["subject"],
        author=found["author"],
        reason=found["reason"],
        hash=found["hash"],
    )
