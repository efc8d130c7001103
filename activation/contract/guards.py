"""How old data may be, and how much of it one plan may change."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from activation.contract.part import Located, Name, Part, Text
from activation.contract.values import Duration, Share


class Reference(Part):
    """A model that the source is made with, and that must not be older than this."""

    model: Name = Field(description="The dbt model.")
    column: Text = Field(description="The column that tells how far its data reaches.")
    max_age: Duration


class Freshness(Part):
    """How old the data itself may be, by its version column."""

    max_age: Duration
    strict: bool = Field(
        default=False,
        description="No approval lets older data pass: what is written sets off messages.",
    )
    references: tuple[Reference, ...] = Field(
        default=(), description="Other models that must be young enough, too."
    )

    def problems(self) -> Iterator[Located]:
        """Yield what does not fit together."""
        seen: set[str] = set()
        for place, reference in enumerate(self.references):
            if reference.model in seen:
                at = ("freshness", "references", place, "model")
                yield at, f"freshness.references names {reference.model} twice"
            seen.add(reference.model)


class Usual(Part):
    """
    How far a plan may be from the last plans of its phase.

    Each count is held against its mean, as a share of the delivered rows and as a number: it is
    unusual if it is beyond both.
    """

    runs: int = Field(default=20, ge=2, le=100, description="So many plans are looked back.")
    fewest: int = Field(
        default=5, ge=2, le=100, description="With fewer plans only the limits above count."
    )
    times: float = Field(default=4, gt=1, description="How many times the mean is still usual.")
    least: Share = Field(default=0.01, description="So small a share is never unusual.")


class Distribution(Part):
    """How far the values of the whole model may move from one plan to the next."""

    shift: float = Field(
        default=0.5, gt=0, description="Standard deviations that the mean of a field may move."
    )
    filled: Share = Field(
        default=0.05, description="Share of the rows that may gain or lose a value at once."
    )
    outside: Share = Field(
        default=0.0, description="Rows whose value may be outside of what `accepted` says."
    )


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
    reminted: Share = Field(
        default=0.01,
        description="Delivered rows that may come back under another key, or another spelling.",
    )
    usual: Usual = Field(default=Usual(), description="Against the sync's own last plans.")
    distribution: Distribution = Field(
        default=Distribution(), description="What the values look like, and how far they may move."
    )
