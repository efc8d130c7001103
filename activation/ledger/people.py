"""
Who may not be reached any more: people who were suppressed, and people who were erased.

A person is named by a keyed hash, so that the ledger tells nobody who it is.
What was done is only ever added, and numbered: a delivery that knows of the newest number knows
of everybody, and asks in the transaction that writes its intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from activation.errors import ConfigurationError
from activation.hash_keys import VARIABLE, HashKey, HashKeys
from activation.ledger import audit, tables
from activation.ledger.store import Store
from activation.ledger.switches import EVERYTHING, require_words


class PersonAct(StrEnum):
    """What was done about a person."""

    SUPPRESS = "suppress"  # nothing is sent but what takes data away
    LIFT = "lift"  # of a suppression
    ERASE = "erase"  # for good: a tombstone, which nothing lifts


class Withheld(StrEnum):
    """Why a person's row does not leave."""

    ERASED = "erased"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """One act."""

    no: int
    act: PersonAct
    scope: str
    """`all`, `connection:NAME` or `sync:NAME`."""
    person: str
    hash_key: str
    """The id of the key by which the person is named."""
    author: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Barred:
    """Whom one sync may not reach, as far as act number `seen`."""

    seen: int = 0
    keys: tuple[HashKey, ...] = ()
    """The keys by which they are named."""
    people: frozenset[str] = frozenset()
    erased: frozenset[str] = frozenset()

    def of(self, person: str) -> Withheld | None:
        """Return why a person's row does not leave, or None; the key is in the clear."""
        for key in self.keys:
            name = key.person(person)
            if name in self.people:
                return Withheld.ERASED if name in self.erased else Withheld.SUPPRESSED
        return None


_LATEST = sa.select(sa.func.max(tables.person.c.no))
_IN_SCOPE = (
    sa.select(tables.person)
    .where(
        tables.person.c.scope.in_(
            [EVERYTHING, sa.bindparam("of_connection"), sa.bindparam("of_sync")]
        )
    )
    .order_by(tables.person.c.no)
)
_INSERT = tables.person.insert()
_AUDITED = {
    PersonAct.SUPPRESS: audit.Act.SUPPRESS,
    PersonAct.LIFT: audit.Act.LIFT,
    PersonAct.ERASE: audit.Act.ERASE,
}
_SHOWN = 16


