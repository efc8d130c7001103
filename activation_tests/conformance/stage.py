"""A subject with all that its tests need around it: rows, attempts, deliveries, crashes."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pyarrow as pa

from activation.destinations.base import (
    Answer,
    Destination,
    JobEndpoint,
    JobState,
    RequestEndpoint,
    RowResult,
    Target,
)
from activation.destinations.memory import MemoryDestination
from activation.destinations.traits import Traits, Verb
from activation.errors import Transient
from activation.ledger import Ledger, open_ledger
from activation_tests.conformance.shared_time import SharedTime
from activation_tests.conformance.subject import Subject, arrow_type
from activation_tests.delivery.rig import CrashError, FrozenActions, Rig, contract
from activation_tests.hash_keys import HASH_KEYS

SECONDS = 5.0
_POLL_SECONDS = 30.0
_MOST_POLLS = 200
_CALLS = ("send", "open_job", "start_job", "job_status", "job_answer", "abandon_job")


@dataclass
class Stage:
    """One test's surroundings."""

    subject: Subject
    time: SharedTime
    folder: Path
    empty_ledger: Path

    def __post_init__(self) -> None:
        """Make the account ready and connect."""
        self.subject.prepare()
        self.destination = self.subject.connect(self.time)
        self._ledgers: list[Ledger] = []

    def reconnect(self) -> None:
        """Be another process, which remembers nothing."""
        self._close_destination()
        self.destination = self.subject.connect(self.time)

    @property
    def target(self) -> Target:
        """Return where rows go, to be upserted."""
        return self.subject.target

    @property
    def traits(self) -> Traits:
        """Return what the endpoint declares."""
        return self.endpoint().traits

    def endpoint(self, verb: Verb = Verb.UPSERT) -> RequestEndpoint | JobEndpoint:
        """Return the endpoint under test."""
        target = replace(self.target, verb=verb)
        return self.destination.endpoint_named(target, self.subject.endpoint_for(verb))

    def keys(self, count: int, first: int = 0) -> list[str]:
        """Return so many sync keys."""
        return [self.subject.key(number) for number in range(first, first + count)]

    def rows(
        self, count: int, first: int = 0, values: Mapping[str, Sequence[Any]] | None = None
    ) -> pa.Table:
        """Return so many good rows; `values` replace those of the fields that they name."""
        good = [self.subject.row(number) for number in range(first, first + count)]
        table: dict[str, Any] = {"sync_key": pa.array(self.keys(count, first), pa.string())}
        for mapped in self.target.fields:
            column = (values or {}).get(mapped.to, [row[mapped.to] for row in good])
            table[mapped.to] = pa.array(column, arrow_type(mapped))
        return pa.table(table)

    def spoilt(self, count: int, bad: int, first: int = 0) -> pa.Table:
        """Return rows of which the vendor refuses one for good."""
        values = {
            name: [
                value if place == bad else self.subject.row(first + place)[name]
                for place in range(count)
            ]
            for name, value in self.subject.spoilt.items()
        }
        return self.rows(count, first, values)

    def attempt(self, rows: pa.Table, verb: Verb = Verb.UPSERT) -> Attempt:
        """Return an attempt to write these rows."""
        return Attempt(self, self.endpoint(verb), replace(self.target, verb=verb), rows)

    def carry(self, rows: pa.Table, verb: Verb = Verb.UPSERT) -> tuple[RowResult, ...]:
        """Write rows, and return what the vendor said of each."""
        return self.attempt(rows, verb).run()

    def text_of(self, key: str) -> Any:
        """Return the text field of a record as the vendor holds it, once reads have caught up."""
        record = self.stored(key)
        assert record is not None, f"there is no record with the key {key}"
        return record.get(self.subject.text)

    def stored(self, key: str) -> Any:
        """Return a record as the vendor holds it, once reads have caught up; None without one."""
        self.catch_up()
        return self.subject.stored(key)

    def count(self) -> int:
        """Return how many records the vendor holds, once reads have caught up."""
        self.catch_up()
        return self.subject.count()

    def catch_up(self) -> None:
        """Let the time pass after which reads show what was written."""
        lag = self.destination.object_traits(self.target.object).read_lag
        self.time.pass_(lag.total_seconds() + 1)

    def rig(self, rows: pa.Table, **traits: Any) -> tuple[Rig, Pinned]:
        """Return an engine with a plan of these rows; `traits` replace what the endpoint has."""
        count = rows.num_rows
        rows = rows.append_column("operation", pa.array(["create"] * count))
        for name in ("row_hash", "version"):
            rows = rows.append_column(name, pa.array(range(count), pa.int64()))
        pinned = Pinned(self.destination, self.subject.endpoint, traits)
        path = self.folder / f"ledger-{len(self._ledgers)}.db"
        ledger = open_ledger(
            f"sqlite:///{shutil.copy(self.empty_ledger, path)}", self.time, hash_keys=HASH_KEYS
        )
        self._ledgers.append(ledger)
        rig = Rig(
            ledger,
            self.time,
            # The rig only hands it on.
            cast("MemoryDestination", pinned),
            FrozenActions(rows),
            contract(
                destination={
                    "connection": "crm",
                    "object": self.target.object,
                    "key": self.target.key,
                },
                fields=[mapped.model_dump() for mapped in self.target.fields],
            ),
        )
        rig.plan()
        return rig, pinned

    def close(self) -> None:
        """Close what was opened."""
        for ledger in self._ledgers:
            ledger.close()
        self._close_destination()

    def _close_destination(self) -> None:
        if close := getattr(self.destination, "close", None):
            close()


