"""Roll back: take deliveries back by a plan like any other, and prove it by a read-back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from activation.contract.rollout import Phase
from activation.delivery.order import target_of
from activation.destinations.traits import Reading
from activation.errors import DestinationError, Refused, UsageError
from activation.ledger.plans import ROLLBACK
from activation.ledger.switches import require_words
from activation.planning.model import Plan
from activation.planning.rollback import Scope, make_rollback, scoped_keys
from activation.planning.state import count_delivered
from activation.planning.unrestored import read_unrestored
from activation.reconciliation.findings import Finding
from activation.reconciliation.restoration import Restoration, restoration, rollback_keys
from activation.rollout.rollback import Order, hold, scope_of
from activation.sync import delivering
from activation.sync.erasing import carry_out_first
from activation.sync.folding import fold_delivered
from activation.sync.parts import Parts
from activation.sync.planning import judge_rollback, recorded
from activation.sync.reconciling import waits
from activation.sync.results import Delivered, Planned
from activation.sync.settling import settle_unknown

FINDING = "rollback"
"""The name under which a run keeps what the read-back showed."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A rollback, as far as it came."""

    planned: Planned
    delivered: Delivered | None
    """None if its gates did not let it through."""
    restoration: Restoration | None
    """None if it was stopped part-way."""


@dataclass(frozen=True, slots=True)
class Unrestored:
    """One field, or one row, that a rollback left alone; never a value."""

    key_hash: str
    field: str | None
    reason: str


def preview_rollback(parts: Parts, order: Order) -> Planned:
    """
    Tell what a rollback would write and what it would leave alone; nothing is kept anywhere.

    While the sync is paused nothing is looked up, so that every row waits as `unread`.

    Raises:
        UsageError: there is nothing that could be taken back so.
        Unavailable: warehouse, ledger or vendor cannot be reached.
    """
    scope, phase, keys = _begun(parts, order)
    pages = _read(parts, keys) if _paused(parts) is None else None
    return judge_rollback(parts, _make(parts, scope, phase, keys, pages, freeze=False))


def check_rollback(parts: Parts, order: Order, *, reason: str, author: str) -> None:
    """
    See that there is something to take back, and that it may be sent now.

    Raises:
        UsageError: there is nothing that could be taken back so; nothing was done.
        Refused: the sync is paused; it is held from now on, and nothing was sent.
        Unavailable: warehouse, ledger or vendor cannot be reached.
    """
    require_words(reason=reason, author=author)
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
    scope, _, _ = _begun(parts, order)
    hold(parts.contract, parts.ledger, scope, reason=reason, author=author)
    if paused := _paused(parts):
        raise Refused(
            f"{paused}; a rollback sends, so nothing was taken back.",
            hint=f"Resume it and repeat: {parts.contract.sync} is held now, so that nothing but "
            "the rollback is sent.",
            sync=parts.contract.sync,
        )


def roll_back(parts: Parts, order: Order, *, run_id: str, reason: str, author: str) -> RolledBack:
    """
    Take deliveries back, and hold all other plans of the sync until somebody releases it.

    It may be repeated: what is as it was before is not written again.

    Raises:
        UsageError: there is nothing that could be taken back so; nothing was done.
        Refused: the sync is paused; it is held from now on, and nothing was sent.
        Busy: a run of the sync is under way; the sync is held from now on.
        Unavailable: warehouse, ledger or vendor cannot be reached.
    """
    check_rollback(parts, order, reason=reason, author=author)
    contract, ledger = parts.contract, parts.ledger
    asyncio.run(settle_unknown(parts, run_id))
    carry_out_first(parts, run_id=run_id)
    seen = ledger.plans.last_attempt(contract.sync)
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
    scope, phase, keys = _begun(parts, order)
    made = _make(parts, scope, phase, keys, _read(parts, keys), freeze=True)
    planned = judge_rollback(parts, made)
    summary = {"kind": ROLLBACK, "undoes": scope.told, "run_id": run_id, "reason": reason}
    recorded(parts, planned, seen, summary)
    if not planned.passed:
        return RolledBack(planned, None, None)
    delivered = delivering.deliver(parts, phase, run_id=run_id)
    if delivered.stopped is not None:
        return RolledBack(planned, delivered, None)
    shown = _prove(parts, made)
    finding = Finding(
        FINDING,
        passed=shown.whole,
        summary=shown.sentence,
        numbers={
            "restored": shown.restored,
            "removed": shown.removed,
            "differing": shown.differing,
        },
    )
    ledger.runs.add_finding(
        run_id, {"name": FINDING, "passed": finding.passed, "summary": finding.summary}
    )
    return RolledBack(planned, replace(delivered, findings=(*delivered.findings, finding)), shown)


