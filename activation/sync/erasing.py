"""
Erasures that are due for one sync: look, remove, look again, and forget what we kept.

Whoever runs a sync carries them out first: the command, the job in the UI, and every plan.
Each step may be repeated; what is not confirmed stays due.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from activation.contract.people import person_key, whom
from activation.delivery.engine import deliver
from activation.delivery.order import BOUNDS, DeliveryOrder, target_of
from activation.delivery.wire import ThreadWire
from activation.destinations.traits import Reading, Removal, Verb
from activation.errors import ConfigurationError, DestinationError, Stopped
from activation.gates.verdict import Gate, Verdict
from activation.ledger.erasures import Erasure, ErasureState
from activation.ledger.gates import GATES
from activation.planning.actions import drop_plans
from activation.planning.erasure import PHASE, plan_erasure
from activation.planning.images import images_table
from activation.planning.kept import kept_table
from activation.planning.people import (
    Received,
    forget_people,
    forget_rows,
    noted_people,
    planned,
    received,
)
from activation.planning.state import removed_table, state_table
from activation.planning.unrestored import unrestored_table
from activation.sync.folding import fold_delivered
from activation.sync.parts import Parts
from activation.sync.settling import settle_unknown
from activation.warehouse.port import Session

_BY_HAND = "remove it there by hand, then say so: `activation erasures settle`"


@dataclass(slots=True)
class _Case:
    """One person in the destination of the sync."""

    erasure: Erasure
    key: str
    """As it was given."""
    rows: list[Received] = field(default_factory=list)

    def keys(self, *, alone: bool) -> dict[str, str | None]:
        """Return the sync keys by which a record may be there; `alone`: the key is all of one."""
        found = {row.sync_key: row.destination_id for row in self.rows}
        return found or ({self.key: None} if alone else {})


def how(parts: Parts) -> tuple[Verb | None, str]:
    """Return the verb by which the destination erases, and what that does, as a sentence."""
    destination, contract = parts.destination, parts.contract
    traits = destination.object_traits(contract.destination.object)
    for verb in (Verb.ERASE, Verb.REMOVE):
        try:
            destination.endpoint(target_of(contract, verb), rows=1)
        except ConfigurationError:
            continue
        if verb is Verb.ERASE:
            return verb, "erased for good"
        match traits.removal:
            case Removal.UNLINKED:
                return verb, "taken out of its audience"
            case Removal.DELETED:
                return verb, "deleted; nobody can bring it back"
            case Removal.RECYCLED | Removal.ARCHIVED:
                days = traits.restorable.days if traits.restorable else 0
                return verb, f"{traits.removal}; its own users can bring it back for {days} days"
    return None, f"out of reach of this adapter; {_BY_HAND}"


def carry_out(parts: Parts, *, run_id: str) -> tuple[Erasure, ...]:
    """
    Carry out what is due, as far as it goes now, and return how far each has come.

    Raises:
        Busy: a run of the sync is under way; what is due stays due.
        Paused: nothing is sent now.
        Unavailable: warehouse, ledger or vendor cannot be reached.
    """
    ledger, contract = parts.ledger, parts.contract
    due = ledger.erasures.list(sync=contract.sync, states=[ErasureState.OPEN])
    if not due:
        return ()
    ledger.switches.check(contract.sync, contract.destination.connection)
    # Once the lease was ours, no run is left that began before it knew of the tombstone.
    lease = ledger.leases.acquire(contract.sync, run_id, seconds=BOUNDS.lease_seconds)
    ledger.leases.release(lease)
    asyncio.run(settle_unknown(parts, run_id))
    cases, lost = _cases(parts, due)
    verb, effect = how(parts)
    there = _read(parts, cases)
    told: dict[str, str] = {}
    if verb is not None and there:
        digest, told = _remove(parts, there, verb, run_id)
        there = _read(parts, cases)
        if not there:
            # What was queued has taken effect, so that nothing of it is on its way.
            ledger.fences.lift(digest)
    judged = [_judged(parts, case, there, verb, effect, told) for case in cases]
    _forget(parts, [case for case, one in zip(cases, judged, strict=True) if not one.due])
    ledger.erasures.keep([*lost, *judged])
    _let_go(parts)
    return (*lost, *judged)


def _cases(parts: Parts, due: Sequence[Erasure]) -> tuple[list[_Case], list[Erasure]]:
    """Return whom something is due, and the erasures whose person nobody knows any more."""
    keys = parts.ledger.people.keys
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
        noted = noted_people(session)
        names = {key.person(person_key(n)): n for n in noted for key in keys}
        cases = [_Case(e, names[e.person]) for e in due if e.person in names]
        found = received(session, parts.contract, [case.key for case in cases])
    for case in cases:
        case.rows = [row for row in found if row.person == person_key(case.key)]
    why = "the warehouse no longer has the person's key; give it again: `activation erase`"
    return cases, [replace(e, why=why) for e in due if e.person not in names]


def _read(parts: Parts, cases: Sequence[_Case]) -> dict[str, str | None]:
    """Return the records of these people that are there, by key; all that may be, if unreadable."""
    contract = parts.contract
    alone = len(contract.source.grain) == 1
    keys = {key: i for case in cases for key, i in case.keys(alone=alone).items()}
    if not keys or parts.facts.traits.reading is Reading.NEVER:
        return {key: i for case in cases for key, i in case.keys(alone=False).items()}
    # Only the key is read: nothing else of the person is wanted here.
    target = replace(target_of(contract), fields=())
    found: dict[str, str | None] = {}
    try:
        for page in parts.destination.read_back(target, sorted(keys)):
            for row in page.rows.to_pylist():
                found[row["sync_key"]] = row["destination_id"]
    except DestinationError as error:
        raise parts.unreachable(error) from None
    return found


def _remove(
    parts: Parts, keys: Mapping[str, str | None], verb: Verb, run_id: str
) -> tuple[str, dict[str, str]]:
    """Send the removal of these records; return the plan, and by key what the vendor refused."""
    ledger, contract = parts.ledger, parts.contract
    seen = ledger.plans.last_attempt(contract.sync)
    with parts.services.warehouse.session() as session:
        plan = plan_erasure(session, contract, parts.facts, keys, verb=verb, now=parts.clock.now())
    ledger.plans.record(
        plan,
        connection=contract.destination.connection,
        attempts_seen=seen,
        summary={"run_id": run_id, "reason": "an erasure"},
    )
    summary = "An erasure only takes data away; the kill switch is asked before each request."
    verdicts = [Verdict(Gate(gate), passed=True, summary=summary) for gate in sorted(GATES)]
    ledger.plans.record_verdicts(plan.digest, verdicts)
    order = DeliveryOrder(plan.digest, contract, run_id, headroom=parts.connection.headroom)
    asyncio.run(_send(parts, order, plan.digest))
    with parts.services.warehouse.session() as session:
        fold_delivered(parts, session)
    letters = ledger.dead_letters.list(contract.sync, state=None)
    ordered = sorted(keys)
    refused = {
        ordered[one.action_no]: one.code for one in letters if one.plan_digest == plan.digest
    }
    return plan.digest, refused


async def _send(parts: Parts, order: DeliveryOrder, digest: str) -> None:
    with ThreadWire(requests=parts.contract.quota.concurrency) as wire:
        await deliver(
            order,
            destination=parts.destination,
            actions=parts.actions(parts.ledger.plans.get(digest)),
            ledger=parts.ledger,
            clock=parts.clock,
            wire=wire,
            randomness=random.Random(),  # noqa: S311 - jitter, not a secret
            progress=lambda _: None,
        )


def _judged(  # noqa: PLR0913, PLR0917 - all that decides it
    parts: Parts,
    case: _Case,
    there: Mapping[str, str | None],
    verb: Verb | None,
    effect: str,
    told: Mapping[str, str],
) -> Erasure:
    """Return how far an erasure has come."""
    erasure, now = case.erasure, parts.clock.now()
    person = person_key(case.key)
    of = whom(parts.contract) or person_key
    theirs = [key for key in there if of(key) == person]
    erasure = replace(
        erasure,
        first_at=min((r.first_at for r in case.rows), default=erasure.first_at),
        last_at=max((r.last_at for r in case.rows), default=erasure.last_at),
    )
    if theirs and verb is None:
        return replace(erasure, state=ErasureState.BEYOND, why=effect)
    unreadable = parts.facts.traits.reading is Reading.NEVER
    refused = sorted({told[key] for key in theirs if key in told})
    if theirs and not unreadable:
        lag = parts.facts.traits.read_lag
        why = "the record is still there"
        if refused:
            why = f"the vendor refused the removal ({', '.join(refused)})"
        elif lag:
            minutes = lag.total_seconds() / 60
            why = f"a read may show what is gone for {minutes:g} minutes; the next look tells"
        return replace(erasure, why=why)
    if until := _fenced(parts, case):
        why = f"an earlier request may take effect until {until:%Y-%m-%d %H:%M} UTC"
        return replace(erasure, why=why)
    if _in_use(parts, case):
        return replace(erasure, why="a plan that is not settled yet holds a row of the person")
    received_ever = erasure.last_at is not None or bool(theirs)
    restorable = parts.facts.traits.restorable if verb is Verb.REMOVE and received_ever else None
    done = "never received" if not received_ever else effect
    if unreadable and received_ever:
        done = f"{effect}; nobody can read it back"
    return replace(
        erasure,
        state=ErasureState.CONFIRMED,
        why=done,
        done_at=now,
        restorable_until=None if restorable is None else now + restorable,
    )


def _fenced(parts: Parts, case: _Case) -> datetime | None:
    """Return until when a request that may still land could bring the person back."""
    ledger = parts.ledger
    fences = [
        fenced
        for fenced in ledger.fences.of(parts.contract.sync)
        if ledger.plans.get(fenced.plan_digest).phase != PHASE
    ]
    if not fences:
        return None
    tables = sorted({fenced.plan_table for fenced in fences})
    with parts.services.warehouse.session() as session:
        numbers = planned(session, parts.contract, [case.key], tables)
    ends = [
        fenced.until
        for fenced in fences
        for first, last in fenced.actions
        if any(n is not None and first <= n <= last for n in numbers.get(fenced.plan_table, ()))
    ]
    return max(ends, default=None)


def _in_use(parts: Parts, case: _Case) -> bool:
    """Return whether a plan's table that is still needed holds a row of the person."""
    needed = parts.ledger.plans.tables_unsettled(parts.contract.sync)
    with parts.services.warehouse.session() as session:
        return bool(planned(session, parts.contract, [case.key], sorted(needed)))


