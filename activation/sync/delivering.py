"""Deliver: the newest plan of a phase, folded, read back and compared."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from activation.contract.rollout import Phase
from activation.delivery.engine import deliver as deliver_plan
from activation.delivery.engine import outcomes
from activation.delivery.order import BOUNDS, DeliveryOrder, Outcomes
from activation.delivery.wire import ThreadWire
from activation.destinations.traits import Reading
from activation.errors import ActivationError, Busy, Refused, Stopped, Unavailable
from activation.ledger import Ledger
from activation.ledger.plans import PlanRecord
from activation.ledger.runs import RunState
from activation.planning.actions import drop_plans, numbers_of, verify
from activation.planning.state import count_delivered
from activation.reconciliation.parity import Parity
from activation.sync.folding import fold_delivered
from activation.sync.outlooks import unaffordable
from activation.sync.parts import Parts
from activation.sync.reconciling import reconcile_settled
from activation.sync.results import (
    Delivered,
    agreement,
    conservation,
    dead_letter_depth,
    parity_record,
    postponed,
    unread,
)
from activation.warehouse.port import Session


def deliver(parts: Parts, phase: Phase, *, run_id: str) -> Delivered:
    """
    Send the newest plan of a phase, and keep the run in the ledger, however it ends.

    Raises:
        Refused: there is no plan, or its gates did not pass; nothing was sent.
        Busy: another run of the sync is under way; nothing was sent.
    """
    ledger, sync = parts.ledger, parts.contract.sync
    record = ledger.plans.latest(sync, phase.name)
    ledger.runs.start(run_id, sync, phase.name, plan_digest=record.digest if record else None)
    before = _requests(ledger, record)
    try:
        delivered = _deliver(parts, phase, record, run_id, before=before)
    except Refused as error:
        ledger.runs.end(run_id, RunState.REFUSED, message=str(error))
        raise
    except Busy as error:
        ledger.runs.end(run_id, RunState.STOPPED, message=str(error))
        raise
    except BaseException as error:
        # What was sent stays told, also of a run that has no result.
        state, message = _early_end(error)
        ledger.runs.end(
            run_id,
            state,
            tallies={} if record is None else ledger.outcomes(record.digest),
            requests=_requests(ledger, record) - before,
            message=message,
        )
        raise
    stopped = delivered.stopped
    ledger.runs.end(
        run_id,
        RunState.DONE if stopped is None else RunState.STOPPED,
        tallies=delivered.tallies,
        requests=delivered.requests,
        parity=None if delivered.parity is None else parity_record(delivered.parity),
        findings=[
            {"name": found.name, "passed": found.passed, "summary": found.summary}
            for found in delivered.findings
        ],
        message=None if stopped is None else str(stopped),
    )
    with suppress(Unavailable):  # the next run does it as well
        ledger.retention.apply(parts.services.settings.ledger_keep)
    return delivered


def _early_end(error: BaseException) -> tuple[RunState, str]:
    if isinstance(error, ActivationError):
        return RunState.STOPPED, str(error)
    if isinstance(error, Exception):
        return RunState.FAILED, "it broke; the run's log says where"
    return RunState.STOPPED, "it was interrupted; the next run settles what was under way"


def _requests(ledger: Ledger, record: PlanRecord | None) -> int:
    """Return the write requests that a plan has taken so far."""
    batches = () if record is None else ledger.batches.of_plan(record.digest)
    return sum(batch.requests for batch in batches)


def _deliver(
    parts: Parts, phase: Phase, record: PlanRecord | None, run_id: str, *, before: int
) -> Delivered:
    ledger, contract = parts.ledger, parts.contract
    if record is None:
        raise Refused(
            f"{contract.sync} has no plan for phase {phase.name}; nothing was sent.",
            hint=f"Plan it: activation run {contract.sync} --phase {phase.name}",
            sync=contract.sync,
            phase=phase.name,
        )
    approvals = tuple(ledger.approvals.of(record.digest).values())
    with parts.services.warehouse.session() as session:
        verify(session, record)
    stopped: ActivationError | None = None
    try:
        came = asyncio.run(_send(parts, record, run_id))
    except Stopped as error:
        stopped = error
        came = outcomes(ledger, record.digest)
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
        rows = count_delivered(session, contract.sync)
        _drop_outlived(parts, session, run_id)
    if came.settled and record.is_whole:
        ledger.phases.mark_loaded(contract.sync, phase.name)
    waiting = {letter.code: letter.rows for letter in ledger.dead_letters.counts(contract.sync)}
    findings = [conservation(came), dead_letter_depth(contract, waiting, rows)]
    parity: Parity | None = None
    if stopped is None and parts.facts.traits.reading is Reading.NEVER:
        findings.append(unread(contract))
    elif stopped is None and (reason := unaffordable(parts, rows)):
        findings.append(postponed(reason))
    elif stopped is None:
        try:
            parity = reconcile_settled(parts, phase, sent=came.requests > before)
        except Stopped as error:
            # What was sent stays told; only how it compares is not known.
            stopped = error
        else:
            findings.append(agreement(contract, parity))
            if parity.full:
                with parts.services.warehouse.session() as session:
                    unseen = numbers_of(session, record.table, parity.unseen)
                ledger.fences.lift(record.digest, but=unseen)
    return Delivered(
        plan_digest=record.digest,
        outcomes=came,
        requests=came.requests - before,
        quota=parts.destination.quota(),
        parity=parity,
        findings=tuple(findings),
        stopped=stopped,
        approvals=approvals,
    )


def _drop_outlived(parts: Parts, session: Session, run_id: str) -> None:
    """
    Drop the tables of plans that nobody needs any more, unless another run is sending.

    Its plan may have been superseded, and have no batch yet that says that it is needed.
    """
    ledger, sync = parts.ledger, parts.contract.sync
    try:
        lease = ledger.leases.acquire(sync, run_id, seconds=BOUNDS.lease_seconds)
    except Busy:
        return
    try:
        drop_plans(session, sync, ledger.plans.tables_in_use(sync))
    finally:
        ledger.leases.release(lease)


async def _send(parts: Parts, record: PlanRecord, run_id: str) -> Outcomes:
    order = DeliveryOrder(
        plan_digest=record.digest,
        contract=parts.contract,
        owner=run_id,
        headroom=parts.connection.headroom,
    )
    with ThreadWire(requests=parts.contract.quota.concurrency) as wire:
        return await deliver_plan(
            order,
            destination=parts.destination,
            actions=parts.actions(record),
            ledger=parts.ledger,
            clock=parts.clock,
            wire=wire,
            randomness=random.Random(),  # noqa: S311 - jitter, not a secret
            # Whoever wants to follow reads the ledger, from whatever process.
            progress=lambda _: None,
        )
