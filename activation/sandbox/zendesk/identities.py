"""E-mail addresses of users: one is the primary, the others are known too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from activation.sandbox.state import State

_FIRST_ID = 390_986_545_211
_COLUMNS = "id, user_id, value, is_primary, verified, created_at, updated_at"


@dataclass(frozen=True, slots=True)
class Identity:
    """One address of a user."""

    id: int
    user_id: int
    value: str
    primary: bool
    verified: bool
    created_at: str
    updated_at: str

    def document(self, address: str) -> dict[str, Any]:
        """Return it as Zendesk tells of it."""
        return {
            "url": f"{address}/api/v2/users/{self.user_id}/identities/{self.id}.json",
            "id": self.id,
            "user_id": self.user_id,
            "type": "email",
            "value": self.value,
            "verified": self.verified,
            "primary": self.primary,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "undeliverable_count": 0,
            "deliverable_state": "deliverable",
        }


class Identities:
    """The addresses of all users."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.prepare()

    def prepare(self) -> None:
        """Create the table, if it is not there."""
        run = self._state.connection.execute
        run(
            "CREATE TABLE IF NOT EXISTS zendesk_identities (id INTEGER PRIMARY KEY,"
            " user_id INTEGER, value TEXT UNIQUE, is_primary INTEGER, verified INTEGER,"
            " created_at TEXT, updated_at TEXT)"
        )
        run("CREATE INDEX IF NOT EXISTS zendesk_identities_user ON zendesk_identities (user_id)")
        (last,) = self._state.rows("SELECT max(id) FROM zendesk_identities")[0]
        self._next = max(int(last or 0) + 1, _FIRST_ID)

    def owners(self, emails: Iterable[str]) -> dict[str, int]:
        """Return whose these addresses are, in lower case."""
        wanted = list(dict.fromkeys(emails))
        if not wanted:
            return {}
        marks = ",".join("?" * len(wanted))
        return dict(
            self._state.rows(
                f"SELECT value, user_id FROM zendesk_identities WHERE value IN ({marks})",  # noqa: S608
                wanted,
            )
        )

    def of(self, user: int) -> list[Identity]:
        """Return the addresses of a user, the primary one first."""
        return [
            Identity(number, owner, value, bool(primary), bool(verified), created, updated)
            for number, owner, value, primary, verified, created, updated in self._state.rows(
                f"SELECT {_COLUMNS} FROM zendesk_identities WHERE user_id = ?"  # noqa: S608
                " ORDER BY is_primary DESC, id",
                (user,),
            )
        ]

    def add(self, rows: Sequence[tuple[int, str, bool, bool]], now: str) -> None:
        """Add addresses: user, value, whether it is the primary one, whether it is verified."""
        first = self._next
        self._state.connection.executemany(
            f"INSERT INTO zendesk_identities ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            [(first + place, *row, now, now) for place, row in enumerate(rows)],
        )
        self._next = first + len(rows)

    def make_primary(self, user: int, identity: int, now: str) -> None:
        """Make one address of a user the primary one."""
        self._state.connection.execute(
            "UPDATE zendesk_identities SET is_primary = (id = ?), updated_at = ? WHERE user_id = ?",
            (identity, now, user),
        )

    def move(self, loser: int, winner: int) -> None:
        """Give the addresses of a user that is merged away to the other one."""
        self._state.connection.execute(
            "UPDATE zendesk_identities SET user_id = ?, is_primary = 0 WHERE user_id = ?",
            (winner, loser),
        )

    def drop(self, users: Iterable[int]) -> None:
        """Free the addresses of users."""
        self._state.connection.executemany(
            "DELETE FROM zendesk_identities WHERE user_id = ?", [(user,) for user in users]
        )