@dataclass(frozen=True, slots=True)
class People:
    """What was done about people, by whom and why."""

    store: Store
    hash_keys: HashKeys | None

    @property
    def keys(self) -> HashKeys:
        """
        Return the keys by which people and rows are named.

        Raises:
            ConfigurationError: the ledger was opened without any.
        """
        if self.hash_keys is None:
            raise ConfigurationError(
                "The ledger was opened without a hash key, so nobody can be named in it.",
                hint=f"Hand the keys to `open_ledger`; {VARIABLE} names them.",
            )
        return self.hash_keys

    def barred(self, sync: str, connection: str) -> Barred:
        """
        Return whom a sync may not reach.

        Raises:
            ConfigurationError: somebody is named by a key that is not at hand.
            Unavailable: the ledger cannot be read, so that nothing may be sent.
        """
        scopes = {"of_connection": f"connection:{connection}", "of_sync": f"sync:{sync}"}
        with self.store.read() as connected:
            seen = latest(connected)
            rows = connected.execute(_IN_SCOPE, scopes).all() if seen else ()
        if not rows:
            return Barred(seen)
        standing: dict[tuple[str, str], PersonAct] = {}
        erased: set[str] = set()
        for row in rows:
            if row.act == PersonAct.ERASE:
                erased.add(row.person)
            standing[row.person, row.scope] = PersonAct(row.act)
        suppressed = {person for (person, _), act in standing.items() if act is not PersonAct.LIFT}
        people = frozenset(suppressed | erased)
        needed = {row.hash_key for row in rows if row.person in people}
        return Barred(seen, self._held(needed), people, frozenset(erased))

    def record(
        self,
        act: PersonAct,
        people: Iterable[str],
        *,
        scope: str = EVERYTHING,
        reason: str,
        author: str,
    ) -> int:
        """
        Keep an act about these people, whose keys are in the clear; return how many it is new for.

        From the moment on in which this returns, no request of this scope leaves that it forbids.

        Raises:
            UsageError: reason or author is empty.
            ConfigurationError: there is no key to name people by.
        """
        require_words(reason=reason, author=author)
        reason, author, at = reason.strip(), author.strip(), self.store.clock.now()
        keys = self.keys
        done = 0
        with self.store.write() as connected:
            no = latest(connected)
            for person in dict.fromkeys(people):
                names = {key.id: key.person(person) for key in keys}
                before = _standing(connected, tuple(names.values()), scope)
                if act is PersonAct.LIFT and before is PersonAct.SUPPRESS:
                    # Under whatever key it was suppressed, it is lifted.
                    told = [(i, n) for i, n in names.items() if _known(connected, n, scope)]
                elif act is PersonAct.LIFT or before in {act, PersonAct.ERASE}:
                    continue
                else:
                    told = [(keys.current.id, names[keys.current.id])]
                for key_id, name in told:
                    no += 1
                    row = {"no": no, "act": act, "scope": scope, "person": name}
                    kept = {"hash_key": key_id, "author": author, "reason": reason, "at": at}
                    connected.execute(_INSERT, {**row, **kept})
                done += 1
                subject = _subject(scope, names[keys.current.id])
                audit.append(connected, _AUDITED[act], subject, author=author, reason=reason, at=at)
        return done

    def acts(self, person: str) -> tuple[PersonRecord, ...]:
        """Return what was done about a person, whose key is in the clear, oldest first."""
        names = [key.person(person) for key in self.keys]
        table = tables.person
        query = sa.select(table).where(table.c.person.in_(names)).order_by(table.c.no)
        with self.store.read() as connected:
            return tuple(_record(row) for row in connected.execute(query))

    def named(self, person: str) -> tuple[tuple[str, str], ...]:
        """Return the names of a person's tombstones, each with the id of its key."""
        acts = [act for act in self.acts(person) if act.act is PersonAct.ERASE]
        return tuple((act.person, act.hash_key) for act in acts)

    def is_erased(self, person: str) -> bool:
        """Return whether a person, whose key is in the clear, has a tombstone."""
        return bool(self.named(person))

    def is_suppressed(self, person: str) -> bool:
        """Return whether a person, whose key is in the clear, is suppressed in some scope."""
        last = {(act.person, act.scope): act.act for act in self.acts(person)}
        return PersonAct.SUPPRESS in last.values()

    def counts(self) -> dict[Withheld, int]:
        """Return how many people are erased, and how many suppressed in some scope."""
        query = sa.select(tables.person.c.person, tables.person.c.scope, tables.person.c.act)
        standing: dict[tuple[str, str], str] = {}
        with self.store.read() as connected:
            for row in connected.execute(query.order_by(tables.person.c.no)):
                standing[row.person, row.scope] = row.act
        erased = {person for (person, _), act in standing.items() if act == PersonAct.ERASE}
        suppressed = {p for (p, _), act in standing.items() if act == PersonAct.SUPPRESS}
        return {
            Withheld.ERASED: len(erased),
            Withheld.SUPPRESSED: len(suppressed - erased),
        }

    def _held(self, ids: Iterable[str]) -> tuple[HashKey, ...]:
        held = {key.id: key for key in self.keys}
        if missing := sorted(set(ids) - held.keys()):
            raise ConfigurationError(
                f"People were erased or suppressed under hash key {missing[0]}, which is not at "
                "hand: nobody can tell who they are, so nothing is sent.",
                hint=f"Add the former key to {VARIABLE}, behind the current one.",
            )
        return tuple(held[i] for i in sorted(ids))


def latest(connected: sa.Connection) -> int:
    """Return the number of the newest act."""
    return connected.scalar(_LATEST) or 0


def _standing(connected: sa.Connection, names: Sequence[str], scope: str) -> PersonAct | None:
    """Return what holds for a person in a scope: an erasure in any, or the last act in this."""
    table = tables.person
    query = sa.select(table.c.act, table.c.scope).where(table.c.person.in_(names))
    acts = connected.execute(query.order_by(table.c.no)).all()
    if any(row.act == PersonAct.ERASE for row in acts):
        return PersonAct.ERASE
    here = [row.act for row in acts if row.scope == scope]
    return PersonAct(here[-1]) if here else None


def _known(connected: sa.Connection, name: str, scope: str) -> bool:
    table = tables.person
    query = sa.select(table.c.no).where(table.c.person == name, table.c.scope == scope)
    return connected.execute(query.limit(1)).first() is not None


def _subject(scope: str, person: str) -> dict[str, str]:
    kind, _, name = scope.partition(":")
    return {
        "scope": scope,
        "person": person[:_SHOWN],
        **({"sync": name} if kind == "sync" else {}),
    }


def _record(row: Any) -> PersonRecord:
    return PersonRecord(
        no=row.no,
        act=PersonAct(row.act),
        scope=row.scope,
        person=row.person,
        hash_key=row.hash_key,
        author=row.author,
        reason=row.reason,
        at=row.at,
    )
