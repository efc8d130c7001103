"""
The frozen actions of a plan: writing them down, checking them, reading them.

A plan's table is `activation.plan_<sync>_<first 12 digits of the digest>`.
Its columns: `action_no` (from 0 on without a gap; null for what is not sent), `sync_key`,
`operation`, `verb`, `disposition`, `reason`, `row_hash`, `source_hash`, `nulls`, `version`,
`cohort`, `mapping_digest`, `destination_id` (if it is known), `changed` (bit i says that the i-th
field is written; null if all are), `subject_0`... for the second look at consent, `was_0`... if
what was read of the destination is kept for a rollback, and
`field_<place>_<field>` with the payload, in the order of the fields' names, null for what is not
sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import pyarrow as pa
from sqlglot import exp

from activation.errors import Refused
from activation.planning.mapping import field_of
from activation.planning.model import Disposition, Plan
from activation.warehouse.port import SCHEMA, Session
from activation.warehouse.sql import bound, cast, column, name, named, not_null, table, text

_META = (
    "action_no",
    "sync_key",
    "operation",
    "verb",
    "disposition",
    "reason",
    "row_hash",
    "source_hash",
    "nulls",
    "version",
    "cohort",
    "mapping_digest",
    "destination_id",
    "changed",
)
_READ = ("sync_key", "operation", "verb", "row_hash", "version", "destination_id", "changed")
_DIGITS = 12
_KEYS = "activation_keys"


def frozen_query(
    actions: str, subjects: int, fields: Sequence[str], more: Sequence[str] = ()
) -> exp.Select:
    """Return what is written down of the temporary table of actions, `more` columns among it."""
    to_send = exp.EQ(this=column("disposition"), expression=exp.Literal.string(Disposition.SEND))
    return exp.select(
        *(column(c) for c in _META),
        *(column(f"subject_{i}") for i in range(subjects)),
        *(column(c) for c in more),
        *(named(exp.case().when(to_send.copy(), column(field)), field) for field in fields),
    ).from_(table(actions))


def plan_table(sync: str, digest: str) -> str:
    """Return the name of a plan's table."""
    return f"plan_{sync}_{digest[:_DIGITS]}"


def plan_digest(contract_digest: str, phase: str, created_at: datetime, checksum: str) -> str:
    """Return the SHA-256 that names a plan: what was promised, for whom, when, and every action."""
    at = created_at.astimezone(UTC).isoformat()
    return hashlib.sha256(f"{contract_digest}|{phase}|{at}|{checksum}".encode()).hexdigest()


def checksum(session: Session, actions: exp.Table | exp.Subquery, columns: list[str]) -> str:
    """Return a checksum over all columns of all actions, whatever their order."""
    hashed = session.functions.fast_hash(*(column(c) for c in columns))
    query = exp.select(
        named(session.functions.bits_differ(column("h")), "bits"),
        named(text(exp.Sum(this=cast(column("h"), "decimal(38,0)"))), "total"),
        named(exp.Count(this=exp.Star()), "rows"),
    ).from_(exp.select(named(hashed, "h")).from_(actions).subquery(name("x")))
    row = session.fetch(query).to_pylist()[0]
    return f"{row['bits']}:{row['total']}:{row['rows']}"


class NamedPlan(Protocol):
    """A plan as far as its name vouches for its actions: as made, or as the ledger keeps it."""

    @property
    def digest(self) -> str: ...  # noqa: D102 - told by the class
    @property
    def sync(self) -> str: ...  # noqa: D102
    @property
    def phase(self) -> str: ...  # noqa: D102
    @property
    def created_at(self) -> datetime: ...  # noqa: D102
    @property
    def contract_digest(self) -> str: ...  # noqa: D102
    @property
    def table(self) -> str: ...  # noqa: D102


