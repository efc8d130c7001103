"""What delivery is handed: the plan's actions, a way to do blocking things, a place to tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa

T = TypeVar("T")


class Actions(Protocol):
    """The actions of one frozen plan that are to be sent, numbered from 0 without a gap."""

    def read(self, first: int, last: int) -> pa.Table:
        """
        Return the actions `first` to `last`, both of them in, in the order of their numbers.

        Columns: `sync_key` (string), `operation` (string), `row_hash` (int64), `version`, and one
        a field under the destination's name of it.

        Raises:
            Unavailable: the warehouse cannot be read.
        """
        ...

    def revoked(self) -> frozenset[int]:
        """
        Ask for consent anew; return the numbers of the actions that no longer have it.

        Raises:
            Unavailable: the warehouse cannot be read, so that nothing may be sent.
        """
        ...


class Wire(Protocol):
    """Runs a blocking call while other batches go on."""

    async def run(self, call: Callable[[], T]) -> T:
        """Return what the call returns, or raise what it raises."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a delivery has come, in rows of the plan, and the requests it took."""

    total: int
    delivered: int
    rejected: int
    blocked: int
    requests: int
