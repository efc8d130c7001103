"""What the sandbox remembers: one SQLite file in the state folder, which survives a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from activation.errors import Unavailable

FILE_NAME = "sandbox.sqlite3"
_FORMAT = 1


class State:
    """
    The sandbox's database; only the server's event loop touches it after start-up.

    Every vendor keeps its own tables, named after the system.
    """

    def __init__(self, folder: Path) -> None:
        """
        Open or create the file in that folder.

        Raises:
            Unavailable: the file cannot be opened, or another version of the sandbox wrote it.
        """
        self.path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(
                self.path, isolation_level=None, check_same_thread=False
            )
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            message = f"The sandbox's state in {folder} cannot be opened: {error}."
            raise Unavailable(message, hint="Choose another state folder.") from error

    def _prepare(self) -> None:
        found = self.connection.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, _FORMAT):
            self.connection.close()
            message = f"{self.path} was written by another version of the sandbox ({found})."
            raise Unavailable(message, hint="Delete the file or choose another state folder.")
        # A sandbox need not survive a power cut; WAL without a sync survives a killed process.
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute("PRAGMA synchronous = OFF")
        self.connection.execute("PRAGMA cache_size = -65536")
        self.connection.execute(f"PRAGMA user_version = {_FORMAT}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit at the end of the block, or roll back if it raises."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def rows(self, sql: str, parameters: object = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a query."""
        return self.connection.execute(sql, parameters).fetchall()  # type: ignore[arg-type]

    def drop_tables(self, prefix: str) -> None:
        """Drop every table whose name begins with the prefix."""
        found = self.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        with self.transaction() as connection:
            for (name,) in found:
                if name.startswith(prefix):
                    connection.execute(f'DROP TABLE "{name}"')

    def close(self) -> None:
        """Close the file."""
        self.connection.close()
