"""Profiles in SQLite: found by external id, alias, Braze's own id, address or number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from activation.sandbox.state import State

_COLUMNS = "row, external_id, created, updated, document"
_CHUNK = 500
_BUCKETS = 10_000
_SCRAMBLE, _UNSCRAMBLE = 0x9E3779B97F4A7C15, pow(0x9E3779B97F4A7C15, -1, 2**64)
"""Odd, so that Braze's own id says the row, and does not look as if it did."""
Alias = tuple[str, str]
"""Label and name."""


@dataclass(slots=True)
class Profile:
    """One person, as far as Braze knows them."""

    row: int
    created: float
    updated: float
    external_id: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    """What Braze documents of a profile, such as `email` and `first_name`."""
    custom: dict[str, Any] = field(default_factory=dict)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    purchases: dict[str, dict[str, Any]] = field(default_factory=dict)
    revenue: float = 0
    aliases: list[dict[str, str]] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    """Subscription groups and the state in each."""
    former_ids: list[str] = field(default_factory=list)
    """External ids that were renamed and still find it."""

    @property
    def braze_id(self) -> str:
        """Return Braze's own id: 24 hexadecimal digits, of which the first tell the second."""
        return f"{int(self.created):08x}{self.row * _SCRAMBLE % 2**64:016x}"

    @property
    def random_bucket(self) -> int:
        """Return its place from 0 to 9,999."""
        return int(self.braze_id[-8:], 16) % _BUCKETS

    def document(self) -> bytes:
        """Return what is kept beside the columns."""
        return orjson.dumps(
            {
                "fields": self.fields,
                "custom": self.custom,
                "events": self.events,
                "purchases": self.purchases,
                "revenue": self.revenue,
                "aliases": self.aliases,
                "groups": self.groups,
                "former_ids": self.former_ids,
            }
        )


