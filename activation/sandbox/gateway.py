"""
The way of a request through the sandbox: log, fault, vendor, answer.

A fault decides whether the vendor sees the request, when, and what of the answer gets back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from activation.clock import Clock
from activation.sandbox.faults import Fault, FaultName, Faults
from activation.sandbox.requests_log import Note, RequestsLog
from activation.sandbox.system import System

ADMIN = "/_sandbox"
NOTE = "sandbox.note"
"""Where in the ASGI scope a vendor finds the note it fills in."""

_ANSWERED_UNAPPLIED = frozenset(
    {
        FaultName.UNAVAILABLE,
        FaultName.EXPIRED_SESSION,
        FaultName.QUOTA_EXHAUSTED,
        FaultName.RATE_LIMITED,
        FaultName.STATUS,
        FaultName.STORED_NOTHING,
        FaultName.WHOLE_BATCH_REFUSED,
    }
)
Connections: TypeAlias = MutableMapping[tuple[str, int], asyncio.Transport]
"""The open connections by the caller's host and port."""


@dataclass(slots=True)
class _Captured:
    """A vendor's answer before it is sent."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message["headers"])
        else:
            self.body += message.get("body", b"")

    def response(self) -> Response:
        response = Response(self.body, self.status)
        response.raw_headers = [h for h in self.headers if h[0] != b"content-length"]
        response.raw_headers.append((b"content-length", str(len(self.body)).encode()))
        return response


class Gateway:
    """The outermost application."""

    def __init__(  # noqa: PLR0913
        self,
        app: ASGIApp,
        *,
        systems: Sequence[System],
        faults: Faults,
        log: RequestsLog,
        clock: Clock,
        outside: Clock,
        connections: Connections,
    ) -> None:
        """Stand before `app`, which holds the routes of all systems."""
        self._app = app
        self._systems = systems
        self._faults = faults
        self._log = log
        self._clock = clock
        self._outside = outside
        self._connections = connections
        self._late: set[asyncio.Task[_Captured]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        path = scope["path"]
        scope["path"] = path.rstrip("/") or "/"
        system = next((s for s in self._systems if s.owns(path)), None)
        if system is None:
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return  # whoever sent it is gone, and half a request is none
        is_data = system.is_data(path)
        fault = self._faults.request_fault(system.name, method, path, body, is_data=is_data)
        struck = fault.name.value if fault else None
        now = self._clock.now()
        entry = self._log.arrived(now, system.name, method, system.logged_path(path), struck)
        try:
            answer = await self._answer(scope, body, system, entry, fault)
        except asyncio.CancelledError:
            # The sandbox is going down; whoever still waits sees the line drop.
            answer = None
        if answer is None:
            await self._hang_up(scope)
        else:
            # As every vendor's server does, on the clock that its headers speak of.
            answer.headers["Date"] = format_datetime(self._outside.now(), usegmt=True)
            await answer(scope, receive, send)

    async def _answer(
        self, scope: Scope, body: bytes, system: System, entry: int, fault: Fault | None
    ) -> Response | None:
        """Return what goes back to the caller; None means that the line drops."""
        if fault is None:
            captured = await self._apply(scope, body, entry, answered=True)
            return captured.response()
        if fault.name in _ANSWERED_UNAPPLIED:
            refusal = system.refusal(fault, _headers(scope))
            if (wait := fault.options.get("retry_after")) is not None:
                refusal.headers["Retry-After"] = str(wait)
            self._log.handled(entry, refusal.status_code, Note(), answered=True)
            return refusal
        if fault.name is FaultName.LOST_REQUEST:
            return None
        if fault.name is FaultName.LATE_APPLY:
            task = asyncio.ensure_future(self._apply_late(scope, body, entry, fault.seconds(5)))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return None
        if fault.name is FaultName.SLOW:
            await self._clock.sleep(fault.seconds(1))
            return (await self._apply(scope, body, entry, answered=True)).response()
        return await self._spoilt(scope, body, system, entry, fault)

    async def _spoilt(
        self, scope: Scope, body: bytes, system: System, entry: int, fault: Fault
    ) -> Response | None:
        """Apply the request, and return something other than the vendor's answer."""
        answered = fault.name in (FaultName.SERVER_ERROR_AFTER_APPLY, FaultName.GARBLED_ANSWER)
        captured = await self._apply(scope, body, entry, answered=answered)
        if fault.name is FaultName.SERVER_ERROR_AFTER_APPLY:
            return system.refusal(fault, _headers(scope))
        if fault.name is FaultName.GARBLED_ANSWER:
            return _garble(captured, str(fault.options.get("kind", "truncated")))
        if fault.name is FaultName.TIMEOUT_AFTER_APPLY:
            await self._clock.sleep(fault.seconds(0))
        return None

    async def _apply_late(self, scope: Scope, body: bytes, entry: int, seconds: float) -> _Captured:
        await self._clock.sleep(seconds)
        return await self._apply(scope, body, entry, answered=False)

    async def _apply(self, scope: Scope, body: bytes, entry: int, *, answered: bool) -> _Captured:
        """Let the vendor handle the request, and log what it did."""
        note = Note()
        captured = _Captured()

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app({**scope, NOTE: note}, replay, captured.send)
        self._log.handled(entry, captured.status, note, answered=answered)
        return captured

    async def _hang_up(self, scope: Scope) -> None:
        """Drop the connection without a byte of an answer."""
        transport = self._connections.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()
        # The server hears of the abort in a later turn; until then it would answer with 500.
        while tuple(scope["client"]) in self._connections:  # noqa: ASYNC110
            await asyncio.sleep(0)


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _garble(captured: _Captured, kind: str) -> Response:
    if kind == "html":
        page = b"<html><body><h1>We are down for maintenance</h1></body></html>"
        return Response(page, 200, media_type="text/html")
    cut = captured.body[: len(captured.body) // 2] if kind == "truncated" else b""
    return _Captured(captured.status, captured.headers, cut).response()


def note_of(scope: Mapping[str, Any]) -> Note:
    """Return the note of the request that a vendor is handling."""
    note: Note = scope[NOTE]
    return note