def _forget(parts: Parts, cases: Sequence[_Case]) -> None:
    """Forget what we kept of those who are erased: state, images, lists, plans, dead letters."""
    if not cases:
        return
    ledger, sync = parts.ledger, parts.contract.sync
    keys = {key for case in cases for key in (*case.keys(alone=False), case.key)}
    names = {name for key in keys for name in ledger.people.keys.rows(sync, key)}
    with parts.services.warehouse.session() as session:
        for name in (
            state_table(sync),
            removed_table(sync),
            images_table(sync),
            unrestored_table(sync),
            kept_table(sync),
        ):
            forget_rows(session, name, keys)
        _drop_plans(parts, session, [case.key for case in cases])
    ledger.dead_letters.erase(sync, names)


def _drop_plans(parts: Parts, session: Session, people: Sequence[str]) -> None:
    """Drop the tables of plans that hold rows of these people; the plans are made again."""
    sync = parts.contract.sync
    used = parts.ledger.plans.tables_in_use(sync)
    holding = planned(session, parts.contract, people, sorted(used))
    drop_plans(session, sync, used - holding.keys())


def _let_go(parts: Parts) -> None:
    """Forget the keys of people for whom nothing is due any more, in any sync."""
    ledger = parts.ledger
    due = {e.person for e in ledger.erasures.list(states=[ErasureState.OPEN])}
    keys = ledger.people.keys
    with parts.services.warehouse.session() as session:
        done = [
            person
            for person in noted_people(session)
            if ledger.people.is_erased(person_key(person))
            and not due & {key.person(person_key(person)) for key in keys}
        ]
        forget_people(session, done)


def carry_out_first(parts: Parts, *, run_id: str) -> None:
    """Carry out what is due before a plan is made; what does not go now stays due."""
    with suppress(Stopped):
        carry_out(parts, run_id=run_id)
