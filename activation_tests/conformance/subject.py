"""
What is put to the test: one vendor's object over one endpoint.

A vendor joins with one small class of declarations, a line each, and its name in `subjects.py`.
What it cannot do it says in `gaps`: the behaviour, the error that shows it, and the reason.
A gap is strict: the day it closes, its test fails until the line is gone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

import pyarrow as pa

from activation.contract.model import (
    DataClass,
    FieldKind,
    FieldMapping,
    FieldType,
    NullPolicy,
)
from activation.destinations.base import Connection, Destination, Target
from activation.destinations.traits import Verb
from activation.sandbox.client import Sandbox
from activation_tests.conformance.shared_time import SharedTime


class Trouble(StrEnum):
    """What can be made to befall the next write; the sandbox knows each by this name."""

    DOWN = "unavailable"  # turned away, nothing applied
    LOST_REQUEST = "lost_request"  # the line drops, nothing applied
    LOST_ANSWER = "lost_response"  # applied, the line drops
    SILENCE = "timeout_after_apply"  # applied, no answer in time
    BROKEN = "server_error_after_apply"  # applied, 500
    GARBLED = "garbled_answer"  # applied, the answer cannot be read
    EXPIRED = "expired_session"
    QUOTA = "quota_exhausted"
    REFUSED = "whole_batch_refused"
    LOCKED = "row_locked"  # every row, for now


class Repeated(StrEnum):
    """What becomes of two rows with the same key in one batch."""

    ROWS_FAIL = "both rows are refused"
    BATCH_FAILS = "the batch is refused"
    ONE_WINS = "one of them is stored"


class Gone(StrEnum):
    """What a write to a record that a person deleted or merged away comes to."""

    MADE_ANEW = "another record is made"
    REVIVED = "the record is back"
    REFUSED = "the row is refused"
    REDIRECTED = "the surviving record is written"


class Standing(StrEnum):
    """What a gap is."""

    NOT_YET = "not yet"  # we could
    NEVER = "never"  # the vendor cannot


@dataclass(frozen=True, slots=True)
class Gap:
    """A behaviour that a subject does not have, and the error that shows it."""

    standing: Standing
    raises: type[BaseException]
    reason: str


def not_yet(raises: type[BaseException], reason: str) -> Gap:
    """Return a gap that we could close."""
    return Gap(Standing.NOT_YET, raises, reason)


def never(raises: type[BaseException], reason: str) -> Gap:
    """Return a gap that comes of the vendor."""
    return Gap(Standing.NEVER, raises, reason)


class Subject(ABC):
    """One vendor's object over one endpoint."""

    name: ClassVar[str]
    """The column of the table."""
    system: ClassVar[str]
    target: ClassVar[Target]
    endpoint: ClassVar[str]
    """The name in the endpoint's traits."""
    text: ClassVar[str]
    """A mapped text field under `nulls: clear`."""
    kept: ClassVar[str]
    """A mapped text field under `nulls: keep`."""
    sought: ClassVar[str]
    """The mapped field that records are found by when they have no key of ours."""
    spoilt: ClassVar[Mapping[str, Any]]
    """Values for which the vendor refuses the row, and only the row, for good."""
    repeated: ClassVar[Repeated]
    deleted: ClassVar[Gone]
    merged: ClassVar[Gone]
    renews_access: ClassVar[bool]
    """Whether an access that ran out is renewed unnoticed."""
    paces: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """By the vendor's name of each limit that is not the day's: the fault that plays it."""
    gaps: ClassVar[Mapping[str, Gap]] = {}
    """By the name of the test, without its `test_`."""

    def prepare(self) -> None:  # noqa: B027 - most accounts are ready
        """Give an empty account what the rows need, once."""

    @abstractmethod
    def connect(self, time: SharedTime) -> Destination:
        """Return the destination, on an empty account."""

    @abstractmethod
    def row(self, number: int) -> dict[str, Any]:
        """Return good values for each field of the target; other numbers, other values."""

    def key(self, number: int) -> str:
        """Return the sync key of a row."""
        return f"k-{number:05d}"

    def endpoint_for(self, verb: Verb) -> str:  # noqa: ARG002 - most have one for all
        """Return the name of the endpoint for a verb."""
        return self.endpoint

    @abstractmethod
    def arrange(self, trouble: Trouble, **options: Any) -> None:
        """Let the next write meet this trouble."""

    @abstractmethod
    def poison(self, key: str) -> None:
        """Let every request be refused as a whole that carries this key."""

    @abstractmethod
    def limit(self, fault: Mapping[str, Any]) -> None:
        """Let the next write meet one of the `paces`."""

    @abstractmethod
    def stored(self, key: str) -> Mapping[str, Any] | None:
        """Return the record with that key as the vendor holds it, or None."""

    @abstractmethod
    def count(self) -> int:
        """Return how many records the vendor holds."""

    def make_keyless(self, number: int) -> str:
        """Make the record of a row as a person does, without our key; return its id."""
        raise NotImplementedError

    def writes(self) -> int:
        """Return how many requests have asked the vendor for access or to write."""
        raise NotImplementedError

    def delete(self, key: str) -> None:
        """Delete a record as a person does."""
        raise NotImplementedError

    def restore(self, key: str) -> None:
        """Bring a deleted record back as a person does."""
        raise NotImplementedError

    def merge(self, winner: str, loser: str) -> None:
        """Merge the second record into the first as a person does."""
        raise NotImplementedError

    def lose_field(self, field: str) -> None:
        """Take a field away from the integration."""
        raise NotImplementedError

    def shorten_field(self, field: str, length: int) -> None:
        """Let a text field hold no more than that."""
        raise NotImplementedError

    def withdraw(self, permission: str) -> None:
        """Take a permission away, as `preflight` names it."""
        raise NotImplementedError


