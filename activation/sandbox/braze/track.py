"""/users/track: what is sound is queued and billed, what is not is told by its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from activation.sandbox.braze.billing import Billing
from activation.sandbox.braze.errors import (
    bad_request,
    json_answer,
    no_valid_data,
    too_many_objects,
)
from activation.sandbox.braze.objects import ARRAYS, too_long, unsound
from activation.sandbox.braze.queue import Queue
from activation.sandbox.braze.quirks import (
    BATCH_COUNTING,
    BATCH_LIMIT,
    MAINTENANCE,
    SUCCESS_STATUS,
)
from activation.sandbox.faults import Fault, FaultName
from activation.sandbox.quirks import Quirks
from activation.sandbox.requests_log import Note
from activation.sandbox.state import State

_LARGE = 90_000
"""Bytes of a body below which no object in it can be too long."""


class Track:
    """Accepts attributes, events and purchases."""

    def __init__(self, state: State, queue: Queue, billing: Billing, quirks: Quirks) -> None:
        self._state = state
        self._queue = queue
        self._billing = billing
        self._quirks = quirks

    def accept(
        self, body: Mapping[str, Any], faults: Sequence[Fault], note: Note, *, size: int
    ) -> Response:
        """Queue the sound objects of a request; raise Refused if there are none."""
        arrays = _arrays(body)
        self._check_count([len(items) for items in arrays.values()])
        note.rows = sum(map(len, arrays.values()))
        errors: list[dict[str, Any]] = []
        sound: dict[str, list[Any]] = {name: [] for name in arrays}
        for name, items in arrays.items():
            for place, item in enumerate(items):
                wrong = unsound(item, name) or _struck(faults, item)
                if wrong is None and size > _LARGE and too_long(item):
                    wrong = "The object is larger than 100 KB."  # words not sourced
                if wrong is None:
                    sound[name].append(item)
                else:
                    errors.append({"type": wrong, "input_array": name, "index": place})
        if not any(sound.values()):
            raise no_valid_data(errors)
        self._take(sound, note)
        if self._quirks.on(MAINTENANCE):
            return json_answer({"message": "queued"}, 202)
        counts = {f"{name}_processed": len(items) for name, items in sound.items()}
        content: dict[str, Any] = {**counts, "message": "success"}
        if errors:
            content["errors"] = errors
        return json_answer(content, int(self._quirks.number(SUCCESS_STATUS)))

    def _take(self, sound: Mapping[str, list[Any]], note: Note) -> None:
        with self._state.transaction():
            self._queue.add_objects(sound)
            for name, items in sound.items():
                self._billing.bill(name, items)
                note.keys += [str(i["external_id"]) for i in items if i.get("external_id")]

    def _check_count(self, counts: Sequence[int]) -> None:
        combined = self._quirks.value(BATCH_COUNTING) == "combined"
        largest = sum(counts) if combined else max(counts, default=0)
        if largest > self._quirks.number(BATCH_LIMIT):
            raise too_many_objects()


def _arrays(body: Mapping[str, Any]) -> dict[str, list[Any]]:
    arrays = {name: body[name] for name in ARRAYS if body.get(name) is not None}
    for name, items in arrays.items():
        if not isinstance(items, list):
            # Words not sourced.
            raise bad_request(f"'{name}' must be an array of objects")
    return arrays


def _struck(faults: Sequence[Fault], item: Mapping[str, Any]) -> str | None:
    """Return why an object is refused by one of the faults, or None."""
    for fault in faults:
        if fault.name is FaultName.ROW_LOCKED:
            if fault.random.random() < float(fault.options.get("share", 1.0)):
                return "The object could not be processed; try again later."  # words not sourced
        elif _holds(fault.options, item):
            return str(fault.options.get("message", "BLACKLISTED_EXTERNAL_USER_ID"))
    return None


def _holds(options: Mapping[str, Any], item: Mapping[str, Any]) -> bool:
    value = item.get(options["field"])
    return value is not None if "value" not in options else bool(value == options["value"])
