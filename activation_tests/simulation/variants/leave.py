"""Defects about who may send what: consent, kill switch, verdicts, leases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from activation.delivery import admission, engine, parcels
from activation.delivery.consent import Consent
from activation.delivery.watch import Watch
from activation.destinations.traits import Verb
from activation.ledger import leases, switches, tables
from activation.ledger.leases import Leases
from activation.ledger.plans import Plans
from activation.ledger.ranges import gaps
from activation.ledger.switches import Switches
from activation_tests.simulation.variants.patches import Variants, nothing

_admit = admission.admit
_acquire = Leases.acquire
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


async def _nobody_withdrew(_consent: Any) -> frozenset[int]:
    return frozenset()


async def _asked_once(consent: Any) -> frozenset[int]:
    if consent._asked_at is None:
        consent._revoked = await consent._wire.run(consent._actions.revoked)
        consent._asked_at = 0.0
    revoked: frozenset[int] = consent._revoked
    return revoked


def _anybody_may(leases_: Any, sync: str, owner: str, *, seconds: float) -> Any:
    with leases_.store.write() as connected:
        connected.execute(tables.lease.delete())
    return _acquire(leases_, sync, owner, seconds=seconds)


def _released_for_all(leases_: Any, _lease: Any) -> None:
    with leases_.store.write() as connected:
        connected.execute(tables.lease.delete())


async def _never(_watch: Any) -> None:
    return None


def _never_renewed(connected: Any, lease: Any, _now: Any) -> None:
    held = connected.execute(leases._HELD, {"sync": lease.sync}).one_or_none()
    if held is None or held.token != lease.token:
        raise leases._busy(lease.sync, "somebody", _LONG_AGO)


def _one_stretch(rows: Any) -> Any:
    yield 0, rows, Verb(rows["verb"][0].as_py())


def _as_one(plan: Any, cuts: Any) -> Any:
    return gaps(cuts, 0, plan.to_send - 1)


VARIANTS: Variants = {
    "consent asked in the plan only": lambda: [patch.object(Consent, "revoked", _nobody_withdrew)],
    "consent asked once a delivery": lambda: [patch.object(Consent, "revoked", _asked_once)],
    "the kill switch read once": lambda: [
        patch.object(Watch, "keep", _never),
        patch.object(switches, "check", nothing),
    ],
    "the kill switch not read": lambda: [
        patch.object(Switches, "check", nothing),
        patch.object(switches, "check", nothing),
    ],
    "verdicts not read": lambda: [patch.object(admission, "_gated", nothing)],
    "a plan that is not the newest": lambda: [patch.object(admission, "_newest", nothing)],
    "a plan of any age": lambda: [
        patch.object(engine, "admit", lambda order, ledger, _: _admit(order, ledger, _LONG_AGO)),
    ],
    "a plan that was overtaken": lambda: [
        patch.object(Plans, "overtaken_by", nothing),
    ],
    "verbs share a request": lambda: [
        patch.object(parcels, "_of_one_verb", _one_stretch),
        patch.object(engine, "_stretches", _as_one),
    ],
    "a lease is anybody's": lambda: [
        patch.object(Leases, "acquire", _anybody_may),
    ],
    "no fencing token": lambda: [
        patch.object(leases, "hold", nothing),
    ],
    "a lease given back for somebody else": lambda: [
        patch.object(Leases, "release", _released_for_all)
    ],
    "a lease that nobody renews": lambda: [patch.object(leases, "hold", _never_renewed)],
}
