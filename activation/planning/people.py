"""
People in the warehouse: whose rows were delivered, and the keys of those whom something is due.

The ledger names people by hashes alone.  What follows from a suppression or an erasure needs
their keys, so they stand in `activation.people`, beside the models that have them anyway, until
it is done: a suppression is lifted, an erasure confirmed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from sqlglot import exp

from activation.contract.consent import Consent
from activation.contract.model import Contract
from activation.contract.people import person_key
from activation.planning.keys import part_of
from activation.planning.state import delivered, ensure_schema, make_table, removed
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import cast, column, joined, name, named, not_null, table

TABLE = "people"
_ASKED = "activation_asked_people"
_COLUMNS = {"person": "text"}


@dataclass(frozen=True, slots=True)
class Received:
    """A row about a person that a destination received."""

    person: str
    """As `contract.people.person_key` gives it."""
    sync_key: str
    destination_id: str | None
    first_at: datetime
    last_at: datetime
    gone_at: datetime | None
    """When it was removed again; None if it is still there, as far as we know."""


def note_people(session: Session, people: Iterable[str]) -> None:
    """Keep keys, as they were given, until `forget_people`."""
    ensure_schema(session)
    make_table(session, TABLE, _COLUMNS)
    known = {person_key(person) for person in noted_people(session)}
    new = [person for person in dict.fromkeys(people) if person_key(person) not in known]
    if new:
        session.load(_ASKED, pa.table({"person": pa.array(new, pa.string())}))
        into = exp.Schema(this=table(TABLE, SCHEMA), expressions=[name("person")])
        rows = exp.select(column("person")).from_(table(_ASKED))
        session.execute(exp.Insert(this=into, expression=rows))


def noted_people(session: Session) -> list[str]:
    """Return the keys that are kept, as they were given."""
    if not session.columns(SCHEMA, TABLE):
        return []
    found = session.fetch(exp.select(column("person")).from_(table(TABLE, SCHEMA)))
    people: list[str] = found["person"].to_pylist()
    return people


def forget_people(session: Session, people: Collection[str]) -> None:
    """Let keys go, in whatever case they are given."""
    if not people or not session.columns(SCHEMA, TABLE):
        return
    _load(session, people)
    asked = exp.select(column("person")).from_(table(_ASKED)).subquery()
    theirs = exp.In(this=_compared(column("person")), query=asked)
    session.execute(exp.Delete(this=table(TABLE, SCHEMA), where=exp.Where(this=theirs)))


def received(session: Session, contract: Contract, people: Collection[str]) -> list[Received]:
    """Return the rows about these people that the destination ever received, as far as we know."""
    if not people or not isinstance(contract.consent, Consent):
        return []
    _load(session, people)
    state = delivered(session, contract.sync).subquery(name("t"))
    present = _theirs(contract, state).select(
        column("destination_id", "t"),
        named(
            exp.Coalesce(this=column("first_at", "t"), expressions=[column("delivered_at", "t")]),
            "first_at",
        ),
        named(column("delivered_at", "t"), "last_at"),
        named(cast(exp.null(), "timestamp"), "gone_at"),
    )
    gone = _theirs(contract, removed(session, contract.sync).subquery(name("t"))).select(
        *(column(c, "t") for c in ("destination_id", "first_at", "last_at", "gone_at"))
    )
    rows = [row for query in (present, gone) for row in session.fetch(query).to_pylist()]
    return [
        Received(
            person=row["person"],
            sync_key=row["sync_key"],
            destination_id=row["destination_id"],
            first_at=_utc(row["first_at"]),
            last_at=_utc(row["last_at"]),
            gone_at=None if row["gone_at"] is None else _utc(row["gone_at"]),
        )
        for row in rows
    ]


def planned(
    session: Session, contract: Contract, people: Collection[str], tables: Sequence[str]
) -> dict[str, set[int | None]]:
    """Return which of these plans' tables hold rows about these people, and their numbers."""
    _load(session, people)
    found: dict[str, set[int | None]] = {}
    for plan_table in tables:
        if session.columns(SCHEMA, plan_table):
            of = exp.alias_(table(plan_table, SCHEMA), "t", table=True)
            rows = session.fetch(_theirs(contract, of).select(column("action_no", "t")))
            if numbers := set(rows["action_no"].to_pylist()):
                found[plan_table] = numbers
    return found


def forget_rows(session: Session, table_name: str, keys: Collection[str]) -> None:
    """Delete the rows of these sync keys from a table of ours, if there is one of that name."""
    if not keys or not session.columns(SCHEMA, table_name):
        return
    session.load(_ASKED, pa.table({"person": pa.array(list(keys), pa.string())}))
    asked = exp.select(column("person")).from_(table(_ASKED)).subquery()
    theirs = exp.In(this=column("sync_key"), query=asked)
    session.execute(exp.Delete(this=table(table_name, SCHEMA), where=exp.Where(this=theirs)))


def person_sql(contract: Contract, key: exp.Expr) -> exp.Expr:
    """Return in SQL what `contract.people.whom` tells of a sync key."""
    consent, grain = contract.consent, contract.source.grain
    columns = consent.columns if isinstance(consent, Consent) else ()
    parts = [part_of(key.copy(), grain.index(c), len(grain)) for c in columns]
    if len(parts) == 1:
        return _compared(parts[0])
    escaped: list[exp.Expr] = []
    for part in parts:
        for character in ("\\", "|"):
            part = exp.func(  # noqa: PLW2901 - escaped step by step
                "REPLACE", part, exp.Literal.string(character), exp.Literal.string(f"\\{character}")
            )
        escaped += [exp.Literal.string("|"), part]
    return _compared(joined(escaped[1:]))


def _theirs(contract: Contract, rows: exp.Expr) -> exp.Select:
    """Return the rows, under the alias `t`, whose person was asked for; with `person` beside."""
    person = person_sql(contract, column("sync_key", "t"))
    return (
        exp.select(named(column("person", "a"), "person"), column("sync_key", "t"))
        .from_(rows)
        .join(table(_ASKED, alias="a"), on=exp.EQ(this=person, expression=column("person", "a")))
        .where(not_null(column("sync_key", "t")))
    )


def _compared(person: exp.Expr) -> exp.Expr:
    return exp.Lower(this=exp.Trim(this=person))


def _load(session: Session, people: Iterable[str]) -> None:
    keys = sorted({person_key(person) for person in people})
    session.load(_ASKED, pa.table({"person": pa.array(keys, pa.string())}))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
