"""A vendor over plain HTTP, and one real process that delivers to it through the whole engine."""

from __future__ import annotations

import asyncio
import http.client
import random
import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any

import orjson
import pyarrow as pa

from activation.clock import SystemClock
from activation.delivery import Bounds, DeliveryOrder, ThreadWire, deliver
from activation.destinations.base import Answer, RowResult, Target
from activation.destinations.memory import MEMORY_OBJECT
from activation.destinations.traits import Bucket, EndpointClass, ObjectTraits, Traits
from activation.errors import Throttled
from activation.gates.verdict import Gate, Verdict
from activation.ledger import open_ledger
from activation.planning.model import ActionCount, BlastRadius, Disposition, Plan, SourceProfile
from activation_tests.delivery.rig import FrozenActions, actions, contract
from activation_tests.hash_keys import HASH_KEYS

_TOO_MANY = 429
_A_DAY = 10_000_000


class HttpDestination:
    """One endpoint that takes JSON and answers at once for all rows."""

    system = "http"

    def __init__(self, port: int, *, batch_rows: int, buckets: tuple[Bucket, ...]) -> None:
        self.traits = Traits(
            system="http",
            endpoint_class=EndpointClass.KEYED_UPSERT,
            batch_rows=batch_rows,
            batch_bytes=5_000_000,
            horizon=timedelta(minutes=1),
            keeps_order=True,
            buckets=buckets,
        )
        self._port = port
        self._local = threading.local()

    def object_traits(self, object_name: str) -> ObjectTraits:  # noqa: ARG002
        """Return the facts of an object in memory."""
        return MEMORY_OBJECT

    def endpoint(self, target: Target, *, rows: int) -> HttpDestination:  # noqa: ARG002
        """Return itself."""
        return self

    def endpoint_named(self, target: Target, name: str) -> HttpDestination:  # noqa: ARG002
        """Return itself."""
        return self

    def quota(self) -> None:
        """Return that nothing is said of the day."""

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return the rows as JSON objects; zip and dict run in C."""
        names = ["sync_key", *(mapping.to for mapping in target.fields)]
        columns = [rows.column(name).to_pylist() for name in names]
        return orjson.dumps(
            [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        )

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:  # noqa: ARG002
        """Post on a connection of this thread."""
        link = getattr(self._local, "link", None)
        if link is None:
            link = self._local.link = http.client.HTTPConnection("127.0.0.1", self._port, seconds)
        link.request("POST", "/", payload)
        with link.getresponse() as reply:
            body = reply.read()
        if reply.status == _TOO_MANY:
            message = "Too many requests."
            raise Throttled(message, code="TOO_MANY")
        return Answer(reply.status, body)

    def decode(self, answer: Answer, keys: list[str]) -> tuple[RowResult, ...]:  # noqa: ARG002
        """Return that every row was taken."""
        return tuple(RowResult(destination_id=key) for key in keys)


def send(url: str, sync: str, destination: Any, rows: int, *, concurrency: int) -> None:
    """Plan and deliver so many rows for one sync, on a ledger that others share."""
    promise = contract(sync=sync, quota={"requests_per_day": _A_DAY, "concurrency": concurrency})
    clock = SystemClock()
    with (
        open_ledger(url, clock, hash_keys=HASH_KEYS) as ledger,
        ThreadWire(requests=concurrency) as wire,
    ):
        digest = f"{sync:0<64}"
        plan = Plan(
            digest=digest,
            sync=sync,
            phase="all",
            created_at=clock.now(),
            contract_digest=promise.digest,
            mapping_digest=promise.mapping_digest,
            table=f"plan_{sync}",
            source=SourceProfile(0, 0, 0, 0, None, {}),
            blast=BlastRadius(0, 0, 0, 0, 0, 0, 0, 0),
            counts=(ActionCount("update", Disposition.SEND, None, rows),),
        )
        ledger.plans.record(plan, connection="crm", attempts_seen=0)
        ledger.plans.record_verdicts(digest, [Verdict(g, passed=True, summary="") for g in Gate])
        table = actions(rows)
        updates = pa.array(["update"] * rows)
        table = table.set_column(table.schema.get_field_index("operation"), "operation", updates)
        with suppress(KeyboardInterrupt):
            asyncio.run(
                deliver(
                    DeliveryOrder(digest, promise, sync, bounds=Bounds()),
                    destination=destination,
                    actions=FrozenActions(table),
                    ledger=ledger,
                    clock=clock,
                    wire=wire,
                    randomness=random.Random(),  # noqa: S311 - jitter
                    progress=lambda _: None,
                )
            )
