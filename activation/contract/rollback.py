"""What it takes to undo a delivery, and what becomes of records that it created."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from activation.contract.part import Part
from activation.contract.values import Duration


class Created(StrEnum):
    """What a rollback does to a record that what it takes back has created."""

    KEEP = "keep"  # it stays as it is, and is listed
    ARCHIVE = "archive"  # it is removed as the vendor removes; a member leaves the audience
    DELETE = "delete"  # it is deleted for good


class Rollback(Part):
    """Deliveries can be taken back: what each key held of ours before is kept for a while."""

    keep: Duration = Field(
        default=timedelta(days=14), description="How long a delivery can be taken back."
    )
    created: Created = Field(
        default=Created.KEEP,
        description="What becomes of records that it created: keep, archive or delete.",
    )