class Profiles:
    """All profiles; only inside a transaction of the caller may they be changed."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._next = 1

    def prepare(self) -> None:
        """Make the tables."""
        self._state.connection.executescript(
            """
            CREATE TABLE IF NOT EXISTS braze_profiles (
                row INTEGER PRIMARY KEY AUTOINCREMENT, external_id TEXT UNIQUE, email TEXT,
                phone TEXT, created REAL, updated REAL, document BLOB
            );
            CREATE INDEX IF NOT EXISTS braze_email ON braze_profiles (email)
                WHERE email IS NOT NULL;
            CREATE INDEX IF NOT EXISTS braze_phone ON braze_profiles (phone)
                WHERE phone IS NOT NULL;
            CREATE TABLE IF NOT EXISTS braze_names (kind TEXT, name TEXT, row INTEGER,
                PRIMARY KEY (kind, name));
            """
        )
        last = self._state.rows("SELECT seq FROM sqlite_sequence WHERE name = 'braze_profiles'")
        self._next = int(last[0][0]) + 1 if last else 1

    def make(self, seconds: float, external_id: str | None = None) -> Profile:
        """Return a new profile that is not kept yet."""
        row, self._next = self._next, self._next + 1
        return Profile(row, seconds, seconds, external_id)

    def by_external_ids(self, ids: Iterable[str]) -> dict[str, Profile]:
        """Return the profiles with these external ids, former ones included, by the id asked."""
        wanted = list(dict.fromkeys(ids))
        found = {
            p.external_id: p
            for p in self._where("external_id", wanted)
            if p.external_id is not None
        }
        lacking = [i for i in wanted if i not in found]
        for name, row in self._named("former", lacking):
            found |= dict.fromkeys([name], *self._where("row", [row]))
        return found

    def by_alias(self, label: str, name: str) -> Profile | None:
        """Return the profile with that alias."""
        rows = [row for _, row in self._named("alias", [_alias(label, name)])]
        return next(iter(self._where("row", rows)), None)

    def by_braze_id(self, braze_id: str) -> Profile | None:
        """Return the profile that Braze calls so."""
        try:
            row = int(braze_id[8:], 16) * _UNSCRAMBLE % 2**64
        except ValueError:
            return None
        found = self._where("row", [row]) if row < self._next else []
        return next((p for p in found if p.braze_id == braze_id), None)

    def by_contact(self, column: str, value: str) -> list[Profile]:
        """
        Return the profiles with that `email` or `phone`.

        Those with an external id come first, and of each kind the one updated last.
        """
        found = self._where(column, [value.lower() if column == "email" else value])
        return sorted(found, key=lambda p: (p.external_id is None, -p.updated))

    def all(self, limit: int) -> list[Profile]:
        """Return up to that many profiles, oldest first."""
        rows = self._state.rows(
            f"SELECT {_COLUMNS} FROM braze_profiles ORDER BY row LIMIT ?",  # noqa: S608
            (limit,),
        )
        return [_profile(row) for row in rows]

    def count(self) -> int:
        """Return how many there are."""
        return int(self._state.rows("SELECT count(*) FROM braze_profiles")[0][0])

    def save(self, profiles: Sequence[Profile]) -> None:
        """Keep profiles, new ones and changed ones."""
        self._state.connection.executemany(
            "INSERT INTO braze_profiles VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (row) DO UPDATE"
            " SET external_id = excluded.external_id, email = excluded.email,"
            " phone = excluded.phone, updated = excluded.updated, document = excluded.document",
            [
                (
                    p.row,
                    p.external_id,
                    p.fields.get("email"),
                    p.fields.get("phone"),
                    p.created,
                    p.updated,
                    p.document(),
                )
                for p in profiles
            ],
        )
        named = [
            ("alias", _alias(a["alias_label"], a["alias_name"]), p.row)
            for p in profiles
            for a in p.aliases
        ]
        named += [("former", name, p.row) for p in profiles for name in p.former_ids]
        if named:
            self._state.connection.executemany(
                "INSERT OR REPLACE INTO braze_names VALUES (?, ?, ?)", named
            )

    def forget_name(self, kind: str, name: str) -> None:
        """Let an alias (`label` and `name` joined by `alias_name`) or a former id find nobody."""
        self._state.connection.execute(
            "DELETE FROM braze_names WHERE kind = ? AND name = ?", (kind, name)
        )

    def delete(self, profiles: Iterable[Profile]) -> None:
        """Delete profiles, and all that finds them."""
        rows = [(p.row,) for p in profiles]
        self._state.connection.executemany("DELETE FROM braze_profiles WHERE row = ?", rows)
        self._state.connection.executemany("DELETE FROM braze_names WHERE row = ?", rows)

    def _where(self, column: str, values: Sequence[Any]) -> list[Profile]:
        found: list[Profile] = []
        for start in range(0, len(values), _CHUNK):
            chunk = values[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT {_COLUMNS} FROM braze_profiles WHERE {column} IN ({marks})"  # noqa: S608
            found += [_profile(row) for row in self._state.rows(sql, chunk)]
        return found

    def _named(self, kind: str, names: Sequence[str]) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for start in range(0, len(names), _CHUNK):
            chunk = names[start : start + _CHUNK]
            marks = ",".join("?" * len(chunk))
            sql = f"SELECT name, row FROM braze_names WHERE kind = ? AND name IN ({marks})"  # noqa: S608
            found += [(str(n), int(r)) for n, r in self._state.rows(sql, [kind, *chunk])]
        return found


def alias_name(alias: Mapping[str, str]) -> str:
    """Return what finds an alias."""
    return _alias(alias["alias_label"], alias["alias_name"])


def told(seconds: float) -> str:
    """Return a moment as Braze tells it: 2026-09-01T10:00:00.000Z."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _alias(label: str, name: str) -> str:
    return f"{label}\n{name}"


def _profile(row: tuple[Any, ...]) -> Profile:
    number, external_id, created, updated, document = row
    return Profile(number, created, updated, external_id, **orjson.loads(document))
