"""A real HTTP server on loopback that answers as a test tells it to."""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SALESFORCE_TOKENS = "/services/oauth2/token"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    line_bytes: int


@dataclass(frozen=True, slots=True)
class Scripted:
    """What to answer, or how to fail."""

    body: Any = b"[]"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False
    """Close the connection instead of answering."""
    silent: bool = False
    """Hold the answer back until the server stops."""
    trickle: bool = False
    """Send a byte at a time, 50 a second."""
    cut: int = 0
    """Leave out that many bytes at the end, and close."""

    @property
    def raw(self) -> bytes:
        """Return the body as it travels."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(slots=True)
class Server:
    """The server's address, what it will answer, and what it saw."""

    token_path: str
    """Where tokens are asked for."""
    address: str = ""
    answers: deque[Scripted] = field(default_factory=deque)
    """For calls other than for a token, in order; the last one is repeated."""
    tokens: deque[Scripted] = field(default_factory=deque)
    """For token calls, in order; after that `token-1`, `token-2` and so on are issued."""
    respond: Callable[[Seen], Scripted] | None = None
    seen: list[Seen] = field(default_factory=list)
    issued: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def answer(self, *scripted: Scripted) -> None:
        """Add answers."""
        self.answers.extend(scripted)

    def calls(self) -> list[Seen]:
        """Return the requests that were not for a token."""
        return [request for request in self.seen if request.path != self.token_path]

    def token_calls(self) -> list[Seen]:
        """Return the requests for a token."""
        return [request for request in self.seen if request.path == self.token_path]

    def next(self, request: Seen) -> Scripted:
        """Return what to answer."""
        with self.lock:
            self.seen.append(request)
            if request.path == self.token_path:
                if self.tokens:
                    return self.tokens.popleft()
                self.issued += 1
                return Scripted({"access_token": f"token-{self.issued}", "instance_url": "x"})
            if self.respond is not None:
                return self.respond(request)
            return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]


@contextmanager
def serving(
    tls: ssl.SSLContext | None = None, *, token_path: str = SALESFORCE_TOKENS
) -> Iterator[Server]:
    """Run a server as long as the block lasts."""
    server = Server(token_path)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _handle(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            line = len(self.requestline) + len(bytes(self.headers))
            request = Seen(
                self.command, parts.path, parse_qs(parts.query), dict(self.headers), body, line
            )
            scripted = server.next(request)
            if scripted.silent:
                server.stopping.wait(30)
            if scripted.silent or scripted.drop:
                self.close_connection = True
                return
            raw = scripted.raw
            # Without the Date of this machine, which a test may tell otherwise.
            self.send_response_only(scripted.status)
            for name, value in scripted.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            for start in range(len(raw)) if scripted.trickle else ():
                self.wfile.write(raw[start : start + 1])
                if server.stopping.wait(0.02):
                    break
            else:
                self.wfile.write(b"" if scripted.trickle else raw[: len(raw) - scripted.cut])
            self.close_connection = self.close_connection or scripted.cut > 0

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *_: object) -> None:
            """Say nothing of callers that hang up."""

    listener = Listener(("127.0.0.1", 0), Handler)
    if tls is not None:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True)
    scheme = "http" if tls is None else "https"
    server.address = f"{scheme}://127.0.0.1:{listener.server_address[1]}"
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        listener.shutdown()
        thread.join()
        listener.server_close()
