"""The destination in memory, so that engine tests rest on something that keeps the same rules."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import orjson
import pytest

from activation.contract.model import NullPolicy
from activation.destinations.base import Destination, Fate, RowError, Target
from activation.destinations.memory import Fault, MemoryDestination
from activation.destinations.memory import Trouble as Scripted
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import (
    Gone,
    Repeated,
    Subject,
    Trouble,
    mapping,
    never,
)

_SCRIPT = {
    Trouble.DOWN: Scripted.LOST_REQUEST,
    Trouble.LOST_REQUEST: Scripted.LOST_REQUEST,
    Trouble.LOST_ANSWER: Scripted.LOST_ANSWER,
    Trouble.SILENCE: Scripted.LOST_ANSWER,
    Trouble.EXPIRED: Scripted.ACCESS,
    Trouble.QUOTA: Scripted.QUOTA,
    Trouble.REFUSED: Scripted.REFUSED,
}
_LOCKED = RowError("LOCKED", "somebody else writes it", Fate.RETRYABLE)
_SPOILT = RowError("SPOILT", "this row is no good", Fate.PERMANENT)
_NO_SCHEMA = never(NotImplementedError, "it has no schema to hold rows against")


class Memory(Subject):
    """Records in a dictionary, trouble out of a script."""

    name = "memory"
    system = "memory"
    target = Target(
        "Contact",
        "Key__c",
        (mapping("Title", "text(80)"), mapping("Town", "text(80)", NullPolicy.KEEP)),
    )
    endpoint = "upsert"
    text = "Title"
    kept = "Town"
    sought = "Title"
    spoilt: ClassVar = {"Title": "spoilt"}
    repeated = Repeated.ONE_WINS
    deleted = Gone.MADE_ANEW
    merged = Gone.MADE_ANEW
    renews_access = False
    paces: ClassVar = {"requests at once": {}}
    gaps: ClassVar = {
        "null_keeps_a_field": never(AssertionError, "it stores what it is given"),
        "unknown_field": _NO_SCHEMA,
        "shortened_field": _NO_SCHEMA,
        "describe": never(AssertionError, "it describes what a test tells it to"),
        "oversize_batch": never(pytest.fail.Exception, "it takes batches of any size"),
        "server_error_after_apply": never(KeyError, "its script has no status codes"),
        "tampered_answers": never(AssertionError, "its answers are its own"),
        "garbled_answer": never(KeyError, "its answers are its own"),
        "access_refused_for_good": never(NotImplementedError, "it has no session"),
        "merged_record": never(NotImplementedError, "nobody works in it by hand"),
        "restored_record": never(NotImplementedError, "nobody works in it by hand"),
        "deleted_record": never(NotImplementedError, "nobody works in it by hand"),
        "preflight_tells_what_is_too_much": never(AssertionError, "it knows one permission"),
        "preflight_misses_a_permission": never(NotImplementedError, "all is allowed"),
    }

    def connect(self, time: SharedTime) -> Destination:  # noqa: ARG002 - it knows no time
        """Return an empty account."""
        self.account = _Account()
        return self.account

    def row(self, number: int) -> dict[str, Any]:
        """Return a title and a town."""
        return {"Title": f"Title {number}", "Town": f"Town {number}"}

    def make_keyless(self, number: int) -> str:
        """Put a record beside those that have a key."""
        self.account.keyless["m-keyless"] = self.row(number)
        return "m-keyless"

    def arrange(self, trouble: Trouble, **_options: Any) -> None:
        """Write it into the script."""
        if trouble is Trouble.LOCKED:
            self.account.locked = True
        else:
            self.account._script.append(Fault(_SCRIPT[trouble]))

    def poison(self, key: str) -> None:
        """Name the key."""
        self.account._poison |= {key}

    def limit(self, fault: Mapping[str, Any]) -> None:  # noqa: ARG002 - it has one
        """Turn the next request away."""
        self.account._script.append(Fault(Scripted.RATE_LIMITED, retry_after=1))

    def stored(self, key: str) -> Mapping[str, Any] | None:
        """Return the record."""
        return self.account.records.get(key)

    def count(self) -> int:
        """Return how many there are."""
        return len(self.account.records) + len(self.account.keyless)


class _Account(MemoryDestination):
    """Refuses rows by what stands in them, as vendors do."""

    locked = False

    def _apply(self, payload: bytes) -> dict[str, Any]:
        for record in orjson.loads(payload)["records"]:
            if self.locked:
                self._row_errors[record["key"]] = deque([_LOCKED])
            if record["fields"].get("Title") == "spoilt":
                self._row_errors[record["key"]] = deque([_SPOILT])
        self.locked = False
        return super()._apply(payload)
