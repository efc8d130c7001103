"""How old data may be, and how much of it one plan may change."""

from __future__ import annotations

from pydantic import Field

from activation.contract.part import Part
from activation.contract.values import Duration, Share


class Freshness(Part):
    """How old the data itself may be, by its version column."""

    max_age: Duration


class Guards(Part):
    """Limits of what one plan may do; shares are of the rows delivered before, but for `grain`."""

    changed: Share = Field(description="Delivered rows that may change.")
    created: Share = Field(description="New rows in phases that were loaded before.")
    cleared: Share = Field(description="Delivered rows that may lose a value.")
    deleted: Share = Field(description="Delivered rows that may be deleted.")
    lost: Share = Field(description="Delivered rows that the model may no longer have.")
    revoked: Share = Field(
        default=0.1,
        description="Delivered rows whose person said no, for which something is done at once; "
        "a few always may.",
    )
    grain: Share = Field(description="Source rows without a usable key; they are taken out.")
