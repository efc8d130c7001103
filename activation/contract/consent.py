"""Who may be written about, and what becomes of those who no longer agree."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal

from pydantic import Field

from activation.contract.part import Located, Name, Part, Text
from activation.contract.values import Duration


class Revoked(StrEnum):
    """What is done about a record whose person no longer agrees."""

    STOP = "stop"  # nothing more is sent; what is there stays
    CLEAR = "clear"  # the fields are emptied, all that may be empty or those that are named
    OPT_OUT = "opt_out"  # the named fields are set to what says no at the vendor
    LEAVE = "leave"  # the member is taken out of the audience
    ARCHIVE = "archive"  # the record is removed so that it can be brought back for a while
    DELETE = "delete"  # the record is deleted for good


class OnRevoke(Part):
    """What follows when a person that was written about withdraws consent."""

    do: Revoked = Field(description="stop, clear, opt_out, leave, archive or delete.")
    fields: tuple[Text, ...] = Field(
        default=(),
        description="For clear: the fields to empty; without them, all that may be empty.",
    )
    set: dict[Text, bool | int | Text] = Field(
        default_factory=dict, description="For opt_out: field and value."
    )

    def problems(self) -> Iterator[Located]:
        """Yield what does not fit together."""
        at = ("consent", "on_revoke")
        if self.fields and self.do is not Revoked.CLEAR:
            yield (*at, "fields"), f"consent.on_revoke: `{self.do}` takes no `fields`"
        if self.set and self.do is not Revoked.OPT_OUT:
            yield (*at, "set"), f"consent.on_revoke: `{self.do}` takes no `set`"
        if not self.set and self.do is Revoked.OPT_OUT:
            text = "consent.on_revoke: `opt_out` needs `set`, the fields and what says no there"
            yield (*at, "do"), text


class ConsentSource(Part):
    """One model that says who agreed, and how old that knowledge may be."""

    model: Name = Field(description="The dbt model with one row per person, purpose and channel.")
    join: dict[Text, Text] = Field(min_length=1, description="Source column: consent column.")
    max_lag: Duration = Field(description="Consent data older than this blocks every row.")


class Consent(Part):
    """What people must have agreed to; of several sources, the least permissive counts."""

    subject: Literal["person"] = "person"
    purpose: Text
    channel: Text
    sources: tuple[ConsentSource, ...] = Field(
        min_length=1, description="The models that are asked; all of them must say granted."
    )
    on_revoke: OnRevoke = Field(
        description="What to do about records whose person no longer agrees."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the source columns that name the person, each once, as first named."""
        return tuple(dict.fromkeys(column for source in self.sources for column in source.join))


class NoConsent(Part):
    """The object is not about people, so no personal field may be mapped."""

    subject: Literal["none"]
