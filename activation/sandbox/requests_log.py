"""
What reached the sandbox, in order: the proof of what was sent.

The log holds no payloads and no query text.
The keys of written rows are kept only when asked for, because keys can be personal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from activation.sandbox.state import State

_COLUMNS = (
    "id",
    "time",
    "system",
    "method",
    "path",
    "status",
    "answered",
    "rows",
    "keys",
    "fault",
    "key_values",
)


@dataclass(slots=True)
class Note:
    """What a vendor's code tells the log of the request it carried out."""

    rows: int = 0
    keys: list[str] = field(default_factory=list)


class RequestsLog:
    """The requests that arrived, kept in SQLite."""

    def __init__(self, state: State, *, log_keys: bool) -> None:
        """Keep the keys of written rows too if `log_keys`."""
        self._state = state
        self._log_keys = log_keys
        state.connection.execute(
            """
            CREATE TABLE IF NOT EXISTS requests (
                id INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT, system TEXT, method TEXT,
                path TEXT, status INTEGER, answered INTEGER, rows INTEGER, keys INTEGER,
                fault TEXT, key_values TEXT
            )
            """
        )

    def arrived(self, at: datetime, system: str, method: str, path: str, fault: str | None) -> int:
        """Record a request whose fate is open; `status` is empty until the vendor handled it."""
        cursor = self._state.connection.execute(
            "INSERT INTO requests (time, system, method, path, answered, rows, keys, fault)"
            " VALUES (?, ?, ?, ?, 0, 0, 0, ?)",
            (at.isoformat(), system, method, path, fault),
        )
        return int(cursor.lastrowid or 0)

    def handled(self, entry: int, status: int, note: Note, *, answered: bool) -> None:
        """Record what the vendor did, and whether the caller was told."""
        listed = orjson.dumps(note.keys).decode() if self._log_keys else None
        self._state.connection.execute(
            "UPDATE requests SET status = ?, answered = ?, rows = ?, keys = ?, key_values = ?"
            " WHERE id = ?",
            (status, answered, note.rows, len(set(note.keys)), listed, entry),
        )

    def since(self, entry: int, limit: int) -> list[dict[str, Any]]:
        """Return up to `limit` requests with an id above `entry`, oldest first."""
        found = self._state.rows(
            f"SELECT {', '.join(_COLUMNS)} FROM requests WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608
            (entry, limit),
        )
        entries = [dict(zip(_COLUMNS, row, strict=True)) for row in found]
        for item in entries:
            item["answered"] = bool(item["answered"])
            if item["key_values"] is not None:
                item["key_values"] = orjson.loads(item["key_values"])
        return entries

    def latest(self) -> datetime | None:
        """Return when the last request came."""
        found = self._state.rows("SELECT time FROM requests ORDER BY id DESC LIMIT 1")
        return datetime.fromisoformat(found[0][0]) if found else None

    def clear(self) -> None:
        """Forget all requests; ids go on counting."""
        self._state.connection.execute("DELETE FROM requests")