@dataclass
class Attempt:
    """The rows of one batch on their way, over a request or a job."""

    stage: Stage
    endpoint: RequestEndpoint | JobEndpoint
    target: Target
    rows: pa.Table
    job: str | None = None
    started: bool = False

    def __post_init__(self) -> None:
        """Encode once: every attempt sends the same bytes."""
        columns = ["sync_key", *(mapped.to for mapped in self.target.fields)]
        columns += [c for c in ("destination_id", "changed") if c in self.rows.column_names]
        self.payload = self.endpoint.encode(self.target, self.rows.select(columns))

    def run(self, seconds: float = SECONDS) -> tuple[RowResult, ...]:
        """Send, or take up what an earlier run of this attempt has left."""
        keys = self.rows["sync_key"].to_pylist()
        return self.endpoint.decode(self._answer(seconds), keys)

    def _answer(self, seconds: float) -> Answer:
        if isinstance(self.endpoint, RequestEndpoint):
            return self.endpoint.send(self.target, self.payload, seconds=seconds)
        endpoint, target = self.endpoint, self.target
        if self.job is not None:
            state = endpoint.job_status(target, self.job, seconds=seconds).state
            if state is JobState.OPEN:
                endpoint.abandon_job(target, self.job, seconds=seconds)
                self.job = None
        if self.job is None:
            self.job = endpoint.open_job(target, seconds=seconds)
            endpoint.start_job(target, self.job, self.payload, seconds=seconds)
        for _ in range(_MOST_POLLS):
            status = endpoint.job_status(target, self.job, seconds=seconds)
            if status.refusal is not None:
                raise status.refusal
            if status.state in (JobState.DONE, JobState.FAILED):
                return endpoint.job_answer(target, self.job, seconds=seconds)
            if status.state is JobState.GONE:
                raise Transient("The job is gone.", code="JOB_GONE")
            self.stage.time.pass_(status.retry_after or _POLL_SECONDS)
        raise Transient("The job never ends.", code="JOB_NEVER_ENDS")


class Pinned:
    """A destination that offers one endpoint only, whose process can be made to crash."""

    def __init__(self, destination: Destination, name: str, traits: dict[str, Any]) -> None:
        self._destination = destination
        self._name = name
        self._traits = traits
        self.system = destination.system
        self.crash_at: int | None = None
        """The call's edge at which the process is gone: 0 before the first, 1 after it, ..."""
        self.edges = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._destination, name)

    def endpoint(self, target: Target, *, rows: int) -> Any:  # noqa: ARG002
        """Return the endpoint, whatever the rows."""
        return self.endpoint_named(target, self._name)

    def endpoint_named(self, target: Target, name: str) -> Any:
        """Return the endpoint of that name, watched."""
        watched = copy.copy(self._destination.endpoint_named(target, name))
        watched.traits = replace(watched.traits, **self._traits)
        for call in _CALLS:
            if method := getattr(watched, call, None):
                setattr(watched, call, self._watched(method))
        return watched

    def _watched(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self._edge()
            answer = method(*given, **named)
            self._edge()
            return answer

        return call

    def _edge(self) -> None:
        edge, self.edges = self.edges, self.edges + 1
        if edge == self.crash_at:
            raise CrashError


def delivered(results: Iterable[RowResult]) -> list[bool]:
    """Return for each row whether the vendor vouches for it."""
    return [result.error is None for result in results]
