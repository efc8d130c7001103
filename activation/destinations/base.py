"""
What every vendor module declares and does.

A destination knows its vendor and nothing of plans, ledgers or Dagster.
Only `delivery/` calls `send` and what starts a job.
Each vendor module has the same parts in the same order:
traits, describe, encode, send, decode, read back, find, preflight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

import pyarrow as pa

from activation.contract.model import FieldKind, FieldMapping
from activation.destinations.traits import ObjectTraits, Traits, Verb
from activation.errors import Applied, DestinationError

_ELEMENT = re.compile(r"\[[^\[\]]+\]$")


class Operation(StrEnum):
    """What an action does to a record."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go: the object, its key field, and the fields that may leave."""

    object: str
    key: str
    fields: tuple[FieldMapping, ...]
    verb: Verb = Verb.UPSERT
    """What is asked for; `encode` and `send` get the same target, so that they agree."""


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
    takes: tuple[FieldKind, ...] = ()
    """Kinds that it takes besides its own."""


@dataclass(frozen=True, slots=True)
class ObjectSchema:
    """One object as the destination describes it."""

    name: str
    fields: dict[str, FieldSchema]
    creatable: bool = True
    updatable: bool = True
    deletable: bool = True

    def field(self, name: str) -> FieldSchema | None:
        """Return a field; `list[element]` is described under `list[]`, for all its elements."""
        return self.fields.get(name) or self.fields.get(_ELEMENT.sub("[]", name))


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
    requests: int = 1
    """Requests that it took, polls included."""
    billed: int = 0
    """What the vendor charges for besides requests, in its own unit (Braze: data points)."""


class Fate(StrEnum):
    """What a row error means for the next attempt."""

    PERMANENT = "permanent"  # the row must change first
    RETRYABLE = "retryable"  # the same row may pass later
    LATER = "later"  # the same row may pass once another record is there: not in this delivery


@dataclass(frozen=True, slots=True)
class RowError:
    """Why the vendor refused a row; the text is scrubbed of values before it gets here."""

    code: str
    text: str
    fate: Fate
    fields: tuple[str, ...] = ()
    applied: Applied = Applied.NO
    """UNKNOWN: the vendor has not refused the row, it only does not vouch for it."""


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


class JobState(StrEnum):
    """Where a job stands, in words that fit every vendor."""

    OPEN = "open"  # made, not started: nothing of it was applied
    RUNNING = "running"
    DONE = "done"  # its results can be read, rows may have failed
    FAILED = "failed"  # ended early: results may be partial, and say which rows were processed
    GONE = "gone"  # the vendor does not know it (any more)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What the vendor says of a job."""

    state: JobState
    quota: QuotaReading | None = None
    retry_after: float | None = None
    """Seconds after which to ask again, if the vendor says so."""
    refusal: DestinationError | None = None
    """Why a FAILED job came to no row at all; None if its results tell of each."""


@dataclass(frozen=True, slots=True)
class Match:
    """
    Records found by another field than the key.

    `rows` has the columns `value` (what was asked for, as given), `destination_id`, and
    `sync_key` (null where the record has none yet); a value with several records comes
    several times.
    """

    rows: pa.Table
    requests: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that the credentials may or may not do, as preflight found it."""

    permission: str
    held: bool
    needed: bool
    """False: the credentials can do more than the contract needs."""


class Endpoint(Protocol):
    """One way to write an object: rows into bytes, and an answer into results."""

    traits: Traits

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """
        Return the request body for these rows; the same rows give the same bytes.

        `rows` has the column `sync_key` and one a field of the target, in plan order.
        It may have `changed`, a list of the names of the fields to write: the others are left
        out, and a null among those named empties the field, whatever its null policy.
        Null in place of the list means all fields, nulls as their policies say.
        It may have `destination_id`, null where it is not known.
        For UPDATE it names the record where it is known, and the key is written to that record.
        For REMOVE and ERASE only `sync_key`, and `destination_id` if it is known, count.
        Its length is at most `traits.batch_rows`.
        """
        ...

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """
        Return one result a key, in the order of the keys sent.

        A row that the answer does not speak of gets a RETRYABLE error, of which it is not known
        whether it was applied: never silence.
        """
        ...


@runtime_checkable
class RequestEndpoint(Endpoint, Protocol):
    """An endpoint of class B, C or D: the answer to a request holds the results."""

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Send that payload and return the answer, waiting at most `seconds`.

        Raises:
            Transient: passing trouble, with whether it may have been applied.
            BatchRefused: the request as a whole was refused.
            QuotaRefused: the daily limit.
            AccessRefused: credentials or permission.
        """
        ...


@runtime_checkable
class JobEndpoint(Endpoint, Protocol):
    """
    An endpoint of class A, in two phases.

    The id that `open_job` returns is made durable before `start_job`, so that after a crash the
    job is adopted and never doubled.  Each method raises what `RequestEndpoint.send` raises.
    """

    def open_job(self, target: Target, *, seconds: float) -> str:
        """Make an empty job that does nothing until it is started; return the vendor's id."""
        ...

    def start_job(self, target: Target, job: str, payload: bytes, *, seconds: float) -> None:
        """Hand the payload over and start the job; the last request in here is what starts it."""
        ...

    def job_status(self, target: Target, job: str, *, seconds: float) -> JobStatus:
        """Return where the job stands."""
        ...

    def job_answer(self, target: Target, job: str, *, seconds: float) -> Answer:
        """Return the results of a job that is DONE or FAILED, for `decode`."""
        ...

    def abandon_job(self, target: Target, job: str, *, seconds: float) -> None:
        """See to it that a job that is OPEN never starts; one that is GONE is no error."""
        ...


class Destination(Protocol):
    """One vendor account."""

    system: str

    def object_traits(self, object_name: str) -> ObjectTraits:
        """
        Return what the vendor does with the records of an object; no request is made.

        Raises:
            ConfigurationError: the adapter cannot write such an object.
        """
        ...

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint | JobEndpoint:
        """
        Return the endpoint that suits so many rows of the target's verb best; no request is made.

        Raises:
            ConfigurationError: the adapter has none for that object and verb.
        """
        ...

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint | JobEndpoint:
        """
        Return the endpoint whose traits have that name: what was begun over it is ended over it.

        Raises:
            ConfigurationError: there is none.
        """
        ...

    def describe(self, object_name: str) -> ObjectSchema:
        """Return the object's fields as the running user sees them."""
        ...

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield the records with these keys, or all that have one if `keys` is None."""
        ...

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield the records whose field `by` has one of these values, with the key they have."""
        ...

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return what the credentials may do of what is needed, and what they may beyond it."""
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
    account: dict[str, str] = field(default_factory=dict)
    """What the account has bought or switched on, in the words of its vendor's module."""
