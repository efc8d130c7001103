"""What becomes of values that people changed in the destination meanwhile."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from activation.contract.part import Part, Text


class Conflict(StrEnum):
    """Who wins where the destination holds another value than we would write."""

    SOURCE_WINS = "source_wins"  # ours is written; nothing is read before
    DESTINATION_WINS = "destination_wins"  # theirs stays, unless it is empty
    NEWEST_WINS = "newest_wins"  # the later of our version and their last change
    FILL_EMPTY = "fill_empty"  # ours is only ever written where there is nothing
    THREE_WAY = "three_way"  # what was changed since our last delivery stays, also if emptied


class Conflicts(Part):
    """Who wins, by default and by field; all but `source_wins` read the record before."""

    policy: Conflict = Field(
        default=Conflict.SOURCE_WINS,
        description="source_wins, destination_wins, newest_wins, fill_empty or three_way.",
    )
    fields: dict[Text, Conflict] = Field(
        default_factory=dict, description="For these fields another policy."
    )
    modified: Text | None = Field(
        default=None,
        description="For newest_wins: the destination's field with the time of the last change.",
    )

    def of(self, field: str) -> Conflict:
        """Return the policy of a field."""
        return self.fields.get(field, self.policy)

    @property
    def reads(self) -> bool:
        """Tell whether records are read before they are written."""
        return any(p is not Conflict.SOURCE_WINS for p in (self.policy, *self.fields.values()))