class SandboxSubject(Subject):
    """A vendor that the sandbox stands in for."""

    credentials: ClassVar[Mapping[str, str]]
    write: ClassVar[Mapping[str, Any]] = {}
    """Which requests write: `method` and `path_contains`, as faults match them."""
    upload: ClassVar[Mapping[str, Any]] = {}
    """Which requests carry rows, where those are others."""
    verdict: ClassVar[Mapping[str, Any]] = {}
    """Which requests are answered with what became of the rows, where those are others."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Put that sandbox in the vendor's place."""
        self.sandbox = sandbox

    @property
    def connection(self) -> Connection:
        """Return the connection to the sandbox."""
        return Connection("crm", self.system, self.sandbox.address, dict(self.credentials))

    def arrange(self, trouble: Trouble, **options: Any) -> None:
        """Switch the fault of that name on for one request."""
        match = (self.verdict if trouble is Trouble.GARBLED else {}) or self.write
        self.sandbox.faults.add(trouble, times=1, system=self.system, **match, **options)

    def poison(self, key: str) -> None:
        """Refuse every request whose body has the key in it."""
        self.sandbox.faults.add(
            Trouble.REFUSED, system=self.system, body_contains=key, **(self.upload or self.write)
        )

    def limit(self, fault: Mapping[str, Any]) -> None:
        """Switch that fault on for one request."""
        self.sandbox.faults.add(**{"times": 1, "system": self.system, **self.write, **fault})

    def stored(self, key: str) -> Mapping[str, Any] | None:
        """Return the record that has the key in the target's key field."""
        records = self.sandbox.records(self.target.object, system=self.system)
        return next((r for r in records if r.get(self.target.key) == key), None)

    def count(self) -> int:
        """Return how many records the object has."""
        return self.sandbox.count(self.target.object, system=self.system)

    def writes(self) -> int:
        """Return how many requests have reached the sandbox that were not reads."""
        return sum(entry["method"] != "GET" for entry in self.sandbox.requests())


def mapping(to: str, spelled: str, nulls: NullPolicy = NullPolicy.CLEAR) -> FieldMapping:
    """Map a column of the same name."""
    return FieldMapping(
        to=to,
        column=to.lower(),
        type=FieldType.parse(spelled),
        nulls=nulls,
        data_class=DataClass.NONE,
    )


def arrow_type(mapped: FieldMapping) -> pa.DataType:
    """Return the type in which a field's values leave the warehouse."""
    match mapped.type.kind:
        case FieldKind.TEXT:
            return pa.string()
        case FieldKind.INTEGER:
            return pa.int64()
        case FieldKind.DECIMAL:
            return pa.decimal128(mapped.type.precision, mapped.type.scale)
        case FieldKind.BOOLEAN:
            return pa.bool_()
        case FieldKind.DATE:
            return pa.date32()
        case FieldKind.TIMESTAMP:
            return pa.timestamp("us", "UTC")
