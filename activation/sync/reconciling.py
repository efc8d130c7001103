"""Reconcile: read the destination back and compare it with the warehouse."""

from __future__ import annotations

from activation.contract.rollout import Phase
from activation.delivery.order import target_of
from activation.errors import DestinationError
from activation.reconciliation.comparison import compare, sample_keys
from activation.reconciliation.parity import Parity
from activation.sync.parts import Parts


def reconcile(parts: Parts, phase: Phase, *, full: bool = False, rows: int | None = None) -> Parity:
    """
    Put each key of the phase into one class of difference.

    `full` or a number of sampled `rows` win over what the contract says.

    Raises:
        Unavailable: warehouse or vendor cannot be reached.
    """
    contract, warehouse = parts.contract, parts.services.warehouse
    keys: list[str] | None = None
    if not full and (rows or contract.parity.mode == "sample"):
        with warehouse.session() as session:
            keys = sample_keys(
                session,
                contract,
                phase,
                rows=rows or contract.parity.sample_rows,
                seed=parts.clock.now().toordinal(),
            )
    try:
        # Read to the end before the warehouse is opened: it is not held while a vendor answers.
        pages = [page.rows for page in parts.destination.read_back(target_of(contract), keys)]
    except DestinationError as error:
        raise parts.unreachable(error) from None
    facts = parts.facts
    with warehouse.session() as session:
        return compare(
            session,
            contract,
            parts.models,
            facts,
            phase=phase,
            inputs=parts.inputs(),
            read_back=pages,
            keys=keys,
            now=parts.clock.now(),
        )
