"""The vendor as one process speaks to it: a destination, and its endpoints for requests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import orjson
import pyarrow as pa

from activation.contract.destination import Mode
from activation.destinations.base import (
    Answer,
    Fate,
    Grant,
    JobEndpoint,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RequestEndpoint,
    RowError,
    RowResult,
    Target,
)
from activation.destinations.memory import MEMORY, MEMORY_OBJECT
from activation.destinations.traits import EndpointClass, ObjectTraits, Traits, Verb
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    ConfigurationError,
    QuotaRefused,
    Throttled,
    Transient,
)
from activation_tests.simulation.judge import Records
from activation_tests.simulation.process import Process
from activation_tests.simulation.scenario import HORIZON, MARGIN, Fault, Work
from activation_tests.simulation.source import POISON
from activation_tests.simulation.vendor import Vendor, Wish, keys_of


class Account:
    """One process's session with the vendor, for one sync."""

    system = "simulated"

    def __init__(self, vendor: Vendor, process: Process, work: Work) -> None:
        self.vendor = vendor
        self.process = process
        self.work = work
        self._reading: QuotaReading | None = None
        self._expired = False
        self._endpoints: dict[str, RequestEndpoint | JobEndpoint] = {
            verb.value: Requests(self, self.traits(EndpointClass.KEYED_UPSERT, verb))
            for verb in (Verb.UPSERT, Verb.REMOVE)
        }
        if work.mode is Mode.CREATE_ONLY:
            self._endpoints["create"] = Requests(self, self.traits(work.kind, Verb.CREATE))

    def offer(self, endpoint: JobEndpoint) -> None:
        """Let the account have jobs, too."""
        self._endpoints[endpoint.traits.name] = endpoint

    def traits(self, kind: EndpointClass, verb: Verb) -> Traits:
        """Return what an endpoint of that class declares."""
        return Traits(
            system="simulated",
            endpoint_class=kind,
            batch_rows=self.work.batch_rows,
            batch_bytes=MEMORY.batch_bytes,
            horizon=HORIZON,
            keeps_order=True,
            name=verb.value,
            verbs=frozenset({verb}),
            key_life=self.work.key_life,
            buckets=self.vendor.stage.scenario.buckets,
        )

    def object_traits(self, object_name: str) -> ObjectTraits:
        """Return what no simulated run asks for."""
        assert object_name
        return MEMORY_OBJECT

    def endpoint(self, target: Target, *, rows: int) -> RequestEndpoint | JobEndpoint:
        """Return the endpoint of the target's verb; many rows go out in jobs, if there are any."""
        jobs = self._endpoints.get("jobs")
        if jobs is not None and target.verb in jobs.traits.verbs and rows >= self.work.job_rows:
            return jobs
        return self.endpoint_named(target, target.verb.value)

    def endpoint_named(self, target: Target, name: str) -> RequestEndpoint | JobEndpoint:
        """
        Return the endpoint of that name.

        Raises:
            ConfigurationError: there is none.
        """
        if name not in self._endpoints:
            raise ConfigurationError(f"there is no endpoint {name} of {target.object}")
        return self._endpoints[name]

    def describe(self, object_name: str) -> ObjectSchema:
        """Return an object without fields; the simulated planner asks for none."""
        return ObjectSchema(name=object_name, fields={})

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

    def call(self, seconds: float) -> Fault | None:
        """
        Make a request, and draw what happens to it; the answer takes a while.

        Raises:
            Transient: it does not get anywhere.
        """
        vendor, process, chance = self.vendor, self.process, self.vendor.chance
        process.in_flight += 1
        vendor.requests += 1
        process.listening = min(seconds, 0.05 + chance.random() * 0.4)
        fault = vendor.fault()
        if fault in {Fault.LOST_REQUEST, Fault.LOST_ANSWER, Fault.LATE}:
            process.listening = seconds
        vendor.judge.counted(vendor.stage.now() + chance.random() * process.listening)
        return fault

    def let_in(self, fault: Fault | None, *, withdrawal: bool) -> None:
        """
        Let a request come before the vendor's own checks.

        Raises:
            Transient: it came to nothing on the way, or is one too many.
            AccessRefused: the token is no longer good.
            QuotaRefused: the day is used up.
        """
        vendor = self.vendor
        if fault is Fault.UNREACHED:
            vendor.judge.not_applied()
            raise Transient("The connection was refused.", code="CONNECTION_REFUSED")
        if fault is Fault.LOST_REQUEST:
            raise unheard()
        if fault is Fault.RATE_LIMITED:
            after = vendor.chance.choice((None, 5.0, 120.0))
            vendor.judge.asked_to_wait(self.process, after)
            raise Throttled("Too many requests.", code="TOO_MANY", retry_after=after)
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
        vendor.judge.accepted(self.process, withdrawal=withdrawal)

    def report(self) -> QuotaReading:
        """Return what the vendor says of the day's requests; it may be a little behind."""
        vendor = self.vendor
        behind = vendor.chance.choice((0, 0, 0, 2)) if vendor.stage.faulty else 0
        used = max(0, vendor.used[vendor.day] - behind)
        self._reading = QuotaReading(used, vendor.limit)
        vendor.judge.reported(self.process, self._reading)
        return self._reading


