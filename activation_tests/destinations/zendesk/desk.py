"""What tests send to Zendesk, and what it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from activation.contract.model import DataClass, FieldMapping, FieldType, NullPolicy
from activation.destinations.base import Answer, Connection, RowResult, Target
from activation.destinations.traits import Verb
from activation.destinations.zendesk.destination import Zendesk
from activation_tests.destinations.scripted import Scripted

START = datetime(2026, 9, 1, 10, tzinfo=UTC)


class Hours:
    """A clock that moves when something waits for it."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []

    def now(self) -> datetime:
        """Return the wall clock."""
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        """Return seconds since the start."""
        return self.passed

    async def sleep(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self.passed += seconds

    def pass_(self, seconds: float) -> None:
        """Let that many seconds pass, and keep how many."""
        self.waits.append(seconds)
        self.passed += seconds


def connection(base_url: str, **account: str) -> Connection:
    """Connect to an address."""
    credentials = {"client_id": "app", "client_secret": "s3cret"}
    return Connection("desk", "zendesk", base_url, credentials, account=account)


def mapped(to: str, spelled: str, nulls: NullPolicy = NullPolicy.CLEAR) -> FieldMapping:
    """Map a column of the same name."""
    return FieldMapping(
        to=to,
        column=to.replace(".", "_"),
        type=FieldType.parse(spelled),
        nulls=nulls,
        data_class=DataClass.NONE,
    )


USERS = Target(
    "users",
    "external_id",
    (mapped("name", "text(80)"), mapped("user_fields.health", "decimal(5,2)")),
)
WITH_EMAIL = replace(USERS, fields=(*USERS.fields, mapped("email", "text(80)", NullPolicy.KEEP)))
LINKED = replace(USERS, fields=(*USERS.fields, mapped("organization.external_id", "text(80)")))
ORGANIZATIONS = Target("organizations", "external_id", (mapped("name", "text(80)"),))
MEMBERSHIPS = Target("organization_memberships", "user.external_id|organization.external_id", ())


def table(*keys: str, **columns: list[Any]) -> pa.Table:
    """Return rows; a column's name has `__` for the point."""
    made: dict[str, Any] = {"sync_key": pa.array(keys, pa.string())}
    made |= {name.replace("__", "."): values for name, values in columns.items()}
    return pa.table(made)


def named(*keys: str, **more: list[Any]) -> pa.Table:
    """Return users with a name and a health."""
    names = [f"Name {key}" for key in keys]
    return table(*keys, name=names, user_fields__health=[1.5] * len(keys), **more)


def send(
    desk: Zendesk, target: Target, rows: pa.Table, *, verb: Verb = Verb.UPSERT, seconds: float = 60
) -> tuple[tuple[RowResult, ...], Answer]:
    """Send rows; return what became of each, and the answer."""
    target = replace(target, verb=verb)
    endpoint = desk.endpoint(target, rows=rows.num_rows)
    answer = endpoint.send(target, endpoint.encode(target, rows), seconds=seconds)
    return endpoint.decode(answer, rows["sync_key"].to_pylist()), answer


def job(state: str, results: Any = None, *, number: str = "j1") -> Scripted:
    """Answer with a job's status."""
    return Scripted({"job_status": {"id": number, "status": state, "results": results}})


def completed(*results: Any, number: str = "j1") -> Scripted:
    """Answer with a job that is over."""
    return job("completed", list(results), number=number)


CREATED = {"id": 71, "status": "Created", "success": True, "action": "create", "index": 0}
UPDATED = {"id": 72, "status": "Updated", "success": True, "action": "update", "index": 1}
FAILED = {"index": 1, "error": "UserUpdateError", "details": "Email: x is not properly formatted"}
