"""A server on loopback that enforces a limit, in rolling or fixed windows, and counts refusals."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

_TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(slots=True)
class Limit:
    """So many requests in any window, or in each window of the clock."""

    requests: int
    seconds: float
    rolling: bool
    times: deque[float] = field(default_factory=deque)
    accepted: list[float] = field(default_factory=list)
    refused: int = 0

    def lets_in(self, now: float) -> bool:
        """Count a request, and tell whether it is within the limit."""
        since = now - self.seconds if self.rolling else now - now % self.seconds
        while self.times and self.times[0] <= since:
            self.times.popleft()
        if len(self.times) >= self.requests:
            self.refused += 1
            return False
        self.times.append(now)
        self.accepted.append(now)
        return True


def serve(limit: Limit, latency: float, wire: Connection, body: bytes = b"{}") -> None:
    """Serve until something comes over `wire`; tell the port first, and what was seen at last."""
    asyncio.run(_serve(limit, latency, wire, body))


async def _serve(limit: Limit, latency: float, wire: Connection, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    fine = f"{head}\r\n\r\n".encode() + body

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            await reader.readexactly(_length(head))
            within = limit.lets_in(time.monotonic())
            await asyncio.sleep(latency)
            writer.write(fine if within else _TOO_MANY)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    wire.send(server.sockets[0].getsockname()[1])
    while not wire.poll():
        await asyncio.sleep(0.05)
    server.close()
    wire.send((limit.accepted, limit.refused))


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return 0
