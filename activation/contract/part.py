"""What the parts of a contract have in common."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1)]

INCONSISTENT = "inconsistent"
"""The type of the error that holds, in `ctx`, `problems`: what does not fit together, and where."""
Located: TypeAlias = tuple[tuple[str | int, ...], str]


class Part(BaseModel):
    """A part of a contract: unknown keys are refused, and nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))
