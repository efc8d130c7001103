"""What values of a field, or keys, look like."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field

from activation.contract.part import Located, Part


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        message = f"{text!r} is not a regular expression: {error}"
        raise ValueError(message) from None
    return text


Pattern = Annotated[str, Field(min_length=1), AfterValidator(_pattern)]


class Accepted(Part):
    """A value that is not there is not judged; one that is outside stops the plan."""

    least: float | None = Field(default=None, description="The smallest number.")
    most: float | None = Field(default=None, description="The largest number.")
    pattern: Pattern | None = Field(
        default=None, description="A regular expression that fits the whole value."
    )
    never: Pattern | None = Field(
        default=None, description="A regular expression that fits no part of a value."
    )
    shift: float | None = Field(
        default=None, gt=0, description="In place of the `shift` that holds for all fields."
    )

    @property
    def bounds(self) -> bool:
        """Tell whether it says something that only numbers have."""
        return self.least is not None or self.most is not None

    @property
    def words(self) -> bool:
        """Tell whether it says something that only text has."""
        return self.pattern is not None or self.never is not None


class _Kind(Protocol):
    @property
    def kind(self) -> str: ...


class _Mapped(Protocol):
    """A mapped field, as far as its values are judged."""

    @property
    def to(self) -> str: ...
    @property
    def type(self) -> _Kind: ...
    @property
    def accepted(self) -> Accepted | None: ...


def accepted_problems(keys: Accepted | None, fields: Iterable[_Mapped]) -> Iterator[Located]:
    """Yield what is asked of values that cannot have it."""
    if keys is not None and keys.bounds:
        yield ("source", "accepted"), "source.accepted is about keys, which are text"
    for index, mapping in enumerate(fields):
        accepted, kind = mapping.accepted or Accepted(), mapping.type.kind
        at = ("fields", index, "accepted")
        if accepted.bounds and kind not in {"integer", "decimal"}:
            yield at, f"field {mapping.to} is {kind}; only numbers have a `least` and a `most`"
        if accepted.words and kind != "text":
            yield at, f"field {mapping.to} is {kind}; only text has a `pattern` and a `never`"
