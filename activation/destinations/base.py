"""
What every vendor module declares and does.

A destination knows its vendor and nothing of plans, ledgers or Dagster.
Only `delivery/` calls `send`.
Each vendor module has the same parts in the same order:
traits, describe, encode, send, decode, read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

import pyarrow as pa

from activation.contract.model import FieldKind, FieldMapping


class EndpointClass(StrEnum):
    """What may be done with a request whose answer never came."""

    JOB = "A"  # two-phase job: adopt it
    KEYED_UPSERT = "B"  # send the same bytes again
    IDEMPOTENT_CREATE = "C"  # send again while the vendor's key lives
    UNKEYED = "D"  # hold for a human


class Normaliser(StrEnum):
    """What a vendor does to a value that it stores; planner and parity do the same in SQL."""

    TRIM = "trim"  # white space at both ends is dropped
    EMPTY_IS_NULL = "empty_is_null"
    LOWER = "lower"
    SECONDS = "seconds"  # fractions of a second are dropped


class Operation(StrEnum):
    """What an action does to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Traits:
    """The facts of one endpoint that the engine asks for instead of asking for names."""

    system: str
    endpoint_class: EndpointClass
    batch_rows: int
    batch_bytes: int
    horizon: timedelta
    """How long a request may still take effect after we stopped listening."""
    key_is_case_sensitive: bool
    keeps_order: bool
    """Whether results come back in the order of the rows sent."""
    values: dict[FieldKind, tuple[Normaliser, ...]]
    """What the vendor does to values, by kind."""
    email_values: tuple[Normaliser, ...]
    """The same for fields that describe() calls e-mail."""
    read_back_keys: int
    """Keys in one keyed read."""
    read_back_page: int
    """Rows in one page of a full read."""
    minimal_permissions: tuple[str, ...]
    irreversible: tuple[str, ...] = ()
    """Effects of a write that no rollback undoes, as sentences."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the object, its key field, and the fields that may leave."""

    object: str
    key: str
    fields: tuple[FieldMapping, ...]


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One field as the destination describes it."""

    name: str
    type: str
    """The vendor's own word for the type."""
    kind: FieldKind
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    writable: bool = True
    required: bool = False
    """A record cannot be created without it."""
    unique: bool = False
    external_id: bool = False
    email: bool = False
    values: tuple[str, ...] | None = None
    """The only values that are accepted, if the vendor restricts them."""


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object as the destination describes it."""

    name: str
    fields: dict[str, FieldSchema]
    creatable: bool = True
    updatable: bool = True


@dataclass(frozen=True, slots=True)
class QuotaReading:
    """What the vendor last said of an account's daily requests."""

    used: int
    limit: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A vendor's answer on the wire, before it is read."""

    status: int
    body: bytes
    quota: QuotaReading | None = None


class Fate(StrEnum):
    """What a row error means for the next attempt."""

    PERMANENT = "permanent"  # the row must change first
    RETRYABLE = "retryable"  # the same row may pass later


@dataclass(frozen=True, slots=True)
class RowError:
    """Why the vendor refused a row; the text is scrubbed of values before it gets here."""

    code: str
    text: str
    fate: Fate
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowResult:
    """What the vendor said of one row; it was delivered only if `error` is None."""

    destination_id: str | None = None
    created: bool | None = None
    error: RowError | None = None


@dataclass(frozen=True, slots=True)
class ReadBack:
    """A page of records: column `sync_key`, column `destination_id`, one column a mapped field."""

    rows: pa.Table
    requests: int = 1


class Destination(Protocol):
    """One vendor account."""

    traits: Traits

    def describe(self, object_name: str) -> ObjectSchema:
        """Return the object's fields as the running user sees them."""
        ...

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """
        Return the request body for these rows; the same rows give the same bytes.

        `rows` has the columns `sync_key` and one a field of the target, in plan order.
        Its length is at most `traits.batch_rows`.
        """
        ...

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Send an upsert of that payload and return the answer, waiting at most `seconds`.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            QuotaRefused: the daily limit.
            AccessRefused: credentials or permission.
        """
        ...

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """
        Return one result a key, in the order of the keys sent.

        A row that the answer does not speak of gets a RETRYABLE error: never silence.
        """
        ...

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        ...

    def quota(self) -> QuotaReading | None:
        """Return what the vendor last said of the account's quota; None if nothing yet."""
        ...


@dataclass(frozen=True, slots=True)
class Connection:
    """One entry of connections.yaml for the chosen target; secrets are resolved when used."""

    name: str
    system: str
    base_url: str
    credentials: dict[str, str] = field(repr=False)
    headroom: float = 0.2
    """The share of the account's daily quota that is left to people and other tools."""
    api_version: str | None = None
