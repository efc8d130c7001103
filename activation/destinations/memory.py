"""
A destination in memory that fails on demand.

It is a keyed upsert endpoint: rows in, one result a row out, in the order sent.
What goes wrong is written into a script, one entry a request; beyond its end all goes well.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import orjson
import pyarrow as pa

from activation.destinations.base import (
    Answer,
    FieldSchema,
    Grant,
    Match,
    ObjectSchema,
    QuotaReading,
    ReadBack,
    RowError,
    RowResult,
    Target,
)
from activation.destinations.base import Fate as RowFate
from activation.destinations.memory_jobs import MemoryJobs
from activation.destinations.traits import EndpointClass, ObjectTraits, Traits, Verb
from activation.destinations.unvouched import unvouched
from activation.errors import (
    AccessRefused,
    Applied,
    BatchRefused,
    ConfigurationError,
    QuotaRefused,
    Throttled,
    Transient,
)

MEMORY = Traits(
    system="memory",
    endpoint_class=EndpointClass.KEYED_UPSERT,
    batch_rows=200,
    batch_bytes=1_000_000,
    horizon=timedelta(minutes=10),
    keeps_order=True,
    verbs=frozenset(Verb),
)
MEMORY_OBJECT = ObjectTraits(
    key_is_case_sensitive=True,
    values={},
    email_values=(),
    read_back_keys=200,
    read_back_page=2000,
    minimal_permissions=(),
)


class Trouble(StrEnum):
    """What may happen to one request."""

    LOST_REQUEST = "lost_request"  # it never arrives, and we know it
    LOST_ANSWER = "lost_answer"  # it is applied, and the answer never comes
    PARTIAL = "partial"  # it is applied, and the answer speaks of the first half of the rows
    LATE = "late"  # no answer comes; it is applied when `land` is called
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"  # as a whole
    QUOTA = "quota"
    ACCESS = "access"


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the script."""

    trouble: Trouble
    retry_after: float | None = None


