"""
Batches and the states they pass through.

    planned ──► intended ──► delivered        the vendor answered for every row
       ▲            │  ▲ ──► refused          the vendor refused it whole; its halves travel on
       │            │  └──── sent             no answer came; the same bytes go again
       └────────────┤        │
                    │        ▼
                    └──► in_doubt             no answer came, and no attempt is left
    planned ──► blocked                       consent was withdrawn for every row of it
    sent ──► split                            consent was withdrawn for some; the rest travels on

An `intended` batch whose owner died counts as sent: nobody knows what left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import sqlalchemy as sa

from activation.ledger import tables
from activation.ledger.ranges import Ranges
from activation.ledger.store import Store, insert


class BatchState(StrEnum):
    """Where a batch stands; the module's docstring draws the ways between."""

    PLANNED = "planned"
    INTENDED = "intended"
    SENT = "sent"
    DELIVERED = "delivered"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    SPLIT = "split"
    BLOCKED = "blocked"


REVOKED = "revoked"
"""The reason of rows whose consent was withdrawn after the plan was made."""
OPEN = (BatchState.PLANNED, BatchState.INTENDED, BatchState.SENT, BatchState.IN_DOUBT)
UNKNOWN = (BatchState.INTENDED, BatchState.SENT, BatchState.IN_DOUBT)
"""States of a batch that may have been applied without our knowing."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Actions of a plan that travel in one request."""

    id: str
    plan_digest: str
    sync: str
    seq: int
    first_action: int
    last_action: int
    actions: Ranges
    """What is in the payload; `first_action` to `last_action` is what was cut from the plan."""
    operations: Mapping[str, int]
    """Rows in the payload, by operation."""
    blocked: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Rows taken out after the plan was made, by reason and operation."""
    parent: str | None = None
    """The batch that these rows were taken from, if they have travelled before."""
    attempts: int = 0
    """Times these rows have been sent, in this batch or in its parents."""

    @property
    def rows(self) -> int:
        """Return the rows in the payload."""
        return sum(self.operations.values())

    @property
    def rows_blocked(self) -> int:
        """Return the rows that were taken out."""
        return sum(sum(rows.values()) for rows in self.blocked.values())


@dataclass(frozen=True, slots=True)
class Intent:
    """A batch that is about to be sent."""

    cut: Cut
    payload_digest: str
    send_deadline: datetime
    """After this moment the request does not start, and we no longer listen to it."""
    fence_until: datetime
    """Until this moment an attempt that nobody answered may take effect."""
    verb: str | None = None
    endpoint: str | None = None
    """Over which it is sent, and must be ended."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt left behind."""

    state: BatchState
    delivered: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    fence_until: datetime | None = None
    """Set if an attempt was never answered."""
    receipt: bytes | None = None
    payload_digest: str | None = None
    """The bytes that may be sent again; None leaves what the intent says."""
    job: str | None = None
    """The vendor's id of the job that carries it; None leaves what is known."""


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as the ledger keeps it."""

    cut: Cut
    state: BatchState
    delivered: Mapping[str, int]
    rejected: Mapping[str, int]
    payload_digest: str | None
    requests: int
    send_deadline: datetime | None
    fence_until: datetime | None
    settled_at: datetime | None
    verb: str | None
    endpoint: str | None
    job: str | None
    first_intended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unfolded:
    """A delivered batch that the delivered state does not know of yet."""

    batch_id: str
    plan_digest: str
    plan_table: str
    delivered_at: datetime
    receipt: bytes | None


_COLUMNS = [column for column in tables.batch.c if column.name != "receipt"]
_ORDER = (tables.batch.c.plan_digest, tables.batch.c.seq, tables.batch.c.id)
_OF_PLAN = (
    sa.select(*_COLUMNS)
    .where(tables.batch.c.plan_digest == sa.bindparam("digest"))
    .order_by(*_ORDER)
)
_UNKNOWN = (
    sa.select(*_COLUMNS)
    .where(tables.batch.c.sync == sa.bindparam("sync"), tables.batch.c.state.in_(UNKNOWN))
    .order_by(*_ORDER)
)
LAST_ATTEMPT = sa.select(sa.func.max(tables.batch.c.attempt_no)).where(
    tables.batch.c.sync == sa.bindparam("sync")
)
_UNFOLDED = (
    sa.select(
        tables.batch.c.id.label("batch_id"),
        tables.batch.c.plan_digest,
        tables.plan.c.warehouse_table.label("plan_table"),
        tables.batch.c.settled_at.label("delivered_at"),
        tables.batch.c.receipt,
    )
    .join(tables.plan, tables.plan.c.digest == tables.batch.c.plan_digest)
    .where(
        tables.batch.c.sync == sa.bindparam("sync"),
        tables.batch.c.state == BatchState.DELIVERED,
        tables.batch.c.folded_at.is_(None),
    )
    .order_by(tables.batch.c.settled_at, tables.plan.c.no, tables.batch.c.seq, tables.batch.c.id)
)
_THIS = tables.batch.update().where(tables.batch.c.id == sa.bindparam("this"))
_COUNT = _THIS.values(requests=tables.batch.c.requests + sa.bindparam("more"))
_CARRIED = ("actions", "rows", "operations", "blocked", "attempts")
_INTENDED = (
    "state",
    "payload_digest",
    "send_deadline",
    "fence_until",
    "intended_at",
    "attempt_no",
    "verb",
    "endpoint",
)
_SETTLED = ("state", "delivered", "rejected", "fence_until", "receipt", "settled_at")


@dataclass(frozen=True, slots=True)
class Batches:
    """The batches of all plans."""

    store: Store

    def of_plan(self, digest: str) -> tuple[BatchRecord, ...]:
        """Return the batches of a plan in the order in which they were cut."""
        return self._records(_OF_PLAN, digest=digest)

    def unknown(self, sync: str) -> tuple[BatchRecord, ...]:
        """Return the batches of a sync whose fate nobody knows, of any plan."""
        return self._records(_UNKNOWN, sync=sync)

    def settled_rows(self, digest: str) -> int:
        """Return the rows of a plan that have an outcome by now."""
        return sum(
            sum(record.delivered.values()) + sum(record.rejected.values()) + record.cut.rows_blocked
            for record in self.of_plan(digest)
        )

    def unfolded(self, sync: str) -> tuple[Unfolded, ...]:
        """Return the delivered batches of a sync that are not folded, oldest first."""
        with self.store.read() as connected:
            rows = connected.execute(_UNFOLDED, {"sync": sync}).mappings()
            return tuple(Unfolded(**row) for row in rows)

    def mark_folded(self, batch_ids: Iterable[str]) -> None:
        """Keep that the delivered state knows of these batches, and let their receipts go."""
        folded = {"folded_at": self.store.clock.now(), "receipt": None}
        marks = [{"this": batch_id, **folded} for batch_id in batch_ids]
        if marks:
            with self.store.write() as connected:
                connected.execute(_THIS, marks)

    def _records(self, query: sa.Select[Any], **asked: str) -> tuple[BatchRecord, ...]:
        with self.store.read() as connected:
            rows = connected.execute(query, asked).all()
        return tuple(_record(row) for row in rows)


def intend(connected: sa.Connection, intents: Sequence[Intent], at: datetime) -> None:
    """Write, before the first byte leaves, that these batches of a sync are about to be sent."""
    if not intents:
        return
    last = connected.scalar(LAST_ATTEMPT, {"sync": intents[0].cut.sync}) or 0
    rows = [
        {
            **_begun(intent.cut),
            "state": BatchState.INTENDED,
            "requests": 1,
            "payload_digest": intent.payload_digest,
            "send_deadline": intent.send_deadline,
            "fence_until": intent.fence_until,
            "first_intended_at": at,
            "intended_at": at,
            "attempt_no": number,
            "verb": intent.verb,
            "endpoint": intent.endpoint,
        }
        for number, intent in enumerate(intents, last + 1)
    ]
    connected.execute(_intending(connected.dialect.name), rows)


def put(connected: sa.Connection, cuts: Sequence[Cut]) -> None:
    """Write batches as planned, or rewrite what open ones carry."""
    if cuts:
        rows = [{**_begun(cut), "state": BatchState.PLANNED, "requests": 0} for cut in cuts]
        connected.execute(_putting(connected.dialect.name), rows)


def _begun(cut: Cut) -> dict[str, Any]:
    return {
        "id": cut.id,
        "plan_digest": cut.plan_digest,
        "sync": cut.sync,
        "parent": cut.parent,
        "seq": cut.seq,
        "first_action": cut.first_action,
        "last_action": cut.last_action,
        "delivered": {},
        "rejected": {},
        "actions": cut.actions,
        "rows": cut.rows,
        "operations": dict(cut.operations),
        "blocked": {reason: dict(rows) for reason, rows in cut.blocked.items()},
        "attempts": cut.attempts,
    }


@cache
def _putting(dialect: str) -> sa.Executable:
    inserting = insert(dialect, tables.batch)
    carried = {name: inserting.excluded[name] for name in _CARRIED}
    return inserting.on_conflict_do_update(index_elements=["id"], set_=carried)


@cache
def _intending(dialect: str) -> sa.Executable:
    inserting = insert(dialect, tables.batch)
    table, new = tables.batch.c, inserting.excluded
    return inserting.on_conflict_do_update(
        index_elements=["id"],
        set_={
            **{name: new[name] for name in (*_CARRIED, *_INTENDED)},
            "requests": table.requests + 1,
            "first_intended_at": sa.func.coalesce(table.first_intended_at, new.first_intended_at),
        },
    )


@cache
def _settling(dialect: str) -> sa.Executable:
    inserting = insert(dialect, tables.batch)
    table, new = tables.batch.c, inserting.excluded
    return inserting.on_conflict_do_update(
        index_elements=["id"],
        set_={
            **{name: new[name] for name in (*_CARRIED, *_SETTLED)},
            "payload_digest": sa.func.coalesce(new.payload_digest, table.payload_digest),
            "job": sa.func.coalesce(new.job, table.job),
        },
    )


def count(connected: sa.Connection, requests: Iterable[tuple[str, int]]) -> None:
    """Count requests of batches that no intent counts: polls, results, pages."""
    rows = [{"this": batch_id, "more": more} for batch_id, more in requests if more > 0]
    if rows:
        connected.execute(_COUNT, rows)


def settle(connected: sa.Connection, endings: Sequence[tuple[Cut, Ending]], at: datetime) -> None:
    """Write what came of attempts, and what the batches carried at last."""
    rows = [
        {
            **_begun(cut),
            "requests": 0,
            "state": ending.state,
            "delivered": dict(ending.delivered),
            "rejected": dict(ending.rejected),
            "fence_until": ending.fence_until,
            "receipt": ending.receipt,
            "settled_at": None if ending.state in OPEN else at,
            "payload_digest": ending.payload_digest,
            "job": ending.job,
        }
        for cut, ending in endings
    ]
    if rows:
        connected.execute(_settling(connected.dialect.name), rows)


def _record(row: Any) -> BatchRecord:
    return BatchRecord(
        cut=Cut(
            id=row.id,
            plan_digest=row.plan_digest,
            sync=row.sync,
            seq=row.seq,
            first_action=row.first_action,
            last_action=row.last_action,
            actions=ranges_of(row.actions),
            operations=row.operations,
            blocked=_blocked(row.blocked),
            parent=row.parent,
            attempts=row.attempts,
        ),
        state=BatchState(row.state),
        delivered=row.delivered,
        rejected=row.rejected,
        payload_digest=row.payload_digest,
        requests=row.requests,
        send_deadline=row.send_deadline,
        fence_until=row.fence_until,
        settled_at=row.settled_at,
        verb=row.verb,
        endpoint=row.endpoint,
        job=row.job or None,
        first_intended_at=row.first_intended_at,
    )


def _blocked(stored: Mapping[str, Any]) -> Mapping[str, Mapping[str, int]]:
    """Return what was taken out; once, withdrawn consent was the only reason and not named."""
    if any(isinstance(rows, int) for rows in stored.values()):
        return {REVOKED: stored}
    return stored


def ranges_of(stored: Sequence[Sequence[int]]) -> Ranges:
    """Return ranges as the database keeps them."""
    return tuple((first, last) for first, last in stored)
