"""A vendor with a keyed upsert: one account, its records, its moods."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pyarrow as pa

from activation.contract.model import Contract
from activation.destinations.base import (
    Answer,
    Fate,
    Grant,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RowError,
    RowResult,
    Target,
)
from activation.destinations.memory import MEMORY, MEMORY_OBJECT
from activation.destinations.traits import EndpointClass, ObjectTraits, Traits
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    QuotaRefused,
    Throttled,
    Transient,
)
from activation_tests.simulation.judge import Judge
from activation_tests.simulation.process import Process
from activation_tests.simulation.scenario import HORIZON, MARGIN, Fault
from activation_tests.simulation.source import BAD, POISON
from activation_tests.simulation.stage import Stage

Records = list[dict[str, Any]]


@dataclass(slots=True)
class Record:
    """What the vendor holds under a key."""

    id: str
    version: int


class Vendor:
    """The account, as all processes share it."""

    def __init__(self, stage: Stage, judge: Judge) -> None:
        self.stage = stage
        self.judge = judge
        self.chance = stage.chance("vendor")
        self.records: dict[str, Record] = {}
        self.pending = 0
        """Requests that will yet take effect although nobody listens any more."""
        self.requests = 0
        self.used: Counter[int] = Counter()
        """Requests of everybody, by the vendor's day."""

    @property
    def day(self) -> int:
        """Return the vendor's day; its clock is right."""
        return (self.stage.scenario.start + timedelta(seconds=self.stage.now())).toordinal()

    @property
    def limit(self) -> int:
        """Return the requests of a day; the faults' end brings a larger contract."""
        return self.stage.scenario.daily_limit if self.stage.faulty else 10_000

    def eat(self, requests: int) -> None:
        """Let other tools use the account."""
        self.used[self.day] = min(self.limit, self.used[self.day] + requests)
        self.stage.tell("others", f"use {requests} requests")

    def fault(self) -> Fault | None:
        """Draw what happens to a request."""
        if self.stage.faulty:
            for fault, share in self.stage.scenario.faults.items():
                if self.chance.random() < share:
                    return fault
        return None

    def apply(self, records: Records, *, late: bool = False) -> dict[str, Any]:
        """Upsert what can be upserted; return what there is to say of each key."""
        results: dict[str, Any] = {}
        for record in records:
            key, version = record["key"], record["fields"]["Stamp"]
            if record["fields"]["Note"] == BAD:
                results[key] = ["INVALID", Fate.PERMANENT]
                continue
            held = self.records.get(key)
            if held is None:
                held = self.records[key] = Record(f"r{len(self.records):03d}", version)
            elif version < held.version:
                how = "late, " if late else ""
                self.stage.violated(
                    "no older over newer", f"{key}: {how}{version} over {held.version}"
                )
            held.version = version
            results[key] = held.id
        return results

    def apply_later(self, records: Records, seconds: float) -> None:
        """Let a request take effect when nobody listens any more."""
        self.pending += 1

        def land() -> None:
            self.pending -= 1
            self.stage.tell("vendor", f"applies late {[r['key'] for r in records]}")
            self.stage.saw("a request took effect late")
            self.judge.landed(records)
            self.apply(records, late=True)

        self.stage.loop.call_later(seconds, land)


