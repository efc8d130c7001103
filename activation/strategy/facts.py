"""What a strategy speaks of: the contract, what the adapter declares, and what was measured."""

from __future__ import annotations

from dataclasses import dataclass

from activation.contract.model import Contract
from activation.destinations.traits import ObjectTraits, Traits
from activation.planning.capacity import Load


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found out about volumes; None where it was not."""

    rows: int | None = None
    """Rows of the model."""
    daily: int | None = None
    """Rows that an ordinary run has sent, of late."""
    peak: int | None = None
    """The most that one run has sent, of late, but for first loads."""
    limit: int | None = None
    """The account's daily requests, as the vendor last said."""


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a document may say."""

    contract: Contract
    system: str
    headroom: float
    traits: ObjectTraits
    endpoints: tuple[Traits, ...]
    """Those that rows of this sync may go over, few rows first."""
    measured: Measured
    loads: tuple[Load, ...]
    """What was measured, as costs; empty without measurements."""
    parity_sql: str
    erasure: str = ""
    """What becomes of a record whose person is to be forgotten."""
