"""Records in SQLite: one table an object, one column a field of its describe document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activation.sandbox.salesforce.fields import NUMBERS, Document
from activation.sandbox.salesforce.ids import INTEGRATION_USER, make_id
from activation.sandbox.salesforce.objects import GENERATED
from activation.sandbox.salesforce.schema import Field, SObject
from activation.sandbox.salesforce.values import Stored, stamp
from activation.sandbox.state import State

_STAMPS = (
    "CreatedDate",
    "CreatedById",
    "LastModifiedDate",
    "LastModifiedById",
    "SystemModstamp",
    "OwnerId",
)
_ADDRESS = (
    *("City", "Country", "GeocodeAccuracy", "Latitude", "Longitude"),
    *("PostalCode", "State", "Street"),
)


def quoted(name: str) -> str:
    """Return an SQL identifier; names come from describe documents, never from a request."""
    return '"' + name.replace('"', '""') + '"'


def marks(count: int) -> str:
    """Return that many parameter marks."""
    return ",".join("?" * count)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a record stands."""

    value: Any
    row: int
    id: str
    is_deleted: bool


class Records:
    """The records of all objects."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._next: dict[str, int] = {}

    def prepare(self, document: Document) -> None:
        """Create the object's table, or add the columns and indexes that it lacks."""
        name = document["name"]
        table = quoted(f"salesforce_{name}")
        with self._state.transaction() as connection:
            connection.execute(
                f"CREATE TABLE IF NOT EXISTS {table} (row INTEGER PRIMARY KEY AUTOINCREMENT)"
            )
            present = {column[1] for column in connection.execute(f"PRAGMA table_xinfo({table})")}
            for field in document["fields"]:
                column = field["name"]
                if column not in present:
                    connection.execute(
                        f"ALTER TABLE {table} ADD COLUMN {quoted(column)}"
                        f" {_column_type(name, field)}"
                    )
                if field["externalId"] or field["idLookup"] or field["unique"]:
                    index = quoted(f"salesforce_{name}_{column}")
                    connection.execute(
                        f"CREATE INDEX IF NOT EXISTS {index} ON {table} ({quoted(column)})"
                    )
        (last,) = self._state.rows(f"SELECT max(row) FROM {table}")[0]  # noqa: S608
        self._next[name] = int(last or 0) + 1

    def find(self, sobject: SObject, field: Field, values: Sequence[Stored]) -> list[Found]:
        """Return the records with one of these values, deleted ones included."""
        if not values:
            return []
        column = quoted(field.name)
        return [
            Found(value, row, identity, bool(is_deleted))
            for value, row, identity, is_deleted in self._state.rows(
                f'SELECT {column}, row, "Id", "IsDeleted" FROM {quoted(sobject.table)}'  # noqa: S608
                f" WHERE {column} IN ({marks(len(values))})",
                values,
            )
        ]

    def insert(
        self, sobject: SObject, rows: Sequence[dict[str, Stored]], at: datetime, user: str
    ) -> list[str]:
        """Add records and return their ids, in order."""
        first = self._next[sobject.name]
        ids = [make_id(sobject.prefix, first + place) for place in range(len(rows))]
        now = stamp(at)
        stamps = (now, user, now, user, now, INTEGRATION_USER)
        owned = sobject.field("OwnerId") is not None
        shapes: dict[tuple[str, ...], list[tuple[Stored, ...]]] = {}
        for place, row in enumerate(rows):
            given = {name: value for name, value in row.items() if value is not None}
            given = {**sobject.defaults, **given} if sobject.defaults else given
            stamped = 6 if owned and "OwnerId" not in given else 5
            system: tuple[Stored, ...] = (first + place, ids[place], *stamps[:stamped])
            shapes.setdefault(tuple(given), []).append((*system, *given.values()))
        for columns, values in shapes.items():
            stamped = 6 if owned and "OwnerId" not in columns else 5
            names = ("row", "Id", *_STAMPS[:stamped], *columns)
            self._state.connection.executemany(
                f"INSERT INTO {quoted(sobject.table)} ({','.join(map(quoted, names))})"  # noqa: S608
                f" VALUES ({marks(len(names))})",
                values,
            )
        self._next[sobject.name] = first + len(rows)
        return ids

    def update(
        self,
        sobject: SObject,
        rows: Iterable[tuple[int, dict[str, Stored]]],
        at: datetime,
        user: str,
    ) -> None:
        """Change records, each told by its row number."""
        now = stamp(at)
        shapes: dict[tuple[str, ...], list[tuple[Stored, ...]]] = {}
        for row, values in rows:
            shapes.setdefault(tuple(values), []).append((*values.values(), now, user, now, row))
        for columns, parameters in shapes.items():
            names = (*columns, "LastModifiedDate", "LastModifiedById", "SystemModstamp")
            self._state.connection.executemany(
                f"UPDATE {quoted(sobject.table)} SET"  # noqa: S608
                f" {','.join(f'{quoted(name)}=?' for name in names)} WHERE row=?",
                parameters,
            )

    def delete(self, sobject: SObject, rows: Sequence[int], at: datetime) -> None:
        """Put records into the recycle bin."""
        now = stamp(at)
        self._state.connection.executemany(
            f'UPDATE {quoted(sobject.table)} SET "IsDeleted"=1,"LastModifiedDate"=?,'  # noqa: S608
            ' "SystemModstamp"=? WHERE row=?',
            [(now, now, row) for row in rows],
        )

    def converted(self, rows: Sequence[int | None]) -> set[int]:
        """Return which of these leads were converted."""
        there = [row for row in rows if row]
        if not there:
            return set()
        found = self._state.rows(
            f'SELECT row FROM "salesforce_Lead" WHERE row IN ({marks(len(there))})'  # noqa: S608
            ' AND "IsConverted" = 1',
            there,
        )
        return {row for (row,) in found}

    def restore(self, sobject: SObject, rows: Sequence[int], at: datetime) -> None:
        """Take records out of the recycle bin."""
        now = stamp(at)
        self._state.connection.executemany(
            f'UPDATE {quoted(sobject.table)} SET "IsDeleted"=0,"LastModifiedDate"=?,'  # noqa: S608
            ' "SystemModstamp"=? WHERE row=?',
            [(now, now, row) for row in rows],
        )

    def merge(self, sobject: SObject, winner: str, loser: int, at: datetime) -> None:
        """Put a record into the recycle bin, with the one that it was merged into."""
        self._state.connection.execute(
            f'UPDATE {quoted(sobject.table)} SET "MasterRecordId"=? WHERE row=?',  # noqa: S608
            (winner, loser),
        )
        self.delete(sobject, [loser], at)

    def read(
        self, sobject: SObject, where: str, parameters: Sequence[Stored]
    ) -> list[dict[str, Any]]:
        """Return records with all fields, as JSON values; `where` is SQL of this package."""
        fields = list(sobject.fields.values())
        columns = ",".join(quoted(field.name) for field in fields)
        records = [
            {f.name: shown(f.type, value) for f, value in zip(fields, row, strict=True)}
            for row in self._state.rows(
                f"SELECT {columns} FROM {quoted(sobject.table)} WHERE {where}",  # noqa: S608
                parameters,
            )
        ]
        for field in fields:
            if field.type == "address":
                for record in records:
                    record[field.name] = _address(record, field.name.removesuffix("Address"))
        return records

    def count(self, sobject: SObject) -> int:
        """Return how many records are not deleted."""
        found = self._state.rows(
            f'SELECT count(*) FROM {quoted(sobject.table)} WHERE "IsDeleted" = 0'  # noqa: S608
        )
        return int(found[0][0])


