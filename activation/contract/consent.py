"""Who may be written about."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from activation.contract.part import Name, Part, Text
from activation.contract.values import Duration


class Consent(Part):
    """Who may be written about, and how old that knowledge may be."""

    subject: Literal["person"] = "person"
    model: Name = Field(description="The dbt model with one row per person, purpose and channel.")
    join: dict[Text, Text] = Field(min_length=1, description="Source column: consent column.")
    purpose: Text
    channel: Text
    max_lag: Duration = Field(description="Consent data older than this blocks every row.")


class NoConsent(Part):
    """The object is not about people, so no personal field may be mapped."""

    subject: Literal["none"]
