"""
The tables of the ledger: one row a batch and one row a failed action, never one row a row.

A change here needs a migration beside it; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(sa.TypeDecorator[datetime]):
    """An aware time in UTC, also where the database keeps no zone."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Refuse a naive time: nobody could say when it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = "a time without a zone does not go into the ledger"
            raise ValueError(message)
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Put the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def _required(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


plan = sa.Table(
    "plan",
    metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _required("sync", sa.Text),
    _required("phase", sa.Text),
    _required("connection", sa.Text),
    _required("created_at", Utc),
    _required("no", sa.BigInteger),
    _required("attempts_seen", sa.BigInteger),
    _required("contract_digest", sa.Text),
    _required("mapping_digest", sa.Text),
    _required("warehouse_table", sa.Text),
    _required("state", sa.Text),
    _required("to_send", sa.BigInteger),
    _required("counts", sa.JSON),
    _required("summary", sa.JSON),
    sa.Column("stopped_by", sa.Text),
    sa.Index(None, "sync", "phase", "created_at"),
)

verdict = sa.Table(
    "verdict",
    metadata,
    sa.Column("plan_digest", sa.Text, primary_key=True),
    sa.Column("gate", sa.Text, primary_key=True),
    _required("passed", sa.Boolean),
    _required("summary", sa.Text),
    _required("evidence", sa.JSON),
    sa.Column("next_step", sa.Text),
    _required("at", Utc),
)

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("plan_digest", sa.Text, primary_key=True),
    sa.Column("gate", sa.Text, primary_key=True),
    _required("author", sa.Text),
    _required("reason", sa.Text),
    _required("at", Utc),
    _required("expires_at", Utc),
)

batch = sa.Table(
    "batch",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _required("plan_digest", sa.Text),
    _required("sync", sa.Text),
    sa.Column("parent", sa.Text),
    _required("seq", sa.Integer),
    _required("first_action", sa.BigInteger),
    _required("last_action", sa.BigInteger),
    _required("actions", sa.JSON),
    _required("rows", sa.Integer),
    _required("operations", sa.JSON),
    _required("blocked", sa.JSON),
    _required("delivered", sa.JSON),
    _required("rejected", sa.JSON),
    sa.Column("payload_digest", sa.Text),
    _required("state", sa.Text),
    _required("attempts", sa.Integer),
    _required("requests", sa.Integer),
    sa.Column("verb", sa.Text),
    sa.Column("endpoint", sa.Text),
    sa.Column("job", sa.Text),
    sa.Column("send_deadline", Utc),
    sa.Column("fence_until", Utc),
    sa.Column("first_intended_at", Utc),
    sa.Column("intended_at", Utc),
    sa.Column("attempt_no", sa.BigInteger),
    sa.Column("settled_at", Utc),
    sa.Column("receipt", sa.LargeBinary),
    sa.Column("folded_at", Utc),
    sa.Index(None, "plan_digest", "seq"),
    sa.Index(None, "sync", "state"),
    sa.Index(None, "sync", "fence_until"),
    sa.Index(None, "sync", "attempt_no"),
)

dead_letter = sa.Table(
    "dead_letter",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _required("sync", sa.Text),
    _required("plan_digest", sa.Text),
    _required("batch_id", sa.Text),
    _required("action_no", sa.BigInteger),
    _required("operation", sa.Text),
    _required("key_hash", sa.Text),
    _required("hash_key", sa.Text),
    _required("row_hash", sa.BigInteger),
    _required("code", sa.Text),
    _required("fate", sa.Text),
    _required("fields", sa.JSON),
    _required("text", sa.Text),
    _required("created_at", Utc),
    _required("state", sa.Text),
    _required("attempts", sa.Integer),
    sa.Column("next_attempt_at", Utc),
    sa.Index(None, "sync", "state"),
    sa.Index(None, "sync", "key_hash"),
    sa.Index(None, "plan_digest"),
)

switch = sa.Table(
    "switch",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    _required("paused", sa.Boolean),
    _required("reason", sa.Text),
    _required("author", sa.Text),
    _required("at", Utc),
)

