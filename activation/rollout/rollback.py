"""Which deliveries a rollback takes back, and what it keeps from being sent again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from activation.contract.model import Contract
from activation.errors import UsageError
from activation.ledger import Ledger
from activation.ledger.runs import RunRecord
from activation.planning.rollback import Scope

_RUNS = 500
_SHORTEST = 6  # of a run's id


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be taken back: one of the three."""

    run: str | None = None
    phase: str | None = None
    since: datetime | None = None

    def __post_init__(self) -> None:
        """
        See that it is one.

        Raises:
            UsageError: it is none, or several.
        """
        given = [self.run is not None, self.phase is not None, self.since is not None]
        if given.count(True) != 1:
            raise UsageError(
                "say what to take back: one run, one phase, or everything since a time.",
                hint="Name --run ID, or --phase P, or --since T.",
            )


def scope_of(contract: Contract, ledger: Ledger, order: Order) -> tuple[Scope, str | None]:
    """
    Return the deliveries in question, and the phase that they were of; None if of several.

    Raises:
        UsageError: there is no such run or phase, or the contract keeps nothing to bring back.
    """
    sync = contract.sync
    if contract.rollback is None:
        raise UsageError(
            f"{sync} keeps nothing of what was there before, so nothing can be taken back.",
            hint="Add `rollback:` to its contract; it serves deliveries from then on.",
            sync=sync,
        )
    if order.run is not None:
        run = _run(contract, ledger, order.run)
        return Scope(f"run {run.run_id}", plans=(str(run.plan_digest),)), run.phase
    if order.phase is not None:
        if contract.rollout.phase(order.phase) is None:
            names = ", ".join(phase.name for phase in contract.rollout.phases)
            raise UsageError(f"{sync} has no phase `{order.phase}`.", hint=f"They are {names}.")
        plans = ledger.plans.digests(sync, order.phase)
        return Scope(f"phase {order.phase}", plans=plans), order.phase
    assert order.since is not None  # noqa: S101 - one of the three, see Order
    return Scope(f"all since {order.since:%Y-%m-%d %H:%M:%S} UTC", since=order.since), None


def hold(contract: Contract, ledger: Ledger, scope: Scope, *, reason: str, author: str) -> None:
    """
    Let the sync send nothing but rollbacks, and its rollout go no further, until it is released.

    Raises:
        UsageError: reason or author is empty.
    """
    ledger.holds.hold(contract.sync, scope.told, reason=reason, author=author)
    opened = {record.phase for record in ledger.phases.opened(contract.sync)}
    widest = [phase.name for phase in contract.rollout.phases if phase.name in opened]
    if widest:
        because = f"{scope.told} was taken back: {reason}"
        ledger.phases.stop(contract.sync, widest[-1], reason=because, author=author)


def release(contract: Contract, ledger: Ledger, *, reason: str, author: str) -> None:
    """
    Let a sync go on that was held after a rollback, or whose rollout was stopped.

    Raises:
        UsageError: it was neither, or reason or author is empty.
    """
    was_held = ledger.holds.release(contract.sync, reason=reason, author=author)
    stopped = any(phase.stopped_at for phase in ledger.phases.opened(contract.sync))
    if stopped or not was_held:
        ledger.phases.release(contract.sync, reason=reason, author=author)


def _run(contract: Contract, ledger: Ledger, run_id: str) -> RunRecord:
    known = ledger.runs.list(contract.sync, limit=_RUNS)
    exact = [run for run in known if run.run_id == run_id]
    found = exact or [
        run for run in known if len(run_id) >= _SHORTEST and run.run_id.startswith(run_id)
    ]
    if len(found) != 1:
        raise UsageError(
            f"{contract.sync} has {'several runs' if found else 'no run'} `{run_id}`.",
            hint=f"`activation status {contract.sync} --json` names its last runs.",
            sync=contract.sync,
        )
    if found[0].plan_digest is None:
        raise UsageError(
            f"run {run_id} of {contract.sync} had no plan; nothing of it was sent.",
            hint="There is nothing to take back.",
            sync=contract.sync,
        )
    return found[0]
