"""
Erasures that are due: each person in each destination, until a read-back shows that it is done.

    open ──► confirmed      a read-back shows that the record is gone, and nothing can bring it back
      └────► beyond         the destination has no way to remove it: somebody must, by hand
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from activation.hash_keys import HashKeys
from activation.ledger import audit, tables
from activation.ledger.store import Store, insert_or_ignore
from activation.ledger.switches import require_words


class ErasureState(StrEnum):
    """How far an erasure has come in one destination."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    BEYOND = "beyond"
    SETTLED = "settled"  # by somebody's word: it was done by hand


@dataclass(frozen=True, slots=True)
class Erasure:
    """One person in one destination."""

    person: str
    """The keyed hash."""
    hash_key: str
    sync: str
    connection: str
    object: str
    state: ErasureState
    asked_at: datetime
    author: str
    why: str
    """What it waits for, or what was done."""
    first_at: datetime | None = None
    last_at: datetime | None = None
    """When the destination received the person first and last; None if it never did."""
    done_at: datetime | None = None
    restorable_until: datetime | None = None
    """Until when the destination's own users can bring the record back."""

    @property
    def due(self) -> bool:
        """Return whether something must still happen."""
        return self.state in {ErasureState.OPEN, ErasureState.BEYOND}


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody is to be erased."""

    sync: str
    connection: str
    object: str


_COLUMNS = (
    "state",
    "why",
    "first_at",
    "last_at",
    "done_at",
    "restorable_until",
)


@dataclass(frozen=True, slots=True)
class Erasures:
    """The erasures of all syncs."""

    store: Store

    def ask(
        self, names: Iterable[tuple[str, str]], places: Sequence[Place], *, author: str
    ) -> None:
        """Keep that these people, by hash and id of its key, are to be erased in these places."""
        at = self.store.clock.now()
        rows = [
            {
                "person": person,
                "hash_key": hash_key,
                "sync": place.sync,
                "connection": place.connection,
                "object": place.object,
                "state": ErasureState.OPEN,
                "asked_at": at,
                "author": author,
                "why": "it has not been sent yet",
            }
            for person, hash_key in names
            for place in places
        ]
        if rows:
            with self.store.write() as connected:
                insert_or_ignore(connected, tables.erasure, rows)

    def list(
        self, *, sync: str | None = None, states: Collection[ErasureState] | None = None
    ) -> tuple[Erasure, ...]:
        """Return the erasures, of one sync and of some states if given, oldest first."""
        table = tables.erasure
        query = sa.select(table).order_by(table.c.asked_at, table.c.sync, table.c.person)
        if sync is not None:
            query = query.where(table.c.sync == sync)
        if states is not None:
            query = query.where(table.c.state.in_(list(states)))
        with self.store.read() as connected:
            return tuple(_record(row) for row in connected.execute(query))

    def of(self, person: str, keys: HashKeys) -> tuple[Erasure, ...]:
        """Return the erasures of a person, whose key is in the clear."""
        table = tables.erasure
        names = [key.person(person) for key in keys]
        query = sa.select(table).where(table.c.person.in_(names)).order_by(table.c.sync)
        with self.store.read() as connected:
            return tuple(_record(row) for row in connected.execute(query))

    def keep(self, erasures: Sequence[Erasure]) -> None:
        """Write how far these have come; what is done goes into the audit chain."""
        table, at = tables.erasure, self.store.clock.now()
        with self.store.write() as connected:
            for one in erasures:
                here = sa.and_(table.c.person == one.person, table.c.sync == one.sync)
                values = {c: getattr(one, c) for c in _COLUMNS}
                connected.execute(table.update().where(here).values(**values))
                if one.state is ErasureState.CONFIRMED:
                    subject = {
                        "sync": one.sync,
                        "object": one.object,
                        "person": one.person[:16],
                        "state": str(one.state),
                    }
                    audit.append(
                        connected,
                        audit.Act.ERASE,
                        subject,
                        author=one.author,
                        reason=one.why,
                        at=at,
                    )

    def settle(self, sync: str, person: str, *, reason: str, author: str) -> int:
        """
        Take somebody's word that a person's record is gone; the hash may be cut off.

        Raises:
            UsageError: reason or author is empty.
        """
        require_words(reason=reason, author=author)
        table, at = tables.erasure, self.store.clock.now()
        due = sa.and_(
            table.c.sync == sync,
            table.c.person.startswith(person, autoescape=True),
            table.c.state.in_([ErasureState.OPEN, ErasureState.BEYOND]),
        )
        settled = {"state": ErasureState.SETTLED, "why": reason.strip(), "done_at": at}
        with self.store.write() as connected:
            rows = connected.execute(table.update().where(due).values(**settled)).rowcount
            if rows:
                subject = {"sync": sync, "person": person[:16], "state": "settled"}
                audit.append(
                    connected, audit.Act.ERASE, subject, author=author, reason=reason, at=at
                )
            return rows


def _record(row: Any) -> Erasure:
    found = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it
    return Erasure(**{**found, "state": ErasureState(found["state"])})