def _address(record: dict[str, Any], prefix: str) -> dict[str, Any] | None:
    """Return the parts of an address as one value, or None if it has none."""
    parts = {part[0].lower() + part[1:]: record.get(f"{prefix}{part}") for part in _ADDRESS}
    return parts if any(value is not None for value in parts.values()) else None


def shown(kind: str, value: Any) -> Any:
    """Return a stored value as JSON shows it."""
    return bool(value) if kind == "boolean" and value is not None else value


def fold(value: Stored, *, is_case_sensitive: bool) -> Stored:
    """Return what two equal keys have in common; as SQLite's NOCASE, it folds A to Z only."""
    if is_case_sensitive or not isinstance(value, str):
        return value
    if value.isascii():
        return value.lower()
    return "".join(c.lower() if c.isascii() else c for c in value)


def _column_type(name: str, field: Document) -> str:
    generated = GENERATED.get((name, field["name"]))
    if generated:
        return f"TEXT COLLATE NOCASE GENERATED ALWAYS AS ({generated}) VIRTUAL"
    kind = field["type"]
    if kind in NUMBERS:
        return "REAL"
    if kind == "int":
        return "INTEGER"
    if kind == "boolean":
        return "INTEGER NOT NULL DEFAULT 0"
    return "TEXT" if field["caseSensitive"] else "TEXT COLLATE NOCASE"
