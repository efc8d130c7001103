"""Which user belongs to which organization; the default one stands in the user as well."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from activation.sandbox.state import State

_FIRST_ID = 370_000_000_001
_COLUMNS = "id, user_id, organization_id, is_default, created_at, updated_at"


@dataclass(frozen=True, slots=True)
class Membership:
    """One user in one organization."""

    id: int
    user_id: int
    organization_id: int
    default: bool
    created_at: str
    updated_at: str

    def document(self, address: str, names: Mapping[int, str]) -> dict[str, Any]:
        """Return it as Zendesk tells of it."""
        return {
            "url": f"{address}/api/v2/organization_memberships/{self.id}.json",
            "id": self.id,
            "user_id": self.user_id,
            "organization_id": self.organization_id,
            "organization_name": names.get(self.organization_id),
            "default": self.default or None,
            "view_tickets": True,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
        }


class Memberships:
    """All memberships."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.prepare()

    def prepare(self) -> None:
        """Create the table, if it is not there."""
        run = self._state.connection.execute
        run(
            "CREATE TABLE IF NOT EXISTS zendesk_memberships (id INTEGER PRIMARY KEY,"
            " user_id INTEGER, organization_id INTEGER, is_default INTEGER,"
            " created_at TEXT, updated_at TEXT, UNIQUE (user_id, organization_id))"
        )
        run(
            "CREATE INDEX IF NOT EXISTS zendesk_memberships_organization"
            " ON zendesk_memberships (organization_id)"
        )
        (last,) = self._state.rows("SELECT max(id) FROM zendesk_memberships")[0]
        self._next = max(int(last or 0) + 1, _FIRST_ID)

    def select(self, where: str, values: Sequence[Any] = ()) -> list[Membership]:
        """Return memberships; `where` is SQL of this package."""
        return [
            Membership(number, user, organization, bool(default), created, updated)
            for number, user, organization, default, created, updated in self._state.rows(
                f"SELECT {_COLUMNS} FROM zendesk_memberships WHERE {where}",  # noqa: S608
                values,
            )
        ]

    def count(self) -> int:
        """Return how many memberships there are."""
        return int(self._state.rows("SELECT count(*) FROM zendesk_memberships")[0][0])

    def of(self, user: int) -> list[Membership]:
        """Return the memberships of a user, the default one first."""
        return self.select("user_id = ? ORDER BY is_default DESC, id", (user,))

    def replace(self, homes: Mapping[int, int | None], now: str) -> None:
        """
        Let users belong to one organization and to no other, or to none.

        "Organization ID": setting it through an update removes all other memberships.
        """
        self._state.connection.executemany(
            "DELETE FROM zendesk_memberships WHERE user_id = ?", [(user,) for user in homes]
        )
        self.add([(u, o, True) for u, o in homes.items() if o is not None], now)

    def add(self, rows: Sequence[tuple[int, int, bool]], now: str) -> list[int]:
        """Add memberships: user, organization, whether it is the default; return their ids."""
        first = self._next
        self._state.connection.executemany(
            f"INSERT INTO zendesk_memberships ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(first + place, *row, now, now) for place, row in enumerate(rows)],
        )
        self._next = first + len(rows)
        return [first + place for place in range(len(rows))]

    def drop(self, memberships: Iterable[Membership]) -> None:
        """End memberships; of those that a user keeps, the oldest becomes the default one."""
        gone = list(memberships)
        run = self._state.connection
        run.executemany("DELETE FROM zendesk_memberships WHERE id = ?", [(m.id,) for m in gone])
        run.executemany(
            "UPDATE zendesk_memberships SET is_default = 1 WHERE id ="
            " (SELECT min(id) FROM zendesk_memberships WHERE user_id = ?)",
            [(m.user_id,) for m in gone if m.default],
        )

    def make_default(self, membership: Membership, now: str) -> None:
        """Make one membership of a user the default one."""
        self._state.connection.execute(
            "UPDATE zendesk_memberships SET is_default = (id = ?), updated_at = ?"
            " WHERE user_id = ?",
            (membership.id, now, membership.user_id),
        )
