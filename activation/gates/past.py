"""What gates know of earlier plans of the same sync, as the ledger remembers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from activation.planning.model import FieldProfile

MEASURES = ("created", "changed", "cleared", "deleted", "lost")
"""What is held against the last plans."""


@dataclass(frozen=True, slots=True)
class Ordinary:
    """One plan of the phase that was delivered, over data that was new, and approved by nobody."""

    newest: datetime | None
    before: int
    """The delivered rows at that time."""
    rows: Mapping[str, int]
    """By measure."""


@dataclass(frozen=True, slots=True)
class Last:
    """The last plan of the sync that was delivered, of whatever phase."""

    at: datetime
    newest: datetime | None
    mapping: Mapping[str, str] = field(default_factory=dict)
    """What decides a field's value, by field."""
    rows: int = 0
    """The model's."""
    profile: Mapping[str, FieldProfile] = field(default_factory=dict)
    seen: Mapping[str, str] = field(default_factory=dict)
    """What both sides looked like, by what is looked at; see `drift`."""


@dataclass(frozen=True, slots=True)
class Past:
    """The last plans."""

    ordinary: tuple[Ordinary, ...] = ()
    """Newest first."""
    last: Last | None = None
    since: Mapping[str, datetime] = field(default_factory=dict)
    """Since when we see what both sides look like now, as far as it differs from `last`."""
    noticed: Mapping[str, str] = field(default_factory=dict)
    """What it was that we saw then."""


NOTHING_PAST = Past()
