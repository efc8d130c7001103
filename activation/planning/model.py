"""A plan: a frozen, digest-named set of actions for one sync and phase."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from activation.destinations.traits import ObjectTraits, Verb
from activation.hash_keys import NO_KEY, HashKeys
from activation.warehouse.port import Relation

REJECTED_SCHEMA = pa.schema({"key_hash": pa.string(), "row_hash": pa.int64()})


class Disposition(StrEnum):
    """What a plan has in mind for an action."""

    SEND = "send"
    BLOCKED = "blocked"  # its person may not be reached
    HELD = "held"  # something must happen first


class HeldReason(StrEnum):
    """Why an action waits."""

    REJECTED_BEFORE = "rejected_before"  # the vendor refused this very payload
    IN_DOUBT = "in_doubt"  # an earlier attempt at this key is not settled
    INVALID = "invalid"  # a value does not fit its field's type
    NULL = "null"  # a field whose null policy is hold is empty
    AMBIGUOUS = "ambiguous"  # several records could be meant, or several rows one record
    EXISTS = "exists"  # the mode only creates, and the record is there
    NO_RECORD = "no_record"  # the mode creates nothing, and there is no record
    KEPT = "kept"  # all that would be written was changed by somebody else, and stays
    SETTLING = "settling"  # written so lately that a read may not show it yet
    UNREAD = "unread"  # what is there could not be looked up within the day's requests
    # What a rollback leaves alone:
    EDITED = "edited"  # somebody changed it since
    OVERTAKEN = "overtaken"  # a later delivery has written something else
    GONE = "gone"  # the record is no longer there
    REMOVED = "removed"  # it was removed, and the vendor has no way to bring it back by key
    STAYS = "stays"  # it was created, and the contract keeps such records
    NO_IMAGE = "no_image"  # nothing is known of what was there before
    WITHDRAWN = "withdrawn"  # its person has said no since


class Cause(StrEnum):
    """Why an action is planned, if not for a row that is new or has changed."""

    LOST = "lost"  # the model no longer has it
    REVOKED = "revoked"  # its person said no
    ERASED = "erased"  # its person is to be forgotten
    ADOPTED = "adopted"  # a record that exists without our key gets it
    RESTORED = "restored"  # a rollback brings back what was there before
    TAKEN_BACK = "taken_back"  # a rollback removes a record that was created


TAKES_AWAY = (Cause.LOST, Cause.REVOKED, Cause.ERASED, Cause.TAKEN_BACK)
"""Causes that need no consent: data only leaves the destination."""


class BlockedReason(StrEnum):
    """Why a row may not leave: its person was erased or suppressed, or has not agreed."""

    ERASED = "erased"
    SUPPRESSED = "suppressed"
    MISSING = "missing"
    DENIED = "denied"
    UNKNOWN = "unknown"
    UNMAPPED = "unmapped"  # a status that is none of granted, denied, unknown
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Models:
    """The models that a sync reads."""

    source: Relation
    consents: tuple[Relation, ...] = ()
    """In the order of the contract's consent sources."""
    references: tuple[Relation, ...] = ()
    """In the order of the contract's references."""


@dataclass(frozen=True, slots=True)
class DestinationFacts:
    """What the destination says of the object, as far as a plan depends on it."""

    traits: ObjectTraits
    emails: frozenset[str] = frozenset()
    """The fields that it calls e-mail."""
    picklists: frozenset[str] = frozenset()
    """The fields whose values it restricts; the plan tells which values it sends."""
    changes_only: bool = False
    """Whether a row should carry only the fields that changed."""


