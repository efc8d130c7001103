"""
The facts that a vendor module declares: of an object, and of each endpoint that writes it.

The engine, the planner and parity ask these instead of asking for a vendor's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from activation.contract.model import FieldKind


class EndpointClass(StrEnum):
    """What may be done with a request whose answer never came."""

    JOB = "A"  # two-phase job: adopt it
    KEYED_UPSERT = "B"  # send the same bytes again
    IDEMPOTENT_CREATE = "C"  # send again while the vendor's key lives
    UNKEYED = "D"  # hold for a human


class Verb(StrEnum):
    """What a request asks for; rows of different verbs never share one."""

    UPSERT = "upsert"  # create what is not there, update what is; join an audience
    UPDATE = "update"  # a row without a record is refused, never created
    CREATE = "create"  # a row with a record is refused, never updated
    REMOVE = "remove"  # what `ObjectTraits.removal` says; leave an audience
    ERASE = "erase"  # for good, as the law asks for


class Removal(StrEnum):
    """What becomes of a record that is removed."""

    RECYCLED = "recycled"  # can be brought back for a while
    ARCHIVED = "archived"  # hidden; can be brought back by hand for a while
    DELETED = "deleted"  # cannot be brought back
    UNLINKED = "unlinked"  # the record stays; it only leaves the audience


class Reading(StrEnum):
    """Which records can be read back."""

    ALL = "all"  # also those that somebody else has made
    BY_KEY = "by key"  # only those whose keys we know
    NEVER = "never"


class Normaliser(StrEnum):
    """What a vendor does to a value that it stores; planner and parity do the same in SQL."""

    TRIM = "trim"  # white space at both ends is dropped
    EMPTY_IS_NULL = "empty_is_null"
    LOWER = "lower"
    SECONDS = "seconds"  # fractions of a second are dropped
    WORDS = "words"  # a set of words in lower case: sorted, each once, a space between them


class Acknowledgement(StrEnum):
    """What a success means."""

    APPLIED = "applied"
    QUEUED = "queued"  # accepted; only a read-back shows whether it took effect


@dataclass(frozen=True, slots=True)
class Bucket:
    """One pace that the vendor enforces; the governor keeps to all that an endpoint names."""

    name: str
    """Requests of endpoints that name the same bucket are counted together, per connection."""
    requests: int
    """Requests that may be sent in any `seconds`; at once, if `seconds` is None."""
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Billing:
    """What a vendor charges for besides requests."""

    unit: str
    per_row: int = 0
    per_field: int = 0
    """For each field that is written, whether it changes anything or not."""
    free: frozenset[str] = frozenset()
    """Fields that cost nothing."""


@dataclass(frozen=True, slots=True)
class ObjectTraits:
    """What a vendor does with the records of one object."""

    key_is_case_sensitive: bool
    values: Mapping[FieldKind, tuple[Normaliser, ...]]
    """What the vendor does to values, by kind."""
    email_values: tuple[Normaliser, ...]
    """The same for fields that describe() calls e-mail."""
    read_back_keys: int
    """Keys in one keyed read."""
    read_back_page: int
    """Rows in one page of a full read."""
    minimal_permissions: tuple[str, ...]
    fields: Mapping[str, tuple[Normaliser, ...]] = field(default_factory=dict)
    """What the vendor does to the values of single fields, in place of what it does by kind."""
    removal: Removal = Removal.DELETED
    restorable: timedelta | None = None
    """How long a removed record can be brought back; None if it cannot."""
    reading: Reading = Reading.ALL
    read_back_ids: int = 0
    """What a read tells by an id alone is asked for again, so many in a request; 0 if nothing."""
    read_lag: timedelta = timedelta(0)
    """How long a read may still show what was there before a write."""
    read_after: timedelta = timedelta(0)
    """How long it is worth to wait before the first read after a delivery: most is seen by then."""
    irreversible: tuple[str, ...] = ()
    """Effects of a write that no rollback undoes, as sentences."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What holds for one endpoint."""

    system: str
    endpoint_class: EndpointClass
    batch_rows: int
    batch_bytes: int
    horizon: timedelta
    """How long a request may still take effect after we stopped listening."""
    keeps_order: bool
    """Whether results come back in the order of the rows sent."""
    name: str = "upsert"
    """The endpoint's name: a plan that was begun over one is ended over the same."""
    verbs: frozenset[Verb] = frozenset({Verb.UPSERT})
    acknowledges: Acknowledgement = Acknowledgement.APPLIED
    changes_only: bool = False
    """Whether a row should carry only the fields that changed, because each of them costs."""
    billing: Billing | None = None
    buckets: tuple[Bucket, ...] = ()
    requests_per_batch: int = 1
    """The requests that one batch may take of the daily quota."""
    spared_by_ids: int = 0
    """How many of them a batch does not take whose records are known by their ids."""
    key_life: timedelta = field(default=timedelta(0))
    """Class C: how long the vendor remembers an idempotency key."""