phase = sa.Table(
    "phase",
    metadata,
    sa.Column("sync", sa.Text, primary_key=True),
    sa.Column("phase", sa.Text, primary_key=True),
    _required("opened_at", Utc),
    _required("opened_by", sa.Text),
    _required("reason", sa.Text),
    sa.Column("loaded_at", Utc),
    sa.Column("stopped_at", Utc),
    sa.Column("stopped_because", sa.Text),
    sa.Column("released_at", Utc),
)

quota = sa.Table(
    "quota",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    _required("reserved", sa.BigInteger),
    _required("answered", sa.BigInteger),
    _required("elsewhere", sa.BigInteger),
    sa.Column("used_reported", sa.BigInteger),
    sa.Column("limit_reported", sa.BigInteger),
    sa.Column("reported_at", Utc),
)

quota_share = sa.Table(
    "quota_share",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("sync", sa.Text, primary_key=True),
    _required("reserved", sa.BigInteger),
)

permit = sa.Table(
    "permit",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("bucket", sa.Text, primary_key=True),
    sa.Column("no", sa.Integer, primary_key=True),
    _required("free_at", Utc),
    sa.Column("sync", sa.Text),
    sa.Column("holder", sa.Text),
    sa.Index(None, "connection", "bucket", "free_at"),
)

signal = sa.Table(
    "signal",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    _required("said", sa.JSON),
    _required("at", Utc),
)

retry = sa.Table(
    "retry",
    metadata,
    sa.Column("connection", sa.Text, primary_key=True),
    sa.Column("minute", Utc, primary_key=True),
    _required("first", sa.Integer),
    _required("repeated", sa.Integer),
)

lease = sa.Table(
    "lease",
    metadata,
    sa.Column("sync", sa.Text, primary_key=True),
    _required("owner", sa.Text),
    _required("token", sa.BigInteger),
    _required("expires_at", Utc),
)

run = sa.Table(
    "run",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    _required("sync", sa.Text),
    _required("phase", sa.Text),
    sa.Column("plan_digest", sa.Text),
    _required("state", sa.Text),
    _required("started_at", Utc),
    sa.Column("ended_at", Utc),
    _required("tally", sa.JSON),
    _required("requests", sa.Integer),
    sa.Column("parity", sa.JSON),
    sa.Column("findings", sa.JSON),
    sa.Column("message", sa.Text),
    sa.Index(None, "sync", "started_at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("no", sa.BigInteger, primary_key=True, autoincrement=False),
    _required("at", Utc),
    _required("act", sa.Text),
    sa.Column("sync", sa.Text),
    _required("subject", sa.JSON),
    _required("author", sa.Text),
    _required("reason", sa.Text),
    _required("hash", sa.Text),
    sa.Index(None, "sync", "no"),
)

person = sa.Table(
    "person",
    metadata,
    sa.Column("no", sa.BigInteger, primary_key=True, autoincrement=False),
    _required("act", sa.Text),
    _required("scope", sa.Text),
    _required("person", sa.Text),
    _required("hash_key", sa.Text),
    _required("author", sa.Text),
    _required("reason", sa.Text),
    _required("at", Utc),
    sa.Index(None, "scope", "no"),
    sa.Index(None, "person"),
)

erasure = sa.Table(
    "erasure",
    metadata,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("sync", sa.Text, primary_key=True),
    _required("hash_key", sa.Text),
    _required("connection", sa.Text),
    _required("object", sa.Text),
    _required("state", sa.Text),
    _required("asked_at", Utc),
    _required("author", sa.Text),
    _required("why", sa.Text),
    sa.Column("first_at", Utc),
    sa.Column("last_at", Utc),
    sa.Column("done_at", Utc),
    sa.Column("restorable_until", Utc),
    sa.Index(None, "sync", "state"),
)

alert = sa.Table(
    "alert",
    metadata,
    sa.Column("sync", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    _required("firing", sa.Boolean),
    _required("since", Utc),
    _required("summary", sa.Text),
    sa.Column("run_id", sa.Text),
    _required("untold", sa.Boolean),
)