def verify(session: Session, plan: NamedPlan) -> None:
    """
    Make sure that the frozen actions are those that were planned.

    Raises:
        Refused: the table is gone, or a value in it is another than when the plan was made.
    """
    columns = list(session.columns(SCHEMA, plan.table))
    if not columns:
        raise Refused(
            f"Plan {plan.digest[:_DIGITS]} of {plan.sync} has no actions any more.",
            hint="Make a new plan.",
            sync=plan.sync,
        )
    found = checksum(session, table(plan.table, SCHEMA), columns)
    if plan_digest(plan.contract_digest, plan.phase, plan.created_at, found) != plan.digest:
        raise Refused(
            f"Plan {plan.digest[:_DIGITS]} of {plan.sync} is not what was planned: its actions "
            "were changed after it was frozen.",
            hint="Find out who writes to the schema activation, and make a new plan.",
            sync=plan.sync,
        )


def read_actions(session: Session, plan_table: str, first: int, last: int) -> pa.Table:
    """
    Return the actions `first` to `last`, both included, in their order.

    Columns: `sync_key`, `operation`, `verb`, `row_hash`, `version`, `destination_id` (null if it
    is not known), `changed` (the names of the fields to write; null means all of them), and one a
    field, by its own name.
    Timestamps are in UTC.
    """
    fields = _fields(session.columns(SCHEMA, plan_table))
    query = (
        _readable(fields)
        .from_(table(plan_table, SCHEMA))
        .where(exp.GTE(this=column("action_no"), expression=bound("first")))
        .where(exp.LTE(this=column("action_no"), expression=bound("last")))
    )
    return _told(session.fetch(query, {"first": first, "last": last}), fields)


def numbers_of(session: Session, plan_table: str, keys: Sequence[str]) -> list[int]:
    """Return the numbers of the actions of these keys, in whatever case the keys are given."""
    if not keys:
        return []
    session.load(_KEYS, pa.table({"sync_key": pa.array(keys, pa.string())}))
    wanted = exp.select(exp.Lower(this=column("sync_key"))).from_(table(_KEYS))
    query = (
        exp.select(column("action_no"))
        .from_(table(plan_table, SCHEMA))
        .where(not_null(column("action_no")))
        .where(exp.In(this=exp.Lower(this=column("sync_key")), query=wanted.subquery()))
    )
    numbers: list[int] = session.fetch(query)["action_no"].to_pylist()
    return numbers


def sample(session: Session, plan: Plan, rows: int) -> pa.Table:
    """Return the first `rows` actions to send, as `read_actions` does; a preview has them too."""
    schema = SCHEMA if plan.frozen else None
    fields = _fields(session.columns(schema, plan.table))
    query = (
        _readable(fields)
        .from_(table(plan.table, schema))
        .where(exp.LT(this=column("action_no"), expression=bound("rows")))
    )
    return _told(session.fetch(query, {"rows": rows}), fields)


def drop_plans(session: Session, sync: str, keep: set[str]) -> list[str]:
    """Drop the sync's plan tables but those named in `keep`; return the names of the dropped."""
    pattern = re.compile(rf"plan_{re.escape(sync)}_[0-9a-f]{{{_DIGITS}}}")
    dropped = [t for t in session.tables(SCHEMA) if pattern.fullmatch(t) and t not in keep]
    for found in dropped:
        session.execute(exp.Drop(tables=[table(found, SCHEMA)], kind="TABLE", exists=True))
    return dropped


def _fields(columns: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return each field's place and column in the plan's table, by its name."""
    return {field[1]: (field[0], c) for c in columns if (field := field_of(c))}


def _readable(fields: Mapping[str, tuple[int, str]]) -> exp.Select:
    return exp.select(
        *(column(c) for c in _READ),
        *(named(column(c), to) for to, (_, c) in fields.items()),
    ).order_by(column("action_no"))


def _told(rows: pa.Table, fields: Mapping[str, tuple[int, str]]) -> pa.Table:
    """Return the rows with times in UTC, and with names in place of the bits of `changed`."""
    place = rows.schema.get_field_index("changed")
    bits = rows.column(place).to_pylist()
    lists = {
        b: None if b is None else [to for to, (i, _) in fields.items() if b >> i & 1]
        for b in set(bits)
    }
    names = pa.array([lists[b] for b in bits], pa.list_(pa.string()))
    rows = rows.set_column(place, "changed", names)
    utc = pa.timestamp("us", tz="UTC")
    schema = [pa.field(f.name, utc) if pa.types.is_timestamp(f.type) else f for f in rows.schema]
    return rows.cast(pa.schema(schema))
