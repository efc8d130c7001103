"""What was accepted and has not taken effect yet: kept on disk, due by the sandbox's clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import orjson

from activation.clock import Clock
from activation.sandbox.braze.quirks import CREATES_FIRST, QUEUE_SECONDS, QUEUE_SPREAD
from activation.sandbox.quirks import Quirks
from activation.sandbox.state import State

_MOST = 500
"""Entries in one turn: some 37,500 objects."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was accepted."""

    id: int
    kind: str
    body: Any
    at: float
    """When it takes effect, in epoch seconds, however late we look."""
    is_due: bool
    """False: only half of its time has passed, and new profiles are there, empty."""


class Queue:
    """The accepted work, oldest first."""

    def __init__(self, state: State, clock: Clock, quirks: Quirks) -> None:
        self._state = state
        self._clock = clock
        self._quirks = quirks
        self._random = Random(0)  # noqa: S311
        self._earliest: float | None = 0.0

    def prepare(self) -> None:
        """Make the table."""
        self._state.connection.execute(
            "CREATE TABLE IF NOT EXISTS braze_queue (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " half REAL, due REAL, kind TEXT, body BLOB)"
        )
        self._state.connection.execute(
            "CREATE INDEX IF NOT EXISTS braze_queue_half ON braze_queue (half)"
        )
        self._earliest = 0.0

    def add(self, kind: str, body: Mapping[str, Any]) -> None:
        """Accept work as one piece, to take effect in a while."""
        self._insert([(kind, body)], spread=0.0)

    def add_objects(self, body: Mapping[str, Sequence[Any]]) -> None:
        """Accept the objects of a track request, as one piece or, if they spread, one by one."""
        spread = self._quirks.number(QUEUE_SPREAD)
        if spread <= 0:
            self._insert([("track", body)], spread=0.0)
            return
        single = [("track", {array: [item]}) for array, items in body.items() for item in items]
        self._insert(single, spread=spread)

    def _insert(self, work: Sequence[tuple[str, Mapping[str, Any]]], spread: float) -> None:
        now = self._clock.now().timestamp()
        delay = self._quirks.number(QUEUE_SECONDS)
        creates_first = self._quirks.on(CREATES_FIRST)
        rows = []
        for kind, body in work:
            due = now + delay + (self._random.random() * spread if spread else 0.0)
            half = (now + due) / 2 if creates_first and kind == "track" else due
            rows.append((half, due, kind, orjson.dumps(body)))
        self._state.connection.executemany(
            "INSERT INTO braze_queue (half, due, kind, body) VALUES (?, ?, ?, ?)", rows
        )
        soonest = min(row[0] for row in rows)
        if self._earliest is None or soonest < self._earliest:
            self._earliest = soonest

    def ready(self) -> list[Entry]:
        """Return what is to take effect now, in its order; at most one turn's worth."""
        now = self._clock.now().timestamp()
        if self._earliest is None or now < self._earliest:
            return []
        found = self._state.rows(
            "SELECT id, kind, body, half, due FROM braze_queue WHERE half <= ?"
            " ORDER BY CASE WHEN due <= ? THEN due ELSE half END, id LIMIT ?",
            (now, now, _MOST),
        )
        if not found:
            self._look_ahead()
        return [
            Entry(i, kind, orjson.loads(body), due if due <= now else half, due <= now)
            for i, kind, body, half, due in found
        ]

    def done(self, entries: Sequence[Entry]) -> None:
        """Take entries out that took effect; those that are half-way come once more."""
        connection = self._state.connection
        connection.executemany(
            "DELETE FROM braze_queue WHERE id = ?", [(e.id,) for e in entries if e.is_due]
        )
        connection.executemany(
            "UPDATE braze_queue SET half = due WHERE id = ?",
            [(e.id,) for e in entries if not e.is_due],
        )
        self._look_ahead()

    def waiting(self) -> int:
        """Return how many entries have not taken effect."""
        return int(self._state.rows("SELECT count(*) FROM braze_queue")[0][0])

    def _look_ahead(self) -> None:
        ((self._earliest,),) = self._state.rows("SELECT min(half) FROM braze_queue")
