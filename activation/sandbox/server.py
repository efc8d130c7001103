"""Start the sandbox: one HTTP server on loopback, never on another interface."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from activation.clock import Clock, SystemClock
from activation.errors import Unavailable

if TYPE_CHECKING:
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from activation.sandbox.gateway import Connections

HOST = "127.0.0.1"
DEFAULT_PORT = 8765
_START_SECONDS = 10.0
_BACKLOG = 128


def serve(  # noqa: PLR0913
    state: Path,
    port: int = DEFAULT_PORT,
    *,
    clock: Clock | None = None,
    credentials: tuple[str, str] | None = None,
    log_keys: bool = False,
    time_scale: float = 1.0,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """
    Run the sandbox until it is interrupted.

    Args:
        state: the folder that keeps its state.
        port: the port on 127.0.0.1; 0 takes a free one.
        clock: what tells the time and lets it pass.
        credentials: the only client id and secret that are accepted; any by default.
        log_keys: keep the keys of written rows in the request log.
        time_scale: how many times faster its time runs: 1440 makes a day of a minute.
        on_ready: called with the base address before the first request is taken.

    Raises:
        Unavailable: the port is in use, or the state cannot be opened.
    """
    listener, address = _bind(port)
    with _listening(
        listener,
        state,
        address,
        clock,
        credentials,
        log_keys=log_keys,
        time_scale=time_scale,
    ) as server:
        if on_ready is not None:
            on_ready(address)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def running(  # noqa: PLR0913
    state: Path,
    port: int = 0,
    *,
    clock: Clock | None = None,
    credentials: tuple[str, str] | None = None,
    log_keys: bool = False,
    time_scale: float = 1.0,
) -> Iterator[str]:
    """
    Run the sandbox in a thread for as long as the block lasts; yield its base address.

    The arguments and the errors are those of `serve`.
    """
    listener, address = _bind(port)
    with _listening(
        listener,
        state,
        address,
        clock,
        credentials,
        log_keys=log_keys,
        time_scale=time_scale,
    ) as server:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="sandbox", daemon=True
        )
        thread.start()
        try:
            _await_start(server, thread)
            yield address
        finally:
            server.should_exit = True
            thread.join()


def _bind(port: int) -> tuple[socket.socket, str]:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Whoever connects before the server runs waits instead of being refused.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"Port {port} of {HOST} cannot be used by the sandbox: {error.strerror}.",
            hint="Choose another port with --port N, or let --port 0 take a free one.",
            port=port,
        ) from error
    return listener, f"http://{HOST}:{listener.getsockname()[1]}"


@contextmanager
def _listening(  # noqa: PLR0913
    listener: socket.socket,
    state: Path,
    address: str,
    clock: Clock | None,
    credentials: tuple[str, str] | None,
    *,
    log_keys: bool,
    time_scale: float,
) -> Iterator[uvicorn.Server]:
    connections: Connections = {}
    with listener:
        import uvicorn

        from activation.sandbox.admin import admin_routes
        from activation.sandbox.application import Application

        application = Application(
            state,
            address=address,
            clock=clock or SystemClock(),
            connections=connections,
            credentials=credentials,
            log_keys=log_keys,
            time_scale=time_scale,
        )
        try:
            config = uvicorn.Config(
                application.asgi(admin_routes(application)),
                http=_protocol(connections),
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                # The gateway's is on the clock that was handed in.
                date_header=False,
                # Longer than a caller pauses: a line dropped between requests is a fault's to drop.
                timeout_keep_alive=120,
                # A request held by a fault must not hold the shutdown.
                timeout_graceful_shutdown=1,
            )
            yield uvicorn.Server(config)
        finally:
            application.close()


def _protocol(connections: Connections) -> type[HttpToolsProtocol]:
    """Return uvicorn's protocol, keeping book of open connections so that faults can drop one."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    class Protocol(HttpToolsProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            connections[tuple(transport.get_extra_info("peername"))] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            connections.pop(tuple(self.transport.get_extra_info("peername")), None)
            super().connection_lost(exc)

    return Protocol


def _await_start(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise Unavailable("The sandbox did not start.", hint="Look at the log for the cause.")
        time.sleep(0.005)
