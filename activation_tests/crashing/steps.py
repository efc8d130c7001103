"""Where a process can be killed: on either side of every step that it takes, and in between."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from urllib3.connection import HTTPConnection

from activation.ledger import Ledger, batches, clearing, opening, store
from activation.ledger.leases import Leases
from activation.ledger.plans import Plans
from activation.ledger.runs import Runs
from activation.sync import folding, planning, settling

_WRITES = ("POST", "PATCH", "PUT", "DELETE")


@dataclass(frozen=True, slots=True)
class Death:
    """The n-th time that a process comes to a step is its last."""

    step: str
    times: int


_CALLS: dict[str, tuple[Any, str]] = {
    "settling": (settling, "settle"),
    "lease": (Leases, "acquire"),
    "release": (Leases, "release"),
    "freezing": (planning, "make_plan"),
    "plan": (Plans, "record"),
    "verdicts": (Plans, "record_verdicts"),
    "progress": (Plans, "mark"),
    "intent or outcome": (Ledger, "write"),
    "clearance": (clearing, "clear"),
    "intent": (batches, "intend"),
    "outcome": (batches, "settle"),
    "merge": (folding, "fold"),
    "folded mark": (folding, "mark_folded"),
    "end of run": (Runs, "end"),
}
"""The steps, by what carries each out."""

STEPS = (
    *(f"{side} {step}" for step in _CALLS for side in ("before", "after")),
    "before sending",
    "sent and not answered",
    "answered and not read",
    "before a commit",
)

_SEVERAL = ("intent or outcome", "clearance", "intent", "outcome")
REPEATED = frozenset({*(f"{side} {step}" for step in _SEVERAL for side in ("before", "after"))}) | {
    "before sending",
    "sent and not answered",
    "answered and not read",
    "before a commit",
}
"""Steps that one run comes to several times; it takes the others once."""


@contextmanager
def dying(death: Death | None) -> Iterator[None]:
    """Let this process be killed at that step."""
    if death is None:
        yield
        return
    passed: Counter[str] = Counter()

    def pass_by(step: str) -> None:
        passed[step] += 1
        if step == death.step and passed[step] == death.times:
            os.kill(os.getpid(), signal.SIGKILL)

    with ExitStack() as stack:
        for step, (home, name) in _CALLS.items():
            around = _around(getattr(home, name), step, pass_by)
            stack.enter_context(patch.object(home, name, around))
        for home, name, around in _on_the_wire(pass_by):
            stack.enter_context(patch.object(home, name, around))
        stack.enter_context(patch.object(opening, "open_store", _committing(pass_by)))
        yield


def _around(call: Callable[..., Any], step: str, pass_by: Callable[[str], None]) -> Any:
    def around(*args: Any, **kwargs: Any) -> Any:
        pass_by(f"before {step}")
        result = call(*args, **kwargs)
        pass_by(f"after {step}")
        return result

    return around


def _on_the_wire(pass_by: Callable[[str], None]) -> Iterator[tuple[Any, str, Any]]:
    request, getresponse = HTTPConnection.request, HTTPConnection.getresponse

    def sending(connection: HTTPConnection, method: str, *args: Any, **kwargs: Any) -> None:
        connection.writes = method in _WRITES  # type: ignore[attr-defined]
        if connection.writes:  # type: ignore[attr-defined]
            pass_by("before sending")
        request(connection, method, *args, **kwargs)

    def listening(connection: HTTPConnection) -> Any:
        writes = connection.writes  # type: ignore[attr-defined]
        if writes:
            pass_by("sent and not answered")
        answer = getresponse(connection)
        if writes:
            pass_by("answered and not read")
        return answer

    yield HTTPConnection, "request", sending
    yield HTTPConnection, "getresponse", listening


def _committing(pass_by: Callable[[str], None]) -> Any:
    open_store = store.open_store

    def opened(*args: Any, **kwargs: Any) -> Any:
        made = open_store(*args, **kwargs)
        sa.event.listen(made.engine, "commit", lambda _: pass_by("before a commit"))
        return made

    return opened
