"""What each class of difference means, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from activation.reconciliation.parity import Discrepancy


@dataclass(frozen=True, slots=True)
class Triage:
    """Two sentences for whoever looks at a class."""

    meaning: str
    what_to_do: str


TRIAGE: Mapping[Discrepancy, Triage] = {
    Discrepancy.MATCHED: Triage("the destination holds what the source says", "nothing"),
    Discrepancy.PENDING: Triage(
        "the source has changed; the next run sends it", "nothing; run again if it is urgent"
    ),
    Discrepancy.BLOCKED: Triage(
        "no consent; not in the destination by design", "nothing; never write around it"
    ),
    Discrepancy.HELD: Triage(
        "waits for something, such as a value", "see the reason in `activation plan`"
    ),
    Discrepancy.UNSETTLED: Triage(
        "was sent a short while ago; the destination need not show it yet",
        "nothing; compare again in some minutes",
    ),
    Discrepancy.REJECTED: Triage(
        "a dead letter; the destination refused it",
        "mend the value in the model, or the rule in the destination",
    ),
    Discrepancy.LOST: Triage(
        "was delivered, and the source no longer has it",
        "see whether the model lost it by mistake; `mirror` would remove it",
    ),
    Discrepancy.KEPT: Triage(
        "the destination's value stays, as the contract says", "nothing; the contract wants it so"
    ),
    Discrepancy.MISSING: Triage(
        "was delivered, and the destination lacks it",
        "look for merges and deletions there, then resync",
    ),
    Discrepancy.DRIFTED: Triage(
        "the destination was changed by somebody else",
        "find who else writes the field: one field, one writer",
    ),
    Discrepancy.UNEXPECTED: Triage(
        "in the destination with our key, never delivered by us",
        "find who wrote our key; a resync can adopt the record",
    ),
}