def unrestored(parts: Parts, digest: str, *, limit: int) -> tuple[Unrestored, ...]:
    """Return what a rollback left alone, at most so much of it; the warehouse has all of it."""
    sync = parts.contract.sync
    with parts.services.warehouse.session() as session:
        found = read_unrestored(session, sync, digest, limit=limit)
    names = parts.ledger.people.keys.current
    return tuple(Unrestored(names.row(sync, key)[:12], field, why) for key, field, why in found)


def _begun(parts: Parts, order: Order) -> tuple[Scope, Phase, list[str]]:
    """Return the deliveries in question, the phase of the plan, and the keys they reached."""
    contract = parts.contract
    scope, name = scope_of(contract, parts.ledger, order)
    if parts.facts.traits.reading is Reading.NEVER:
        raise UsageError(
            f"{contract.destination.connection} lets nobody read {contract.destination.object} "
            "back, so nobody could tell whether it still holds our values.",
            hint="Mend it in the model; the next run sends what differs.",
            sync=contract.sync,
        )
    phase = parts.phase(name)
    with parts.services.warehouse.session() as session:
        keys = scoped_keys(session, contract, parts.facts, scope)
    if not keys:
        raise UsageError(
            f"nothing is kept of what was there before {scope.told} of {contract.sync}.",
            hint="It delivered nothing, or longer ago than `rollback.keep` of the contract.",
            sync=contract.sync,
        )
    return scope, phase, keys


def _make(  # noqa: PLR0913 - each is named
    parts: Parts,
    scope: Scope,
    phase: Phase,
    keys: Sequence[str],
    pages: list[pa.Table] | None,
    *,
    freeze: bool,
) -> Plan:
    with parts.services.warehouse.session() as session:
        return make_rollback(
            session,
            parts.contract,
            parts.models,
            parts.facts,
            scope=scope,
            asked=() if pages is None else keys,
            theirs=pages or [],
            phase=phase,
            inputs=parts.inputs(),
            now=parts.clock.now(),
            freeze=freeze,
        )


def _read(parts: Parts, keys: Sequence[str]) -> list[pa.Table]:
    traits = parts.facts.traits
    with parts.services.warehouse.session() as session:
        held = count_delivered(session, parts.contract.sync)
    by_key, in_full = -(-len(keys) // traits.read_back_keys), -(-held // traits.read_back_page)
    asked = None if traits.reading is Reading.ALL and in_full < by_key else keys
    try:
        return [page.rows for page in parts.destination.read_back(target_of(parts.contract), asked)]
    except DestinationError as error:
        raise parts.unreachable(error) from None


def _prove(parts: Parts, plan: Plan) -> Restoration:
    """Read back what was written, again and again as long as it need not show yet."""
    with parts.services.warehouse.session() as session:
        keys = rollback_keys(session, plan.table)
    shown = _compare(parts, plan, keys)
    for seconds in waits(parts.facts.traits.read_lag):
        if shown.whole:
            break
        asyncio.run(parts.clock.sleep(seconds))
        shown = _compare(parts, plan, keys)
    return shown


def _compare(parts: Parts, plan: Plan, keys: Sequence[str]) -> Restoration:
    pages = _read(parts, keys) if keys else []
    with parts.services.warehouse.session() as session:
        return restoration(
            session,
            parts.contract,
            parts.models,
            parts.facts,
            plan_table=plan.table,
            read_back=pages,
        )


def _paused(parts: Parts) -> str | None:
    contract = parts.contract
    switch = parts.ledger.switches.paused(contract.sync, contract.destination.connection)
    return None if switch is None else f"{switch.scope} is paused: {switch.reason}"