class Requests:
    """An endpoint whose answer to a request holds the results."""

    def __init__(self, account: Account, traits: Traits) -> None:
        self.traits = traits
        self._account = account

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return one JSON object a row; a creation that may be repeated has a key of its own."""
        return encoded(target, rows, keyed=self.traits.endpoint_class is _KEYED)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """Do what is asked for, or let a fault happen."""
        account, vendor = self._account, self._account.vendor
        wish = read(target, payload, self.traits.key_life)
        fault = account.call(seconds)
        vendor.judge.sends(account.process, target, payload, wish.records)
        vendor.stage.tell(
            account.process.name, f"{target.verb}s {keys_of(wish.records)} {fault or ''}"
        )
        account.let_in(fault, withdrawal=target.verb is Verb.REMOVE)
        if poisoned(wish):
            if len(wish.records) == 1:
                vendor.judge.refused(payload, wish.records)
            raise BatchRefused("A record cannot be parsed.", code="MALFORMED")
        if fault is Fault.LATE:
            most = seconds + HORIZON.total_seconds() - MARGIN
            vendor.apply_later(wish, most * vendor.chance.choice((vendor.chance.random(), 1.0)))
            raise unheard()
        return self._answer(wish, payload, fault)

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key, also for keys that the answer does not speak of."""
        return decoded(answer, keys)

    def _answer(self, wish: Wish, payload: bytes, fault: Fault | None) -> Answer:
        account, vendor, chance = self._account, self._account.vendor, self._account.vendor.chance
        if fault is Fault.BROKEN_BEFORE:
            raise broken()
        locked: Records = []
        if fault is Fault.LOCKED and vendor.remembered(wish) is None:
            locked = [record for record in wish.records if chance.random() < 0.5]
        taken = replace(wish, records=[r for r in wish.records if r not in locked])
        results = vendor.apply(taken)
        results = results | {record["key"]: ["LOCKED", Fate.RETRYABLE] for record in locked}
        if fault is Fault.BROKEN_AFTER:
            raise broken()
        if fault is Fault.LOST_ANSWER:
            raise unheard()
        if fault is Fault.GARBLED:
            raise Transient("Nonsense.", code="UNREADABLE", applied=Applied.UNKNOWN)
        if fault is Fault.PARTIAL and wish.verb is not Verb.CREATE:
            results = {key: result for key, result in results.items() if chance.random() < 0.5}
            vendor.stage.saw("an answer did not speak of every row")
        vendor.judge.refused(
            payload,
            [r for r in wish.records if results.get(r["key"]) == ["INVALID", Fate.PERMANENT]],
        )
        return Answer(200, orjson.dumps(results), account.report())


_KEYED = EndpointClass.IDEMPOTENT_CREATE


def encoded(target: Target, rows: pa.Table, *, keyed: bool) -> bytes:
    """Return one JSON object a row, and a key by which the vendor knows the request again."""
    names = [mapping.to for mapping in target.fields]
    records = [
        {"key": row["sync_key"], "fields": {name: row[name] for name in names}}
        for row in rows.to_pylist()
    ]
    body = orjson.dumps(records)
    name = hashlib.blake2b(body, digest_size=8).hexdigest() if keyed else None
    return orjson.dumps({"verb": target.verb, "key": name, "records": records})


def read(target: Target, payload: bytes, key_life: timedelta) -> Wish:
    """Return what the bytes of a request ask for."""
    body = orjson.loads(payload)
    assert body["verb"] == target.verb
    return Wish(target.object, target.verb, body["records"], body["key"], key_life)


def poisoned(wish: Wish) -> bool:
    """Return whether one of the records gets the whole request refused."""
    return any(record["fields"]["Note"] == POISON for record in wish.records)


def decoded(answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
    """Return what an answer says of each key."""
    results = orjson.loads(answer.body)
    return tuple(_result(results.get(key, _UNSPOKEN)) for key in keys)


_UNSPOKEN = ("NO_RESULT", Fate.RETRYABLE)


def _result(result: str | Sequence[str] | None) -> RowResult:
    if result is None or isinstance(result, str):
        return RowResult(destination_id=result)
    code, fate = result
    return RowResult(error=RowError(code, "The row was refused.", Fate(fate)))


def unheard() -> Transient:
    """Return that no answer came."""
    return Transient("No answer came in time.", code="TIMEOUT", applied=Applied.UNKNOWN)


def broken() -> Transient:
    """Return that the vendor broke over it."""
    return Transient("An error.", code="SERVER_ERROR", applied=Applied.UNKNOWN)
