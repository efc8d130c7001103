"""Whom a sync may reach, and how far: phases, holdout, promotion."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from activation.contract.part import Name, Part
from activation.contract.values import Duration, Share, format_share


class Phase(Part):
    """A nested cohort: the share of the sync keys that may be reached."""

    name: Name
    share: Share


class Promotion(Part):
    """
    What must hold of a phase before the next one opens by itself.

    Too little known is a reason to stay; a limit that is passed is a reason to stop.
    """

    soak: Duration = Field(description="Time since the phase was first delivered in full.")
    outcomes: int = Field(
        default=300, ge=1, description="Rows that were delivered or rejected in the phase."
    )
    rejected: Share = Field(description="Share of them that may be rejected.")
    unexplained: Share = Field(description="Rows that may differ, by the last parity.")
    dead_letters: Share = Field(description="Delivered rows that may wait as dead letters.")
    conflicts: Share = Field(
        default=0.05, description="Rows that people may have edited meanwhile."
    )


class Rollout(Part):
    """Cohorts from narrow to wide, by a salted hash of the sync key."""

    salt: str = Field(min_length=1)
    phases: tuple[Phase, ...] = Field(min_length=1)
    holdout: Share = Field(
        default=0.0, lt=1, description="The share of the keys that no phase ever reaches."
    )
    promotion: Promotion | None = Field(
        default=None, description="When the next phase opens by itself; none means by hand."
    )

    @model_validator(mode="after")
    def _nested(self) -> Self:
        shares = [phase.share for phase in self.phases]
        if shares != sorted(set(shares)) or shares[0] <= 0:
            message = "phases go from narrow to wide, each share larger than the one before"
            raise ValueError(message)
        names = [phase.name for phase in self.phases]
        if len(set(names)) != len(names):
            message = "two phases have the same name"
            raise ValueError(message)
        if round(shares[-1] + self.holdout, 9) > 1:
            message = (
                f"phase {names[-1]} reaches {format_share(shares[-1])} of the keys, but the "
                f"holdout keeps {format_share(self.holdout)} from all; give the widest phase "
                f"{format_share(round(1 - self.holdout, 9))}"
            )
            raise ValueError(message)
        return self

    def phase(self, name: str) -> Phase | None:
        """Return the phase of that name, or None."""
        return next((phase for phase in self.phases if phase.name == name), None)

    def after(self, name: str) -> Phase | None:
        """Return the next wider phase, or None if that is the widest."""
        names = [phase.name for phase in self.phases]
        place = names.index(name) + 1
        return self.phases[place] if place < len(names) else None
