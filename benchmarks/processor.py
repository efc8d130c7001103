"""What a delivered row costs the processor: ours, the least there can be, the vendors' clients."""

from __future__ import annotations

import http.client
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from activation.clock import SystemClock
from activation.destinations.base import Connection, JobEndpoint, RequestEndpoint, Target
from activation.destinations.hubspot.destination import HubSpot
from activation.ledger import open_ledger
from activation_tests.delivery.rig import actions
from benchmarks.limited import Limit, serve
from benchmarks.sender import HttpDestination, send

_BATCH = 100
_NO_LIMIT = Limit(10**9, 1.0, rolling=False)
_AT = "2026-01-05T09:00:00Z"
_ANSWER = orjson.dumps(
    {
        "status": "COMPLETE",
        "startedAt": _AT,
        "completedAt": _AT,
        "results": [
            {
                "id": str(1000 + place),
                "properties": {"Name": "Somebody", "Score": "v1"},
                "createdAt": _AT,
                "updatedAt": _AT,
                "archived": False,
                "new": False,
                "objectWriteTraceId": str(place),
            }
            for place in range(_BATCH)
        ],
    }
)
"""What HubSpot says of a hundred rows; simple-salesforce, which sends one, leaves it unread."""


def table(rows: int) -> list[dict[str, object]]:
    """Return each way of sending with its processor time a row, and as a ratio to the least."""
    ways: dict[str, tuple[Callable[[int, int], None], int]] = {
        "orjson and a socket": (_least, rows),
        "activation, nothing read of answers": (_ours, rows),
        "activation, through its HubSpot adapter": (_ours_to_hubspot, rows),
        "hubspot-api-client, typed batch upsert": (_hubspot, rows // 10),
        "simple-salesforce, record by record": (_salesforce, rows // 100),
    }
    cost: dict[str, float] = {}
    with _server() as port:
        for name, (way, count) in ways.items():
            way(port, _BATCH)  # what is loaded once is not counted
            # Nor what is opened once: a ledger, a connection.
            more = _spent(way, port, count) - _spent(way, port, _BATCH)
            cost[name] = more / (count - _BATCH)
    least, ours = (cost[list(ways)[place]] for place in (0, 2))
    return [
        {
            "sent by": name,
            "microseconds a row": round(seconds * 1e6, 1),
            "times the least": round(seconds / least, 1),
            "times ours": round(seconds / ours, 2),
        }
        for name, seconds in cost.items()
    ]


def _spent(way: Callable[[int, int], None], port: int, rows: int) -> float:
    began = time.process_time()
    way(port, rows)
    return time.process_time() - began


@contextmanager
def _server() -> Iterator[int]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(_NO_LIMIT, 0.0, theirs, _ANSWER))
    server.start()
    yield ours.recv()
    ours.send("over")
    ours.recv()
    server.join()


def _least(port: int, rows: int) -> None:
    link = http.client.HTTPConnection("127.0.0.1", port)
    link.connect()
    assert link.sock is not None  # noqa: S101 - it is connected
    for body in _bodies(rows):
        head = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        link.sock.sendall(head + body)
        heard = 0
        while heard < len(_ANSWER):
            heard += len(link.sock.recv(65_536))
    link.close()


def _bodies(rows: int) -> Iterator[bytes]:
    """Yield what `HttpDestination` sends, from rows that are Python objects already."""
    table = actions(rows).select(["sync_key", "Name", "Score"]).to_pylist()
    for first in range(0, rows, _BATCH):
        yield orjson.dumps(table[first : first + _BATCH])


class _Unpaced(HubSpot):
    """The adapter as it is, on an account without limits that says nothing of its day."""

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint | JobEndpoint:
        """Return the endpoint without its paces."""
        endpoint = super().endpoint(target, rows=rows)
        endpoint.traits = replace(endpoint.traits, buckets=())
        return endpoint

    def quota(self) -> None:
        """Return that nothing is said of the day."""


def _ours(port: int, rows: int) -> None:
    _deliver(HttpDestination(port, batch_rows=_BATCH, buckets=()), rows)


def _ours_to_hubspot(port: int, rows: int) -> None:
    connection = Connection(
        "crm", "hubspot", f"http://127.0.0.1:{port}", {"access_token": "pat-na1-none"}
    )
    destination = _Unpaced(connection, SystemClock())
    _deliver(destination, rows)
    destination.close()


def _deliver(destination: Any, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.db'}"
        open_ledger(url).close()
        send(url, "bench", destination, rows, concurrency=4)


def _hubspot(port: int, rows: int) -> None:
    from hubspot import HubSpot as Client
    from hubspot.crm.contacts import (
        BatchInputSimplePublicObjectBatchInputUpsert,
        SimplePublicObjectBatchInputUpsert,
    )

    api = Client(access_token="token").crm.contacts.batch_api  # noqa: S106 - no secret
    api.api_client.configuration.host = f"http://127.0.0.1:{port}"
    table = actions(rows).to_pylist()
    for first in range(0, rows, _BATCH):
        inputs = [
            SimplePublicObjectBatchInputUpsert(
                id=row["sync_key"],
                id_property="key",
                properties={"Name": row["Name"], "Score": row["Score"]},
            )
            for row in table[first : first + _BATCH]
        ]
        api.upsert(
            batch_input_simple_public_object_batch_input_upsert=(
                BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
            )
        )


def _salesforce(port: int, rows: int) -> None:
    import requests
    from simple_salesforce.api import Salesforce

    client = Salesforce(
        session_id="token", instance_url=f"http://127.0.0.1:{port}", session=requests.Session()
    )
    client.base_url = f"http://127.0.0.1:{port}/services/data/v59.0/"
    contact = client.Contact
    contact.base_url = f"http://127.0.0.1:{port}/services/data/v59.0/sobjects/Contact/"
    for row in actions(rows).to_pylist():
        contact.upsert(f"Key__c/{row['sync_key']}", {"Name": row["Name"], "Score": row["Score"]})
