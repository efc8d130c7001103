"""A defect: what of the engine is put aside, and what stands in its place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Variants: TypeAlias = dict[str, Callable[[], list[Any]]]
"""By its name, what makes the patches of a defect."""


def nothing(*_: Any, **__: Any) -> None:
    """Do nothing in the place of a function."""
