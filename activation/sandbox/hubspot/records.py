"""Records in SQLite: one table an object, the properties as JSON, unique values in an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from activation.sandbox.hubspot.catalogue import CrmObject
from activation.sandbox.state import State

FIRST_ID = 101
API, PERSON = "INTEGRATION", "CRM_UI"
"""Who changed a value, in HubSpot's words."""
_COLUMNS = "id, created, updated, archived, merged_into, properties, history"


@dataclass(slots=True)
class Record:
    """One record as it stands now."""

    id: int
    created: str
    updated: str
    archived: str | None
    merged_into: int | None
    properties: dict[str, str]
    """Values by name; a property that was cleared is not there."""
    history: str
    """A line a change, oldest first: when, who, and the values, in JSON."""

    def changes(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        """Yield when, who and what of each change, oldest first."""
        for line in self.history.splitlines():
            at, source, values = orjson.loads(line)
            yield at, source, values

    def as_of(self, moment: str) -> dict[str, str] | None:
        """Return the properties as they were at a moment; None if there was no record yet."""
        if self.updated <= moment:
            return self.properties
        if self.created > moment:
            return None
        found: dict[str, str] = {}
        for at, _, values in self.changes():
            if at <= moment:
                found |= values
        return {name: value for name, value in found.items() if value}


class Records:
    """The records of all objects."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._next: dict[str, int] = {}

    def prepare(self, names: Iterable[str]) -> None:
        """Create the tables that are not there."""
        with self._state.transaction() as connection:
            for name in names:
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS hubspot_record_{name}"
                    " (id INTEGER PRIMARY KEY, created TEXT, updated TEXT, archived TEXT,"
                    " merged_into INTEGER, properties TEXT, history TEXT)"
                )
                connection.execute(
                    f"CREATE INDEX IF NOT EXISTS hubspot_updated_{name}"
                    f" ON hubspot_record_{name} (updated)"
                )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS hubspot_unique"
                " (object TEXT, property TEXT, value TEXT, id INTEGER,"
                " PRIMARY KEY (object, property, value)) WITHOUT ROWID"
            )
            connection.execute(
                "CREATE INDEX IF NOT EXISTS hubspot_unique_id ON hubspot_unique (object, id)"
            )
        for name in names:
            (last,) = self._state.rows(f"SELECT max(id) FROM hubspot_record_{name}")[0]  # noqa: S608
            self._next[name] = int(last or FIRST_ID - 1) + 1

    def next_id(self, of: CrmObject) -> int:
        """Return an id that no record has had."""
        identity = self._next[of.name]
        self._next[of.name] = identity + 1
        return identity

    def holders(self, of: CrmObject, name: str, values: Sequence[str]) -> dict[str, int]:
        """Return the ids of the living records by the unique values that they have."""
        found: dict[str, int] = dict(
            self._state.rows(
                "SELECT value, id FROM hubspot_unique WHERE object = ? AND property = ?"  # noqa: S608
                f" AND value IN ({_marks(len(values))})",
                (of.name, name, *values),
            )
        )
        return found

    def get(self, of: CrmObject, ids: Sequence[int]) -> dict[int, Record]:
        """Return records by id, archived ones included."""
        return {
            record.id: record
            for record in self._read(of, f"WHERE id IN ({_marks(len(ids))})", tuple(ids))
        }

    def page(self, of: CrmObject, after: int, limit: int, *, archived: bool) -> list[Record]:
        """Return up to `limit` records with an id above `after`, by id."""
        condition = "archived IS NOT NULL" if archived else "archived IS NULL"
        return list(
            self._read(of, f"WHERE id > ? AND {condition} ORDER BY id LIMIT ?", (after, limit))
        )

    def every(self, of: CrmObject) -> Iterator[Record]:
        """Yield all records, archived ones included, by id."""
        return self._read(of, "WHERE merged_into IS NULL ORDER BY id", ())

    def count(self, of: CrmObject) -> int:
        """Return how many living records there are."""
        return int(
            self._state.rows(
                f"SELECT count(*) FROM hubspot_record_{of.name} WHERE archived IS NULL"  # noqa: S608
            )[0][0]
        )

    def insert(self, of: CrmObject, made: Sequence[Record]) -> None:
        """Add records."""
        self._state.connection.executemany(
            f"INSERT INTO hubspot_record_{of.name} VALUES (?, ?, ?, NULL, NULL, ?, ?)",  # noqa: S608
            [
                (r.id, r.created, r.updated, orjson.dumps(r.properties).decode(), r.history)
                for r in made
            ],
        )

    def update(self, of: CrmObject, changed: Sequence[tuple[Record, str]]) -> None:
        """Write records with their properties as they are now; add a line to the history."""
        self._state.connection.executemany(
            f"UPDATE hubspot_record_{of.name} SET updated = ?, properties = ?,"  # noqa: S608
            " history = history || ? WHERE id = ?",
            [(r.updated, orjson.dumps(r.properties).decode(), line, r.id) for r, line in changed],
        )

    def claim(self, of: CrmObject, claims: Sequence[tuple[str, str, int]]) -> None:
        """Note who has a unique value: property, value, record."""
        if claims:
            self._state.connection.executemany(
                "INSERT OR REPLACE INTO hubspot_unique VALUES (?, ?, ?, ?)",
                [(of.name, *claim) for claim in claims],
            )

    def release(self, of: CrmObject, freed: Sequence[tuple[str, str]]) -> None:
        """Note that nobody has a unique value any more: property, value."""
        if freed:
            self._state.connection.executemany(
                "DELETE FROM hubspot_unique WHERE object = ? AND property = ? AND value = ?",
                [(of.name, *one) for one in freed],
            )

    def archive(self, of: CrmObject, ids: Sequence[int], at: str) -> None:
        """Hide records, and free their unique values."""
        table = f"hubspot_record_{of.name}"
        with self._state.transaction() as connection:
            connection.execute(
                f"UPDATE {table} SET archived = ? WHERE archived IS NULL"  # noqa: S608
                f" AND id IN ({_marks(len(ids))})",
                (at, *ids),
            )
            self._free(of, ids)

    def restore(self, of: CrmObject, record: Record) -> None:
        """Bring an archived record back."""
        with self._state.transaction() as connection:
            connection.execute(
                f"UPDATE hubspot_record_{of.name} SET archived = NULL WHERE id = ?",  # noqa: S608
                (record.id,),
            )
            self.claim(of, claims_of(of, record))

    def erase(self, of: CrmObject, ids: Sequence[int]) -> None:
        """Remove records for good."""
        with self._state.transaction() as connection:
            connection.execute(
                f"DELETE FROM hubspot_record_{of.name} WHERE id IN ({_marks(len(ids))})",  # noqa: S608
                tuple(ids),
            )
            self._free(of, ids)

    def merge_away(self, of: CrmObject, ids: Sequence[int], into: int, at: str) -> None:
        """Let records go up in another one."""
        with self._state.transaction() as connection:
            connection.execute(
                f"UPDATE hubspot_record_{of.name} SET archived = ?, merged_into = ?"  # noqa: S608
                f" WHERE id IN ({_marks(len(ids))})",
                (at, into, *ids),
            )
            self._free(of, ids)

    def _free(self, of: CrmObject, ids: Sequence[int]) -> None:
        self._state.connection.execute(
            f"DELETE FROM hubspot_unique WHERE object = ? AND id IN ({_marks(len(ids))})",  # noqa: S608
            (of.name, *ids),
        )

    def _read(self, of: CrmObject, condition: str, parameters: tuple[Any, ...]) -> Iterator[Record]:
        rows = self._state.connection.execute(
            f"SELECT {_COLUMNS} FROM hubspot_record_{of.name} {condition}",  # noqa: S608
            parameters,
        )
        for identity, created, updated, archived, into, properties, history in rows:
            yield Record(
                identity, created, updated, archived, into, orjson.loads(properties), history
            )


def history_line(at: str, source: str, values: Mapping[str, str]) -> str:
    """Return the line that a change leaves in the history."""
    return orjson.dumps([at, source, values]).decode() + "\n"


def claims_of(of: CrmObject, record: Record) -> list[tuple[str, str, int]]:
    """Return the unique values of a record; further addresses count as its e-mail."""
    values = record.properties
    found = [(name, values[name], record.id) for name in of.unique if values.get(name)]
    more = values.get("hs_additional_emails", "")
    return [*found, *(("email", one, record.id) for one in more.split(";") if one)]


def _marks(count: int) -> str:
    return ",".join("?" * count)
