"""The actions of a frozen plan, read from the warehouse a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from activation.clock import Clock
from activation.contract.model import Contract
from activation.planning.actions import read_actions
from activation.planning.withdrawals import withdrawn
from activation.warehouse.port import Relation, Warehouse


@dataclass(frozen=True, slots=True)
class FrozenActions:
    """
    What delivery reads; each call opens a session and lets go of it.

    A DuckDB file is held by one process at a time, so it must be free while a vendor is
    waited for.
    """

    warehouse: Warehouse
    contract: Contract
    plan_table: str
    consents: tuple[Relation, ...]
    clock: Clock

    def read(self, first: int, last: int) -> pa.Table:
        """Return the actions `first` to `last`, both of them in."""
        with self.warehouse.session() as session:
            return read_actions(session, self.plan_table, first, last)

    def revoked(self) -> frozenset[int]:
        """Return the numbers of the actions that no longer have consent."""
        with self.warehouse.session() as session:
            return withdrawn(
                session, self.contract, self.consents, self.plan_table, self.clock.now()
            )
