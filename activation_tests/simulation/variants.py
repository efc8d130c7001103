"""
Engines with one defect each: a simulator that does not notice them proves nothing.

Each is the real engine with one function put aside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from unittest.mock import patch

from activation.delivery import (
    admission,
    answers,
    carrying,
    engine,
    fold,
    recovery,
    sending,
    settling,
)
from activation.delivery.calls import Calls
from activation.delivery.consent import Consent
from activation.delivery.parcels import again
from activation.delivery.retry import Patience
from activation.delivery.settling import Settling
from activation.delivery.watch import Watch
from activation.destinations.base import Fate, RowError
from activation.errors import Applied, Transient
from activation.governor.pace import Pace
from activation.ledger import batches, clearing, dead_letters, leases, quota, switches, tables
from activation.ledger.attempts import Settlement
from activation.ledger.batches import OPEN, BatchState
from activation.ledger.fences import Fences
from activation.ledger.leases import Leases
from activation.ledger.plans import Plans
from activation.ledger.switches import Switches
from activation_tests.simulation import running
from activation_tests.simulation.planner import FrozenActions

Patches: TypeAlias = list[Any]

_intend, _acquire = batches.intend, Leases.acquire
_settle, _put = batches.settle, batches.put
_answered, _unanswered, _refused = Settling.answered, Settling.unanswered, Settling.refused
_letter = answers.letter
_sort, _receipts, _folding = answers.sort, answers.receipts, fold.receipts
_admit = admission.admit
_make = Calls._make
_wait, _read = Patience.wait, FrozenActions.read


def _nothing(*_: Any, **__: Any) -> None:
    return None


def _no_intent(connected: Any, intents: Any, _at: Any) -> None:
    _put(connected, [intent.cut for intent in intents])


def _short_fence(_traits: Any, deadline: Any) -> Any:
    return deadline


def _unfenced_answers(path: Any, parcel: Any, *rest: Any, **more: Any) -> Any:
    return _answered(path, replace(parcel, fence=None), *rest, **more)


def _surely_not_applied(path: Any, parcel: Any, error: Any, *rest: Any) -> Any:
    if isinstance(error, Transient):
        error.applied = Applied.NO
    return _unanswered(path, parcel, error, *rest)


def _all_delivered(results: Any) -> Any:
    return answers.Sorted(tuple(range(len(results))), (), ())


def _nothing_retryable(results: Any) -> Any:
    return replace(_sort(results), retryable=())


def _letter_for_good(parcel: Any, position: int, error: Any, **more: Any) -> Any:
    return _letter(parcel, position, replace(error, fate=Fate.PERMANENT), **more)


def _first_receipt_lost(*args: Any) -> Any:
    return _receipts(*args)[1:]


def _first_fold_lost(*args: Any) -> Any:
    folded = _folding(*args)
    for lost in folded[:1]:
        fold.mark_folded(args[0], lost)
    return folded[1:]


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


def _newest_rows(actions: Any, first: int, last: int) -> Any:
    rows = _read(actions, first, last)
    now = actions.warehouse.source.rows
    stamps = [now[key].version for key in rows["sync_key"].to_pylist()]
    at = rows.schema.get_field_index("Stamp")
    return rows.set_column(at, "Stamp", [stamps])


async def _poison_kills_all(path: Any, parcel: Any, error: Any, *, spent: Any) -> Any:
    letters = tuple(
        answers.letter(
            parcel,
            position,
            RowError(error.code, error.message, Fate.PERMANENT),
            now=path.clock.now(),
            longest_wait=0,
        )
        for position in range(parcel.cut.rows)
    )
    await path._record(
        Settlement(
            parcel.cut,
            BatchState.REFUSED,
            rejected=dict(parcel.cut.operations),
            fence_until=parcel.fence,
            letters=letters,
            spent=spent,
        )
    )
    return ()


def _at_once(patience: Any, **given: Any) -> Any:
    return None if _wait(patience, **given) is None else 0.001


def _without_end(patience: Any, *, tries: int, elapsed: float, **given: Any) -> Any:
    return _wait(patience, tries=1, elapsed=0 * elapsed * tries, **given)


def _at_any_time(calls: Any, clearance: Any, deadline: Any, call: Any) -> Any:
    return _make(calls, clearance, deadline + timedelta(days=1), lambda _: call(60))


async def _never(_watch: Any) -> None:
    return None


def _forget_attempt(connected: Any, endings: Any, at: Any) -> None:
    kept = [(batch, ending) for batch, ending in endings if ending.state is BatchState.DELIVERED]
    _settle(connected, kept, at)


def _lost_part(path: Any, *args: Any, **more: Any) -> Any:
    async def refused() -> Any:
        parts = await _refused(path, *args, **more)
        return parts[1:]

    return refused()


async def _any_bytes(batch: Any, actions: Any, path: Any) -> Any:
    cut = batch.cut
    rows = await carrying.read(actions, cut.first_action, cut.last_action, path.wire)
    return again(batch, rows, path.routes)


_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_ALSO_DELIVERED = (*OPEN, BatchState.DELIVERED)

VARIANTS: dict[str, Callable[[], Patches]] = {
    "no intent": lambda: [patch.object(batches, "intend", _no_intent)],
    "no fence": lambda: [patch.object(Fences, "of", lambda *_: ())],
    "a fence without horizon": lambda: [
        patch.object(sending, "fence_of_intent", _short_fence),
        patch.object(settling, "fence_of_attempt", _short_fence),
    ],
    "a later answer takes the fence away": lambda: [
        patch.object(Settling, "answered", _unfenced_answers)
    ],
    "a timeout means not applied": lambda: [
        patch.object(Settling, "unanswered", _surely_not_applied)
    ],
    "no deadline": lambda: [patch.object(Calls, "_make", _at_any_time)],
    "consent asked in the plan only": lambda: [patch.object(Consent, "revoked", _nobody_withdrew)],
    "consent asked once a delivery": lambda: [patch.object(Consent, "revoked", _asked_once)],
    "no quota check": lambda: [patch.object(clearing, "refusal", _nothing)],
    "the vendor's count unheard": lambda: [patch.object(quota, "correct", _nothing)],
    "a row error acknowledged": lambda: [patch.object(answers, "sort", _all_delivered)],
    "a row to repeat forgotten": lambda: [patch.object(answers, "sort", _nothing_retryable)],
    "a passing row error taken for good": lambda: [
        patch.object(answers, "letter", _letter_for_good)
    ],
    "newer values in a repeated request": lambda: [
        patch.object(FrozenActions, "read", _newest_rows)
    ],
    "a lease is anybody's": lambda: [
        patch.object(Leases, "acquire", _anybody_may),
    ],
    "no fencing token": lambda: [
        patch.object(leases, "hold", _nothing),
    ],
    "a lease given back for somebody else": lambda: [
        patch.object(Leases, "release", _released_for_all)
    ],
    "a receipt lost": lambda: [patch.object(answers, "receipts", _first_receipt_lost)],
    "a fold skipped": lambda: [patch.object(running, "receipts", _first_fold_lost)],
    "the kill switch read once": lambda: [
        patch.object(Watch, "keep", _never),
        patch.object(switches, "check", _nothing),
    ],
    "the kill switch not read": lambda: [
        patch.object(Switches, "check", _nothing),
        patch.object(switches, "check", _nothing),
    ],
    "verdicts not read": lambda: [patch.object(admission, "_gated", _nothing)],
    "a plan that is not the newest": lambda: [patch.object(admission, "_newest", _nothing)],
    "a plan of any age": lambda: [
        patch.object(engine, "admit", lambda order, ledger, _: _admit(order, ledger, _LONG_AGO)),
    ],
    "a plan that was overtaken": lambda: [
        patch.object(Plans, "overtaken_by", _nothing),
    ],
    "an acknowledged batch goes again": lambda: [
        patch.object(engine, "OPEN", _ALSO_DELIVERED),
    ],
    "an outcome not kept": lambda: [patch.object(batches, "settle", _forget_attempt)],
    "a poison row costs its neighbours": lambda: [
        patch.object(Settling, "refused", _poison_kills_all)
    ],
    "half of a refused batch lost": lambda: [patch.object(Settling, "refused", _lost_part)],
    "dead letters not kept": lambda: [patch.object(dead_letters, "add", _nothing)],
    "retry-after unheard": lambda: [
        patch.object(Patience, "wait", _at_once),
        patch.object(Pace, "rest", lambda *_: 0.0),
    ],
    "retries without end": lambda: [patch.object(Patience, "wait", _without_end)],
    "any bytes for a batch in doubt": lambda: [
        patch.object(engine, "reopened", _any_bytes),
        patch.object(recovery, "reopened", _any_bytes),
        patch.object(FrozenActions, "read", _newest_rows),
    ],
}


@contextmanager
def broken(name: str) -> Iterator[None]:
    """Put the engine's defect of that name in place."""
    with ExitStack() as stack:
        for patched in VARIANTS[name]():
            stack.enter_context(patched)
        yield