@dataclass(frozen=True, slots=True)
class ActionRange:
    """Actions `first` to `last`, both included, of a frozen plan table."""

    table: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What the ledger knows and a plan must heed."""

    rejected: pa.Table = field(default_factory=REJECTED_SCHEMA.empty_table)
    """Payloads that were refused for good: `key_hash` text, `row_hash` int64."""
    in_doubt: tuple[ActionRange, ...] = ()
    """Earlier attempts whose fate is not known yet."""
    loaded_phases: frozenset[str] = frozenset()
    """Phases whose first load is complete."""
    names: HashKeys = NO_KEY
    """By which rows are named in `rejected`, and to whoever is shown them."""
    only: frozenset[str] | None = None
    """Hashes of the only keys that a replay is about; None for all."""
    withheld: Callable[[str], str | None] | None = None
    """Why nothing about a person may leave who was erased or suppressed; None if nobody was."""


@dataclass(frozen=True, slots=True)
class FieldProfile:
    """
    What the values of a mapped column look like over the whole model; no value stands in it.

    Of a number it is the number, of a text its length, of a boolean 0 or 1, of a time the days
    since 1970.
    """

    filled: int
    """Rows with a value."""
    mean: float | None
    deviation: float | None
    outside: int = 0
    """Values that are not as the contract accepts them."""


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """What the source looked like when the plan was made."""

    rows: int
    keys: int
    null_keys: int
    repeated_keys: int
    """Rows, not keys: every row of a repeated key is taken out."""
    newest_version: datetime | None
    consents: Mapping[str, datetime | None] = field(default_factory=dict)
    """The newest data of each consent model; None if it is empty."""
    missing_columns: tuple[str, ...] = ()
    references: Mapping[str, datetime | None] = field(default_factory=dict)
    """The newest data of each reference model; None if it is empty."""
    fields: Mapping[str, FieldProfile] = field(default_factory=dict)
    """By mapped field; `key` tells of the keys, if the contract says what they look like."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """The types of the columns that the contract names, by their names in small letters."""
    folded_keys: int = 0
    """Of the rows with repeated keys, those whose keys the destination alone takes for one."""
    respelled_keys: int = 0
    """Rows whose key is another spelling of the delivered one."""
    reminted_keys: int = 0
    """Delivered rows that vanished and came back under another key."""


@dataclass(frozen=True, slots=True)
class BlastRadius:
    """How much of what was delivered before, in this phase, the plan would touch (rows)."""

    delivered_before: int
    created: int
    created_in_loaded_phases: int
    changed: int
    cleared: int
    deleted: int
    lost: int
    late: int
    """Rows older than what was delivered; dropped."""
    revoked: int = 0
    """Rows whose person said no since they were delivered, and for which something is done."""


@dataclass(frozen=True, slots=True)
class ActionCount:
    """How many actions of one operation share a disposition and a reason."""

    operation: str
    disposition: Disposition
    reason: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen plan; its actions stand in the warehouse table `table`."""

    digest: str
    sync: str
    phase: str
    created_at: datetime
    contract_digest: str
    mapping_digest: str
    table: str
    source: SourceProfile
    blast: BlastRadius
    counts: tuple[ActionCount, ...] = field(default_factory=tuple)
    verbs: Mapping[Verb, int] = field(default_factory=dict)
    """The rows to send, by what is asked for; rows of different verbs never share a request."""
    delivered_after: int = 0
    """The rows that the destination holds of ours once the plan is carried out."""
    written: Mapping[str, int] = field(default_factory=dict)
    """The rows in which each field is written."""
    frozen: bool = True
    """False for a preview, whose table lives as long as the session."""
    mapping_changed: bool = False
    """Some delivered rows were delivered under another mapping."""
    hash_changed: bool = False
    """Some delivered rows were hashed by another method, so that they look changed."""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """The distinct values of the picklist fields among the rows to send."""
    kept: Mapping[str, int] = field(default_factory=dict)
    """The rows in which each field keeps the destination's value, by the contract's conflicts."""
    longest: Mapping[str, int] = field(default_factory=dict)
    """The longest text (characters) of each text field among the rows to send."""

    undoes: tuple[str, ...] = ()
    """What a rollback takes back, in words; nothing for any other plan."""

    def rows(self, disposition: Disposition | None = None) -> int:
        """Return the number of actions, of one disposition if given."""
        return sum(c.rows for c in self.counts if disposition in (None, c.disposition))
