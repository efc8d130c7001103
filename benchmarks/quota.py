"""How much of a limit is used, and how often it is exceeded, by one and by four processes."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

from activation.destinations.traits import Bucket
from activation.ledger import open_ledger
from benchmarks.limited import Limit, serve
from benchmarks.sender import HttpDestination, send

_REQUESTS, _SECONDS, _LATENCY = 100, 10.0, 0.05
_BUCKET = Bucket("burst", _REQUESTS, _SECONDS)
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Used:
    """What the server saw."""

    windows: str
    processes: int
    requests: int
    seconds: float
    share: float
    """Of the allowed rate: the window by the mean time between a request and the 100th after it."""
    refused: int


def measure(*, rolling: bool, processes: int, requests: int) -> Used:
    """Let processes share one account, each with a sync of its own, on one ledger."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    limit = Limit(_REQUESTS, _SECONDS, rolling)
    server = context.Process(target=serve, args=(limit, _LATENCY, theirs))
    server.start()
    port = ours.recv()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.db'}"
        open_ledger(url).close()
        senders = [
            context.Process(target=_send, args=(url, f"sync_{n}", port, requests // processes))
            for n in range(processes)
        ]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    ours.send("over")
    accepted, refused = ours.recv()
    server.join()
    seconds = accepted[-1] - accepted[0]
    # Of two requests a limit's worth apart, the second leaves a window after the first at best.
    cycles = [b - a for a, b in zip(accepted, accepted[_REQUESTS:], strict=False)]
    share = _SECONDS * len(cycles) / sum(cycles)
    windows = "rolling" if rolling else "fixed"
    return Used(windows, processes, len(accepted), round(seconds, 2), round(share, 4), refused)


def table(requests: int) -> list[dict[str, object]]:
    """Return the four settings."""
    return [
        asdict(measure(rolling=rolling, processes=processes, requests=requests))
        for rolling in (True, False)
        for processes in (1, 4)
    ]


def _send(url: str, sync: str, port: int, requests: int) -> None:
    destination = HttpDestination(port, batch_rows=10, buckets=(_BUCKET,))
    send(url, sync, destination, requests * 10, concurrency=_AT_ONCE)