class Account:
    """The vendor as one process speaks to it: a destination, and its one endpoint."""

    system = "simulated"

    def __init__(self, vendor: Vendor, process: Process, contract: Contract) -> None:
        scenario = vendor.stage.scenario
        self.traits = Traits(
            system="simulated",
            endpoint_class=EndpointClass.KEYED_UPSERT,
            batch_rows=scenario.batch_rows,
            batch_bytes=MEMORY.batch_bytes,
            horizon=HORIZON,
            keeps_order=True,
        )
        self._vendor = vendor
        self._process = process
        self._contract = contract
        self._reading: QuotaReading | None = None
        self._expired = False

    def object_traits(self, object_name: str) -> ObjectTraits:
        """Return what no simulated run asks for."""
        assert object_name
        return MEMORY_OBJECT

    def endpoint(self, target: Target, *, rows: int) -> Account:
        """Return itself, whatever is asked for."""
        assert target.object or rows
        return self

    def endpoint_named(self, target: Target, name: str) -> Account:
        """Return itself, whatever is asked for."""
        assert target.object or name
        return self

    def describe(self, object_name: str) -> ObjectSchema:
        """Return an object without fields; the simulated planner asks for none."""
        return ObjectSchema(name=object_name, fields={})

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return one JSON object a row."""
        names = [mapping.to for mapping in target.fields]
        records = [
            {"key": row["sync_key"], "fields": {name: row[name] for name in names}}
            for row in rows.to_pylist()
        ]
        return orjson.dumps(records)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Upsert, or let a fault happen; how long the answer takes is told to the process."""
        assert target.object == "Contact"
        vendor, process = self._vendor, self._process
        stage, chance = vendor.stage, vendor.chance
        records: Records = orjson.loads(payload)
        process.in_flight += 1
        vendor.requests += 1
        process.listening = min(seconds, 0.05 + chance.random() * 0.4)
        vendor.judge.sends(process, self._contract, payload, records)
        fault = vendor.fault()
        said = f"sends {[(r['key'], r['fields']['Stamp']) for r in records]}"
        stage.tell(process.name, f"{said} {fault or ''}")
        if fault is Fault.UNREACHED:
            vendor.judge.not_applied()
            raise Transient("The connection was refused.", code="CONNECTION_REFUSED")
        if fault is Fault.LOST_REQUEST:
            process.listening = seconds
            raise _unheard()
        if fault is Fault.RATE_LIMITED:
            after = chance.choice((None, 5.0, 120.0))
            vendor.judge.asked_to_wait(payload, after)
            vendor.judge.not_applied()
            raise Throttled("Too many requests.", code="TOO_MANY", retry_after=after)
        self._let_in(fault)
        if any(record["fields"]["Note"] == POISON for record in records):
            if len(records) == 1:
                vendor.judge.refused(payload, records)
            raise BatchRefused("A record cannot be parsed.", code="MALFORMED")
        if fault is Fault.LATE:
            process.listening = seconds
            most = seconds + HORIZON.total_seconds() - MARGIN
            vendor.apply_later(records, most * chance.choice((chance.random(), 1.0)))
            raise _unheard()
        return self._answer(payload, records, fault, seconds)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key, also for keys that the answer does not speak of."""
        results = orjson.loads(answer.body)
        return tuple(_result(results.get(key)) for key in keys)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield nothing; no simulated run compares."""
        assert target.object or keys
        yield from ()

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:
        """Yield nothing; no simulated run adopts."""
        assert target.object or by or values
        yield from ()

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return that nothing is known."""
        assert target.object
        return ()

    def quota(self) -> QuotaReading | None:
        """Return what the vendor last said to this process."""
        return self._reading

    def _let_in(self, fault: Fault | None) -> None:
        vendor = self._vendor
        if fault is Fault.EXPIRED or (self._expired and vendor.stage.faulty):
            self._expired = True
            vendor.stage.saw("the token expired")
            vendor.judge.not_applied()
            raise AccessRefused("The session is not valid.", code="INVALID_SESSION")
        if vendor.used[vendor.day] >= vendor.limit:
            vendor.stage.saw("the vendor's own limit was met")
            vendor.judge.not_applied()
            self._reading = QuotaReading(vendor.used[vendor.day], vendor.limit)
            raise QuotaRefused("The day's requests are used up.", code="LIMIT_EXCEEDED")
        vendor.used[vendor.day] += 1

    def _answer(
        self, payload: bytes, records: Records, fault: Fault | None, seconds: float
    ) -> Answer:
        vendor, chance, process = self._vendor, self._vendor.chance, self._process
        if fault is Fault.BROKEN_BEFORE:
            raise Transient("An error.", code="SERVER_ERROR", applied=Applied.UNKNOWN)
        locked: list[str] = []
        if fault is Fault.LOCKED:
            locked = [record["key"] for record in records if chance.random() < 0.5]
        results = vendor.apply([record for record in records if record["key"] not in locked])
        results |= {key: ["LOCKED", Fate.RETRYABLE] for key in locked}
        if fault is Fault.BROKEN_AFTER:
            raise Transient("An error.", code="SERVER_ERROR", applied=Applied.UNKNOWN)
        if fault is Fault.LOST_ANSWER:
            process.listening = seconds
            raise _unheard()
        if fault is Fault.GARBLED:
            raise Transient("Nonsense.", code="UNREADABLE", applied=Applied.UNKNOWN)
        if fault is Fault.PARTIAL:
            results = {key: result for key, result in results.items() if chance.random() < 0.5}
            vendor.stage.saw("an answer did not speak of every row")
        vendor.judge.refused(
            payload, [r for r in records if results.get(r["key"]) == ["INVALID", Fate.PERMANENT]]
        )
        self._reading = QuotaReading(vendor.used[vendor.day], vendor.limit)
        vendor.judge.reported(process, self._reading)
        return Answer(200, orjson.dumps(results), self._reading)


def _unheard() -> Transient:
    return Transient("No answer came in time.", code="TIMEOUT", applied=Applied.UNKNOWN)


def _result(result: str | list[str] | None) -> RowResult:
    if isinstance(result, str):
        return RowResult(destination_id=result)
    code, fate = result or ("NO_RESULT", Fate.RETRYABLE)
    return RowResult(error=RowError(code, "The row was refused.", Fate(fate)))
