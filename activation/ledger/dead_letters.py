"""Rejected actions that wait for a fix or a replay; they hold no personal value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from activation.hash_keys import PLAIN, HashKey
from activation.ledger import audit, tables
from activation.ledger.needs import next_wait
from activation.ledger.store import Store
from activation.ledger.switches import require_words

_IDS_IN_ONE_STATEMENT = 500


class LetterState(StrEnum):
    """What became of a dead letter."""

    OPEN = "open"
    OVERTAKEN = "overtaken"  # the key has a newer outcome
    DROPPED = "dropped"  # an operator gave this payload up
    REPLAYED = "replayed"  # the next plan sends it again


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected action."""

    id: str
    sync: str
    plan_digest: str
    batch_id: str
    action_no: int
    operation: str
    key_hash: str
    """The name of the row by `hash_keys`."""
    row_hash: int
    code: str
    fate: str
    fields: tuple[str, ...]
    text: str
    """The vendor's words, scrubbed of the row's values."""
    created_at: datetime
    state: LetterState = LetterState.OPEN
    attempts: int = 1
    """Deliveries in which this key was rejected and not delivered in between."""
    hash_key: str = PLAIN
    """The id of the key by which the row is named."""
    next_attempt_at: datetime | None = None
    """When the unchanged row goes out again by itself; None if its payload must change."""


@dataclass(frozen=True, slots=True)
class LetterCount:
    """Open dead letters of one class."""

    code: str
    fate: str
    rows: int
    oldest: datetime


