"""One sync, and what can be done with it."""

from __future__ import annotations

from activation.contract.model import Contract
from activation.contract.rollout import Phase
from activation.reconciliation.adoption import Adopted
from activation.reconciliation.parity import Parity
from activation.rollout.rollback import Order
from activation.sync import delivering, planning, reconciling, replaying, resyncing, rolling_back
from activation.sync.parts import Parts
from activation.sync.results import Delivered, Planned
from activation.sync.rolling_back import RolledBack, Unrestored
from activation.sync.services import Services


class Sync:
    """A contract with all that it takes to carry it out."""

    def __init__(self, contract: Contract, services: Services) -> None:
        self.contract = contract
        self.parts = Parts(contract, services)

    def phase(self, name: str | None, *, must_be_open: bool = True) -> Phase:
        """Return the phase of that name, or the widest open one; see `Parts.phase`."""
        return self.parts.phase(name, must_be_open=must_be_open)

    def preflight(self) -> None:
        """
        See that connection, destination and models are there, before anything is begun.

        Raises:
            UsageError: something is configured wrongly.
            Unavailable: the destination does not answer.
        """
        _ = self.parts.schema, self.parts.models

    def plan(self, phase: str, *, run_id: str) -> Planned:
        """
        Freeze what would change, under a digest, with the verdict of every gate.

        Raises:
            UsageError: contract, connection and model do not fit together.
            Refused: the phase is not open.
            Unavailable: warehouse, ledger or vendor cannot be reached.
        """
        return planning.plan(self.parts, self.phase(phase), run_id=run_id)

    def plan_replay(self, phase: str, *, run_id: str) -> Planned:
        """Freeze what is due of the dead letters; see `replaying.plan_replay`."""
        return replaying.plan_replay(self.parts, self.phase(phase), run_id=run_id)

    def preview(self, phase: str, *, rows: int = 0) -> Planned:
        """Tell what would change, and show `rows` of it; nothing is written anywhere."""
        return planning.preview(self.parts, self.phase(phase, must_be_open=False), rows=rows)

    def deliver(self, phase: str, *, run_id: str) -> Delivered:
        """
        Send the newest plan of a phase, fold what arrived, read it back and compare.

        What stopped a delivery part-way is in `Delivered.stopped`, not raised: its rows count.

        Raises:
            Refused: there is no plan, or its gates did not pass; nothing was sent.
            Busy: another run of the sync is under way; nothing was sent.
        """
        return delivering.deliver(self.parts, self.phase(phase), run_id=run_id)

    def resync(self, *, reason: str, author: str) -> Adopted:
        """Take what the destination holds for delivered; see `resyncing.resync`."""
        return resyncing.resync(self.parts, reason=reason, author=author)

    def preview_rollback(self, order: Order) -> Planned:
        """Tell what a rollback would do; see `rolling_back.preview_rollback`."""
        return rolling_back.preview_rollback(self.parts, order)

    def check_rollback(self, order: Order, *, reason: str, author: str) -> None:
        """See that deliveries can be taken back now; see `rolling_back.check_rollback`."""
        rolling_back.check_rollback(self.parts, order, reason=reason, author=author)

    def roll_back(self, order: Order, *, run_id: str, reason: str, author: str) -> RolledBack:
        """Take deliveries back; see `rolling_back.roll_back`."""
        return rolling_back.roll_back(
            self.parts, order, run_id=run_id, reason=reason, author=author
        )

    def unrestored(self, plan_digest: str, *, limit: int) -> tuple[Unrestored, ...]:
        """Return what a rollback left alone; see `rolling_back.unrestored`."""
        return rolling_back.unrestored(self.parts, plan_digest, limit=limit)

    def reconcile(self, phase: Phase, *, full: bool = False, rows: int | None = None) -> Parity:
        """Compare source and destination, row by row; see `reconciling.reconcile`."""
        return reconciling.reconcile(self.parts, phase, full=full, rows=rows)
