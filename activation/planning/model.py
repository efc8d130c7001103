"""A plan: a frozen, digest-named set of actions for one sync and phase."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Disposition(StrEnum):
    """What a plan has in mind for an action."""

    SEND = "send"
    BLOCKED = "blocked"  # consent says no
    HELD = "held"  # something must happen first


class HeldReason(StrEnum):
    """Why an action waits."""

    REJECTED_BEFORE = "rejected_before"  # the vendor refused this very payload
    IN_DOUBT = "in_doubt"  # an earlier attempt at this key is not settled
    NULL = "null"  # a field whose null policy is hold is empty


class BlockedReason(StrEnum):
    """Why consent keeps a row back."""

    MISSING = "missing"
    DENIED = "denied"
    UNKNOWN = "unknown"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """What the source looked like when the plan was made."""

    rows: int
    keys: int
    null_keys: int
    repeated_keys: int
    """Rows, not keys: every row of a repeated key is taken out."""
    newest_version: datetime | None
    consent_newest: datetime | None
    """None if there is no consent model, or it is empty."""
    missing_columns: tuple[str, ...] = ()


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

    def rows(self, disposition: Disposition | None = None) -> int:
        """Return the number of actions, of one disposition if given."""
        return sum(c.rows for c in self.counts if disposition in (None, c.disposition))

    def batches(self, batch_rows: int) -> int:
        """Return the number of requests that the plan takes."""
        return -(-self.rows(Disposition.SEND) // batch_rows)
