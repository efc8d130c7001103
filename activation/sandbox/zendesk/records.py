"""Users and organizations in SQLite: what is looked for in columns, the rest in one document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from activation.sandbox.state import State

Document = dict[str, Any]
ACTIVE, DELETED, ERASED = 0, 1, 2


@dataclass(slots=True)
class Record:
    """One user or organization."""

    id: int
    document: Document
    """What it holds that is not what a new one holds."""
    state: int = ACTIVE
    updated: float = 0.0
    is_new: bool = field(default=False, compare=False)

    @property
    def key(self) -> str | None:
        """Return the external id as Zendesk tells them apart: without regard to case."""
        external_id = self.document.get("external_id")
        return external_id.casefold() if external_id is not None else None


class Records:
    """The records of one kind."""

    def __init__(self, state: State, name: str, first_id: int) -> None:
        self._state = state
        self._table = f"zendesk_{name}"
        self._first_id = first_id
        self.prepare()

    def prepare(self) -> None:
        """Create the table, if it is not there."""
        table, run = self._table, self._state.connection.execute
        run(
            f"CREATE TABLE IF NOT EXISTS {table} (id INTEGER PRIMARY KEY, key TEXT, name TEXT,"
            " state INTEGER NOT NULL, updated REAL NOT NULL, document BLOB NOT NULL)"
        )
        for column in ("key", "name", "updated, id"):
            index = f"{table}_{column.partition(',')[0]}"
            run(f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({column})")
        (last,) = self._state.rows(f"SELECT max(id) FROM {table}")[0]  # noqa: S608
        self._next = max(int(last or 0) + 1, self._first_id)

    def new(self) -> Record:
        """Return a new record with an id of its own; it is not kept until it is saved."""
        number, self._next = self._next, self._next + 1
        return Record(number, {}, is_new=True)

    def by_ids(self, ids: Iterable[int], *, state: int | None = ACTIVE) -> dict[int, Record]:
        """Return the records with these ids; of any state if it is None."""
        return {r.id: r for r in self._where("id", list(ids), state)}

    def by_keys(self, keys: Iterable[str]) -> dict[str, Record]:
        """Return the active records with these external ids, by them."""
        found = self._where("key", [key.casefold() for key in keys], ACTIVE)
        return {r.key: r for r in found if r.key is not None}

    def by_names(self, names: Iterable[str]) -> dict[str, Record]:
        """Return the active records with these names, by them without their case."""
        found = self._where("name", [name.casefold() for name in names], ACTIVE)
        return {str(r.document["name"]).casefold(): r for r in found}

    def _where(self, column: str, values: Sequence[Any], state: int | None) -> list[Record]:
        if not values:
            return []
        marks = ",".join("?" * len(values))
        alive = "" if state is None else f" AND state = {state}"
        return self.select(f"{column} IN ({marks}){alive}", values)

    def select(self, where: str, values: Sequence[Any] = ()) -> list[Record]:
        """Return records; `where` is SQL of this package, ending in order and limit if need be."""
        return [
            Record(number, orjson.loads(document), state, updated)
            for number, document, state, updated in self._state.rows(
                f"SELECT id, document, state, updated FROM {self._table} WHERE {where}",  # noqa: S608
                values,
            )
        ]

    def count(self, where: str = f"state = {ACTIVE}", values: Sequence[Any] = ()) -> int:
        """Return how many records there are."""
        (found,) = self._state.rows(
            f"SELECT count(*) FROM {self._table} WHERE {where}",  # noqa: S608
            values,
        )[0]
        return int(found)

    def save(self, records: Iterable[Record]) -> None:
        """Keep records as they are now."""
        self._state.connection.executemany(
            f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
            [
                (
                    r.id,
                    r.key,
                    str(r.document.get("name", "")).casefold(),
                    r.state,
                    r.updated,
                    orjson.dumps(r.document),
                )
                for r in records
            ],
        )
