"""
Parity: source against destination, row by row, each key with exactly one class.

The first class of this list that fits a key is its class:

1. `lost`: delivered, and the source no longer has it, whether or not the destination does.
2. `missing`: delivered, and the destination lacks it. **Unexplained**, but for `unsettled` below.
3. `drifted`: the last plan emptied it or opted it out, and the destination does not show that.
   **Unexplained**, but for `unsettled` below.
4. `matched`: the destination holds what the source says, however it got there,
   for a key that was delivered.
5. `held` (an attempt in doubt, an empty or unfit value), `rejected` (a dead letter), `blocked`
   (consent), `pending` (the next run sends it): the source differs from what was delivered, or
   nothing was delivered yet, for a reason that the next plan tells.
6. `kept`: the source has changed or the destination was changed, and the contract says that the
   destination's value stays.
7. `drifted`: the source is as delivered, and the destination is not. **Unexplained**, but for
   `unsettled` below.

What would be `missing`, `kept` or `drifted` is `unsettled` if it was delivered so short a time
before it was read that the destination need not show it yet.

A key that was never delivered but is in the destination is `unexpected`, **unexplained**, unless
an attempt at it is in doubt, when it is `held`, or its removal may yet take effect, when it is
`unsettled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Discrepancy(StrEnum):
    """What a key's source, delivered state and destination say together."""

    MATCHED = "matched"
    PENDING = "pending"
    BLOCKED = "blocked"
    HELD = "held"
    UNSETTLED = "unsettled"
    REJECTED = "rejected"
    LOST = "lost"
    KEPT = "kept"
    MISSING = "missing"
    DRIFTED = "drifted"
    UNEXPECTED = "unexpected"


UNEXPLAINED = frozenset({Discrepancy.MISSING, Discrepancy.DRIFTED, Discrepancy.UNEXPECTED})


@dataclass(frozen=True, slots=True)
class Sample:
    """One key of a class, named by its hash, and the fields that differ; never a value."""

    key_hash: str
    discrepancy: Discrepancy
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parity:
    """How source and destination compare."""

    keys: int
    classes: Mapping[Discrepancy, int]
    """Keys of each class, zeros included; they sum to `keys`."""
    bound: float
    """The share of unexplained keys: exact if all were compared, else at most, at 95 %."""
    full: bool
    statement: str
    fields: Mapping[str, int]
    """Drifted keys in which each field differs."""
    samples: tuple[Sample, ...] = ()
    waiting: tuple[str, ...] = field(default=(), repr=False)
    """The sync keys of what is unsettled."""
    unseen: tuple[str, ...] = field(default=(), repr=False)
    """The sync keys of what was delivered of late and is not, or not yet, as it was delivered."""

    @property
    def matched_share(self) -> float:
        """Return the share of keys that match; 1 if there are none."""
        return self.classes[Discrepancy.MATCHED] / self.keys if self.keys else 1.0

    @property
    def unexplained(self) -> int:
        """Return the keys that differ without a reason we know."""
        return sum(self.classes[c] for c in UNEXPLAINED)

    @property
    def unexplained_share(self) -> float:
        """Return the share of the compared keys that differ without a reason; 0 if none."""
        return self.unexplained / self.keys if self.keys else 0.0
