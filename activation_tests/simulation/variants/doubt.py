"""Defects about what nobody answered: intents, fences, repetitions."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from activation.delivery import carrying, doubt, engine, recovery, sending, settling
from activation.delivery.calls import Calls
from activation.delivery.parcels import again
from activation.delivery.settling import Settling
from activation.destinations.traits import EndpointClass
from activation.errors import Applied, Transient
from activation.ledger import batches
from activation.ledger.batches import OPEN, BatchState
from activation.ledger.fences import Fences
from activation_tests.simulation.planner import FrozenActions
from activation_tests.simulation.variants.patches import Variants

_answered = Settling.answered
_unanswered = Settling.unanswered
_settle = batches.settle
_put = batches.put
_make = Calls._make
_read = FrozenActions.read
_may_go = doubt.same_bytes_may_go
_ALSO_DELIVERED = (*OPEN, BatchState.DELIVERED)


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


def _newest_rows(actions: Any, first: int, last: int) -> Any:
    rows = _read(actions, first, last)
    now = actions.warehouse.source.rows
    stamps = [now[key].version for key in rows["sync_key"].to_pylist()]
    at = rows.schema.get_field_index("Stamp")
    return rows.set_column(at, "Stamp", [stamps])


def _at_any_time(calls: Any, clearance: Any, deadline: Any, call: Any) -> Any:
    return _make(calls, clearance, deadline + timedelta(days=1), lambda _: call(60))


def _forget_attempt(connected: Any, endings: Any, at: Any) -> None:
    kept = [(batch, ending) for batch, ending in endings if ending.state is BatchState.DELIVERED]
    _settle(connected, kept, at)


async def _any_bytes(batch: Any, actions: Any, path: Any) -> Any:
    cut = batch.cut
    rows = await carrying.read(actions, cut.first_action, cut.last_action, path.wire)
    return again(batch, rows, path.routes)


def _goes_again(kind: EndpointClass) -> Any:
    return lambda traits, **asked: traits.endpoint_class is kind or _may_go(traits, **asked)


def _horizon_only(traits: Any, deadline: Any) -> Any:
    return deadline + traits.horizon


def _given_fence(_traits: Any, fence: Any) -> Any:
    return fence


VARIANTS: Variants = {
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
    "newer values in a repeated request": lambda: [
        patch.object(FrozenActions, "read", _newest_rows)
    ],
    "an acknowledged batch goes again": lambda: [
        patch.object(engine, "OPEN", _ALSO_DELIVERED),
    ],
    "an outcome not kept": lambda: [patch.object(batches, "settle", _forget_attempt)],
    "any bytes for a batch in doubt": lambda: [
        patch.object(engine, "reopened", _any_bytes),
        patch.object(recovery, "reopened", _any_bytes),
        patch.object(FrozenActions, "read", _newest_rows),
    ],
    "a creation without a key goes again": lambda: [
        patch.object(sending, "same_bytes_may_go", _goes_again(EndpointClass.UNKEYED)),
    ],
    "the life of an idempotency key not looked at": lambda: [
        patch.object(sending, "same_bytes_may_go", _goes_again(EndpointClass.IDEMPOTENT_CREATE)),
    ],
    "a creation in doubt planned anew": lambda: [
        patch.object(sending, "fence_of_intent", _horizon_only),
        patch.object(settling, "fence_of_attempt", _horizon_only),
        patch.object(settling, "fence_of_doubt", _given_fence),
        patch.object(carrying, "fence_of_doubt", _given_fence),
    ],
}