_OF_PLAN = sa.select(sa.func.count()).where(
    tables.dead_letter.c.plan_digest == sa.bindparam("digest")
)
_WAITING = (LetterState.OPEN, LetterState.REPLAYED)
"""States of letters that a delivery of their key closes."""
_OPEN_KEYS = sa.select(tables.dead_letter.c.key_hash).where(
    tables.dead_letter.c.sync == sa.bindparam("sync"),
    tables.dead_letter.c.state.in_(_WAITING),
)
_DUE = (
    sa.select(tables.dead_letter.c.key_hash)
    .where(
        tables.dead_letter.c.sync == sa.bindparam("sync"),
        sa.or_(
            tables.dead_letter.c.state == LetterState.REPLAYED,
            sa.and_(
                tables.dead_letter.c.state == LetterState.OPEN,
                tables.dead_letter.c.next_attempt_at <= sa.bindparam("now"),
            ),
        ),
    )
    .order_by(tables.dead_letter.c.created_at, tables.dead_letter.c.id)
)
_NEXT = sa.select(sa.func.min(tables.dead_letter.c.next_attempt_at)).where(
    tables.dead_letter.c.sync == sa.bindparam("sync"),
    tables.dead_letter.c.state == LetterState.OPEN,
)
_REJECTED = (
    sa.select(tables.dead_letter.c.key_hash, tables.dead_letter.c.row_hash)
    .where(
        tables.dead_letter.c.sync == sa.bindparam("sync"),
        tables.dead_letter.c.state.in_([LetterState.OPEN, LetterState.DROPPED]),
        sa.or_(
            tables.dead_letter.c.next_attempt_at.is_(None),
            tables.dead_letter.c.next_attempt_at > sa.bindparam("now"),
        ),
    )
    .order_by(tables.dead_letter.c.key_hash)
)
_SAME_KEY = sa.and_(
    tables.dead_letter.c.sync == sa.bindparam("of_sync"),
    tables.dead_letter.c.key_hash == sa.bindparam("of_key"),
    tables.dead_letter.c.state.in_([LetterState.OPEN, LetterState.REPLAYED]),
)
_BEFORE = sa.select(sa.func.max(tables.dead_letter.c.attempts)).where(_SAME_KEY)
_REPLACE = tables.dead_letter.update().where(_SAME_KEY).values(state=LetterState.OVERTAKEN)
_INSERT = tables.dead_letter.insert()


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letters of all syncs."""

    store: Store

    def list(
        self, sync: str, *, state: LetterState | None = LetterState.OPEN, limit: int | None = None
    ) -> tuple[DeadLetter, ...]:
        """Return the letters of a sync, newest first, of every state if `state` is None."""
        table = tables.dead_letter
        query = sa.select(table).where(table.c.sync == sync)
        if state is not None:
            query = query.where(table.c.state == state)
        query = query.order_by(table.c.created_at.desc(), table.c.id).limit(limit)
        with self.store.read() as connected:
            return tuple(_letter(row) for row in connected.execute(query))

    def of_plan(self, digest: str) -> int:
        """Return how many actions of a plan were rejected."""
        with self.store.read() as connected:
            return connected.scalar(_OF_PLAN, {"digest": digest}) or 0

    def counts(self, sync: str) -> tuple[LetterCount, ...]:
        """Return the open letters of a sync by class, most frequent first."""
        table = tables.dead_letter
        rows = sa.func.count().label("rows")
        with self.store.read() as connected:
            found = connected.execute(
                sa.select(
                    table.c.code,
                    table.c.fate,
                    rows,
                    sa.func.min(table.c.created_at).label("oldest"),
                )
                .where(table.c.sync == sync, table.c.state == LetterState.OPEN)
                .group_by(table.c.code, table.c.fate)
                .order_by(rows.desc(), table.c.code)
            ).mappings()
            return tuple(LetterCount(**row) for row in found)

    def open_keys(self, sync: str) -> frozenset[str]:
        """Return the hashes of the keys with a letter that a delivery closes."""
        with self.store.read() as connected:
            return frozenset(connected.scalars(_OPEN_KEYS, {"sync": sync}))

    def due(self, sync: str) -> tuple[str, ...]:
        """Return the hashes of the keys that may be tried again now, the oldest first."""
        asked = {"sync": sync, "now": self.store.clock.now()}
        with self.store.read() as connected:
            return tuple(dict.fromkeys(connected.scalars(_DUE, asked)))

    def next_due(self, sync: str) -> datetime | None:
        """Return when the next letter may be tried again; None if none will by itself."""
        with self.store.read() as connected:
            found: datetime | None = connected.scalar(_NEXT, {"sync": sync})
        return found

    def settle_replay(
        self, sync: str, *, overtaken: Sequence[str], waiting: Sequence[str], first: timedelta
    ) -> None:
        """
        Keep what a replay found of letters whose rows it does not send.

        Args:
            sync: whose.
            overtaken: hashes of keys for which nothing is left to be sent.
            waiting: those of keys that something keeps back; they are tried later.
            first: the wait after a first refusal.
        """
        table, now = tables.dead_letter, self.store.clock.now()
        waits = table.c.sync == sync, table.c.state.in_(_WAITING)
        with self.store.write() as connected:
            overtake(connected, sync, overtaken)
            for some in _among("key_hash", waiting):
                query = sa.select(table.c.id, table.c.attempts).where(*waits, some)
                later = [
                    {
                        "this": row.id,
                        "attempts": row.attempts + 1,
                        "next_attempt_at": None if wait is None else now + wait,
                    }
                    for row in connected.execute(query)
                    for wait in (next_wait(first, row.attempts + 1),)
                ]
                if later:
                    this = table.c.id == sa.bindparam("this")
                    put_back = table.update().where(this).values(state=LetterState.OPEN)
                    connected.execute(put_back, later)

    def rejected_rows(self, sync: str) -> pa.Table:
        """
        Return what does not go out again unchanged: columns `key_hash`, `row_hash`.

        A row that may pass later is among them until its next attempt is due.
        """
        asked = {"sync": sync, "now": self.store.clock.now()}
        with self.store.read() as connected:
            rows = connected.execute(_REJECTED, asked).all()
        return pa.table(
            {
                "key_hash": pa.array([row.key_hash for row in rows], pa.string()),
                "row_hash": pa.array([row.row_hash for row in rows], pa.int64()),
            }
        )

    def replay(
        self, sync: str, ids: Sequence[str] | None = None, *, reason: str, author: str
    ) -> int:
        """
        Let the next plan send these rows again, or all open ones; return how many.

        Raises:
            UsageError: reason or author is empty.
        """
        return self._move(sync, ids, LetterState.REPLAYED, reason=reason, author=author)

    def drop(self, sync: str, ids: Sequence[str], *, reason: str, author: str) -> int:
        """
        Give these payloads up: they stay away until they change; return how many.

        Raises:
            UsageError: reason or author is empty.
        """
        return self._move(sync, ids, LetterState.DROPPED, reason=reason, author=author)

    def forget(self, sync: str, *, older_than: timedelta) -> int:
        """
        Remove the letters of a sync that are older than that; return how many.

        A row whose letter is gone is planned again, so that no row is given up in silence.
        """
        table = tables.dead_letter
        before = self.store.clock.now() - older_than
        with self.store.write() as connected:
            return connected.execute(
                table.delete().where(table.c.sync == sync, table.c.created_at < before)
            ).rowcount

    def rename(self, key: HashKey) -> int:
        """Name by this key what was named by none; return how many."""
        table = tables.dead_letter
        query = sa.select(table.c.id, table.c.key_hash).where(table.c.hash_key == PLAIN)
        with self.store.read() as connected:
            if connected.execute(query.limit(1)).first() is None:
                return 0
        with self.store.write() as connected:
            found = connected.execute(query).all()
            for row in found:
                named = {"key_hash": key.over(row.key_hash), "hash_key": key.id}
                connected.execute(table.update().where(table.c.id == row.id).values(**named))
        return len(found)

    def erase(self, sync: str, key_hashes: Iterable[str]) -> int:
        """Remove every letter of these keys; return how many."""
        table = tables.dead_letter
        with self.store.write() as connected:
            return sum(
                connected.execute(table.delete().where(table.c.sync == sync, some)).rowcount
                for some in _among("key_hash", key_hashes)
            )

    def _move(
        self,
        sync: str,
        ids: Sequence[str] | None,
        state: LetterState,
        *,
        reason: str,
        author: str,
    ) -> int:
        require_words(reason=reason, author=author)
        act = audit.Act.REPLAY if state is LetterState.REPLAYED else audit.Act.DROP
        table = tables.dead_letter
        of_sync = sa.and_(table.c.sync == sync, table.c.state == LetterState.OPEN)
        conditions = [of_sync] if ids is None else [of_sync & some for some in _among("id", ids)]
        with self.store.write() as connected:
            moved = sum(
                connected.execute(table.update().where(condition).values(state=state)).rowcount
                for condition in conditions
            )
            if moved:
                subject = {"sync": sync, "rows": str(moved)}
                at = self.store.clock.now()
                audit.append(connected, act, subject, author=author, reason=reason, at=at)
            return moved


def add(connected: sa.Connection, letters: Sequence[DeadLetter]) -> None:
    """
    Write letters in place of open ones of the same keys, whose attempts they carry on.

    The more often a key was refused for what should pass, the longer it waits.
    """
    for letter in letters:
        same_key = {"of_sync": letter.sync, "of_key": letter.key_hash}
        before = connected.scalar(_BEFORE, same_key) or 0
        connected.execute(_REPLACE, same_key)
        due = letter.next_attempt_at
        if due is not None:
            wait = next_wait(due - letter.created_at, before + letter.attempts)
            due = None if wait is None else letter.created_at + wait
        kept = {
            "id": letter.id,
            "sync": letter.sync,
            "plan_digest": letter.plan_digest,
            "batch_id": letter.batch_id,
            "action_no": letter.action_no,
            "operation": letter.operation,
            "key_hash": letter.key_hash,
            "hash_key": letter.hash_key,
            "row_hash": letter.row_hash,
            "code": letter.code,
            "fate": letter.fate,
            "fields": list(letter.fields),
            "text": letter.text,
            "created_at": letter.created_at,
            "state": letter.state,
            "attempts": before + letter.attempts,
            "next_attempt_at": due,
        }
        connected.execute(_INSERT, kept)


def overtake(connected: sa.Connection, sync: str, key_hashes: Iterable[str]) -> None:
    """Close the open letters of keys that were delivered."""
    table = tables.dead_letter
    for some in _among("key_hash", key_hashes):
        connected.execute(
            table.update()
            .where(table.c.sync == sync, table.c.state.in_(_WAITING), some)
            .values(state=LetterState.OVERTAKEN)
        )


def _among(column: str, values: Iterable[str]) -> Iterator[sa.ColumnElement[bool]]:
    rest = iter(values)
    while some := list(islice(rest, _IDS_IN_ONE_STATEMENT)):
        yield tables.dead_letter.c[column].in_(some)


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        sync=row.sync,
        plan_digest=row.plan_digest,
        batch_id=row.batch_id,
        action_no=row.action_no,
        operation=row.operation,
        key_hash=row.key_hash,
        hash_key=row.hash_key,
        row_hash=row.row_hash,
        code=row.code,
        fate=row.fate,
        fields=tuple(row.fields),
        text=row.text,
        created_at=row.created_at,
        state=LetterState(row.state),
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at,
    )