class MemoryDestination:
    """One account of the vendor that does not exist, and the one endpoint that it has."""

    system = "memory"

    def __init__(
        self,
        *,
        traits: Traits = MEMORY,
        script: Iterable[Fault | None] = (),
        row_errors: Mapping[str, Iterable[RowError]] | None = None,
        poison: Collection[str] = (),
        daily_limit: int | None = None,
    ) -> None:
        """
        Prepare the account.

        Args:
            traits: what the endpoint declares of itself.
            script: what happens to the first requests; None is a request that goes well.
            row_errors: by sync key, the errors of that row's first attempts.
            poison: sync keys that get every request refused which carries them.
            daily_limit: requests that the account allows; reported with each answer if given.
        """
        self.traits = traits
        self.records: dict[str, dict[str, Any]] = {}
        self.ids: dict[str, str] = {}
        self.keyless: dict[str, dict[str, Any]] = {}
        """Records that others made, without a key of ours, by their id."""
        self.creates: Counter[str] = Counter()
        """How often a record of that key was made: more than once is a double."""
        self.requests: list[bytes] = []
        """Every payload that arrived, in order, refused ones too."""
        self.jobs: MemoryJobs | None = None
        """Set by `run_jobs`."""
        self.used = 0
        """Requests that count against the limit; set it higher to play other tools."""
        self.fields: dict[str, FieldSchema] = {}
        """What `describe` tells; empty until somebody fills it."""
        self._script = deque(script)
        self._row_errors = {key: deque(errors) for key, errors in (row_errors or {}).items()}
        self._poison = frozenset(poison)
        self._limit = daily_limit
        self._late: list[bytes] = []
        self._lock = threading.Lock()

    def object_traits(self, object_name: str) -> ObjectTraits:  # noqa: ARG002
        """Return the same for every object."""
        return MEMORY_OBJECT

    def run_jobs(self, **options: Any) -> MemoryJobs:
        """Let upserts go out in jobs from now on; the options are those of `MemoryJobs`."""
        self.jobs = MemoryJobs(self, self._apply, **options)
        return self.jobs

    def endpoint(self, target: Target, *, rows: int) -> MemoryDestination | MemoryJobs:  # noqa: ARG002
        """Return itself, or its jobs, however many rows there are."""
        if self.jobs is not None and target.verb in self.jobs.traits.verbs:
            return self.jobs
        return self.endpoint_named(target, self.traits.name)

    def endpoint_named(self, target: Target, name: str) -> MemoryDestination | MemoryJobs:
        """
        Return itself, or its jobs.

        Raises:
            ConfigurationError: it was made without that verb, or under another name.
        """
        if self.jobs is not None and name == self.jobs.traits.name:
            return self.jobs
        if name == self.traits.name and target.verb in self.traits.verbs:
            return self
        raise ConfigurationError(f"memory has no endpoint {name} that can {target.verb}.")

    def describe(self, object_name: str) -> ObjectSchema:
        """Return the fields that `fields` holds."""
        return ObjectSchema(name=object_name, fields=dict(self.fields))

    def encode(self, target: Target, rows: pa.Table) -> bytes:
        """Return one JSON object a row, under `records`."""
        names = [mapping.to for mapping in target.fields]
        records = [
            {
                "key": row["sync_key"],
                "id": row.get("destination_id"),
                "fields": {
                    name: row[name]
                    for name in names
                    if row.get("changed") is None or name in row["changed"]
                },
            }
            for row in rows.to_pylist()
        ]
        body = {"object": target.object, "verb": target.verb, "records": records}
        return orjson.dumps(body, default=str)

    def send(self, target: Target, payload: bytes, *, seconds: float) -> Answer:
        """
        Upsert the records, or do what the script says.

        Raises:
            Transient: the script lost the request or the answer.
            BatchRefused: the script, or a poisonous key.
            QuotaRefused: the script, or the limit is reached.
            AccessRefused: the script.
        """
        if target.object != orjson.loads(payload)["object"] or seconds <= 0:
            raise BatchRefused("The request is not meant for this object.", code="WRONG_OBJECT")
        with self._lock:
            fault = self._script.popleft() if self._script else None
            if fault is not None and fault.trouble is Trouble.LOST_REQUEST:
                raise Transient("The connection was refused.", code="CONNECTION_REFUSED")
            self.requests.append(payload)
            self._count()
            if fault is not None:
                self._refuse(fault)
            keys = {record["key"] for record in orjson.loads(payload)["records"]}
            if keys & self._poison:
                raise BatchRefused("A record cannot be parsed.", code="MALFORMED")
            if fault is not None and fault.trouble is Trouble.LATE:
                self._late.append(payload)
                raise _unheard()
            results = self._apply(payload)
            if fault is not None and fault.trouble is Trouble.LOST_ANSWER:
                raise _unheard()
            if fault is not None and fault.trouble is Trouble.PARTIAL:
                results = dict(list(results.items())[: len(results) // 2])
            return Answer(200, orjson.dumps(results), self.quota())

    def decode(self, answer: Answer, keys: Sequence[str]) -> tuple[RowResult, ...]:
        """Return one result a key."""
        results = orjson.loads(answer.body)
        missing = unvouched("The answer does not speak of it.", code="NO_RESULT")
        return tuple(_result(results[key]) if key in results else missing for key in keys)

    def read_back(self, target: Target, keys: Sequence[str] | None) -> Iterator[ReadBack]:
        """Yield all records of these keys, or all there are, in one page."""
        with self._lock:
            wanted = sorted(self.records) if keys is None else [k for k in keys if k in self.ids]
            names = [mapping.to for mapping in target.fields]
            columns = {
                "sync_key": wanted,
                "destination_id": [self.ids[key] for key in wanted],
                **{name: [self.records[key].get(name) for key in wanted] for name in names},
            }
        yield ReadBack(pa.table(columns))

    def find(self, target: Target, by: str, values: Sequence[str]) -> Iterator[Match]:  # noqa: ARG002
        """Yield the records whose field `by` has one of these values."""
        records: list[tuple[str, str | None, dict[str, Any]]] = [
            (self.ids[key], key, record) for key, record in self.records.items()
        ]
        records += [(identity, None, record) for identity, record in self.keyless.items()]
        found = [
            {"value": value, "destination_id": identity, "sync_key": key}
            for value in values
            for identity, key, record in records
            if record.get(by) == value
        ]
        kinds = pa.schema([(n, pa.string()) for n in ("value", "destination_id", "sync_key")])
        yield Match(pa.Table.from_pylist(found, kinds))

    def preflight(self, target: Target) -> tuple[Grant, ...]:
        """Return that all is allowed."""
        return (Grant(f"write {target.object}", held=True, needed=True),)

    def quota(self) -> QuotaReading | None:
        """Return what was used of the limit, if there is one."""
        return None if self._limit is None else QuotaReading(self.used, self._limit)

    def land(self) -> int:
        """Apply the late requests now, oldest first; return how many there were."""
        with self._lock:
            late, self._late = self._late, []
            for payload in late:
                self._apply(payload)
        return len(late)

    def _count(self) -> None:
        if self._limit is not None and self.used >= self._limit:
            raise QuotaRefused("The day's requests are used up.", code="LIMIT_EXCEEDED")
        self.used += 1

    def _refuse(self, fault: Fault) -> None:
        match fault.trouble:
            case Trouble.RATE_LIMITED:
                raise Throttled(
                    "Too many requests.", code="TOO_MANY_REQUESTS", retry_after=fault.retry_after
                )
            case Trouble.REFUSED:
                raise BatchRefused("The request cannot be parsed.", code="MALFORMED")
            case Trouble.QUOTA:
                raise QuotaRefused("The day's requests are used up.", code="LIMIT_EXCEEDED")
            case Trouble.ACCESS:
                raise AccessRefused("The session is not valid.", code="INVALID_SESSION")

    def _apply(self, payload: bytes) -> dict[str, Any]:
        body = orjson.loads(payload)
        verb = Verb(body["verb"])
        return {
            record["key"]: self._apply_one(verb, record["key"], record["id"], record["fields"])
            for record in body["records"]
        }

    def _apply_one(
        self, verb: Verb, key: str, identity: str | None, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        if errors := self._row_errors.get(key):
            error = errors.popleft()
            return {"error": [error.code, error.text, error.fate, error.fields]}
        if verb is Verb.UPDATE and identity in self.keyless:
            self.records[key], self.ids[key] = self.keyless.pop(identity), identity
        there = key in self.records
        if verb in {Verb.REMOVE, Verb.ERASE}:
            self.records.pop(key, None)
            return {"id": self.ids.get(key), "created": False}
        if verb is (Verb.CREATE if there else Verb.UPDATE):
            return {"error": ["EXISTS" if there else "NOT_FOUND", "", RowFate.PERMANENT, ()]}
        if not there:
            self.creates[key] += 1
            self.ids[key] = f"m{len(self.ids) + 1:06d}"
        self.records.setdefault(key, {}).update(fields)
        return {"id": self.ids[key], "created": not there}


def _unheard() -> Transient:
    return Transient("No answer came in time.", code="TIMEOUT", applied=Applied.UNKNOWN)


def _result(result: Mapping[str, Any]) -> RowResult:
    if "error" not in result:
        return RowResult(destination_id=result["id"], created=result["created"])
    code, text, fate, fields = result["error"]
    return RowResult(error=RowError(code, text, RowFate(fate), tuple(fields)))
