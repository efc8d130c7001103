"""What the checks on a destination say after a delivery: parity, conservation, dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """Passed or not, in one sentence, with its numbers and a table of classes."""

    name: str
    passed: bool
    summary: str
    numbers: Mapping[str, int | float] = field(default_factory=dict)
    table: tuple[Mapping[str, str | int | float], ...] = ()
    next_step: str | None = None
