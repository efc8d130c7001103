"""One look at every sync: keep what changed, and tell it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from activation.alerting.channels import Notify, send
from activation.alerting.messages import message
from activation.alerting.observing import Snapshot, observe
from activation.contract.model import Contract
from activation.errors import ActivationError
from activation.ledger import Ledger
from activation.ledger.alerts import AlertRecord
from activation.ledger.plans import VerdictRecord

_RUNS = 5


@dataclass(frozen=True, slots=True)
class Look:
    """What one look came to."""

    firing: tuple[AlertRecord, ...]
    told: tuple[AlertRecord, ...]
    troubles: tuple[str, ...]
    """Why a message could not be sent; it is tried again at the next look."""


def watch(
    contracts: Iterable[Contract],
    ledger: Ledger,
    *,
    home: Path,
    env: Mapping[str, str],
    notify: Notify | None = None,
) -> Look:
    """
    Look at every sync, keep which alerts fire, and tell each change once.

    Raises:
        Unavailable: the ledger cannot be reached.
    """
    known = {contract.sync: contract for contract in contracts}
    for contract in known.values():
        ledger.alerts.keep(contract.sync, observe(snapshot(contract, ledger)))
    told: list[AlertRecord] = []
    troubles: list[str] = []
    for record in ledger.alerts.list(untold=True):
        if record.sync not in known:
            continue  # the contract is gone, and with it whoever wanted to know
        said = message(record, known[record.sync])
        try:
            send(said, home=home, env=env, now=ledger.store.clock.now(), notify=notify)
        except ActivationError as error:
            troubles.append(str(error))
            continue
        ledger.alerts.told(record)
        told.append(record)
    return Look(tuple(ledger.alerts.list(firing=True)), tuple(told), tuple(troubles))


def snapshot(contract: Contract, ledger: Ledger) -> Snapshot:
    """Return what the ledger knows of a sync now."""
    sync, connection = contract.sync, contract.destination.connection
    plans = [ledger.plans.latest(sync, phase.name) for phase in contract.rollout.phases]
    plan = max((p for p in plans if p is not None), key=lambda p: p.created_at, default=None)
    switch = ledger.switches.paused(sync, connection)
    opened = ledger.phases.opened(sync)
    return Snapshot(
        contract=contract,
        now=ledger.store.clock.now(),
        plan=plan,
        verdicts=None if plan is None else _standing(ledger, plan.digest),
        runs=ledger.runs.list(sync, limit=_RUNS),
        in_doubt=ledger.batches.unknown(sync),
        paused=None
        if switch is None
        else f"{switch.scope} was paused by {switch.author}: {switch.reason}",
        stopped=next(
            (f"phase {p.phase}: {p.stopped_because}" for p in opened if p.stopped_at), None
        ),
        open_since=min((phase.opened_at for phase in opened), default=None),
    )


def _standing(ledger: Ledger, digest: str) -> dict[str, VerdictRecord]:
    """Return the verdicts on a plan but those that somebody answers for."""
    approved = ledger.approvals.of(digest)
    verdicts = ledger.plans.verdicts(digest)
    return {gate: verdict for gate, verdict in verdicts.items() if gate not in approved}
