"""A vendor: one account, its objects, its moods."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from activation.destinations.base import Fate, JobState
from activation.destinations.traits import Verb
from activation_tests.simulation.judge import Judge, Records
from activation_tests.simulation.scenario import Fault
from activation_tests.simulation.source import BAD
from activation_tests.simulation.stage import Stage

Results = dict[str, Any]
"""What there is to say of each key: the record's id, or a code and a fate."""


@dataclass(slots=True)
class Record:
    """What the vendor holds under a key."""

    id: str
    version: int
    alive: bool = True


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for."""

    object: str
    verb: Verb
    records: Records
    idempotency_key: str | None = None
    key_life: timedelta = timedelta(0)


@dataclass(slots=True)
class Job:
    """A job as it is; what is told of it may be older."""

    name: str
    object: str
    opened_by: str
    state: JobState = JobState.OPEN
    started_at: float = 0.0
    records: Records = ()
    payload: bytes = b""
    results: Results = field(default_factory=dict)


class Vendor:
    """The account, as all processes share it."""

    def __init__(self, stage: Stage, judge: Judge) -> None:
        self.stage = stage
        self.judge = judge
        self.chance = stage.chance("vendor")
        self.objects: defaultdict[str, dict[str, Record]] = defaultdict(dict)
        self.pending = 0
        """Requests that will yet take effect although nobody listens any more."""
        self.requests = 0
        self.used: Counter[int] = Counter()
        """Requests of everybody, by the vendor's day."""
        self.jobs: dict[str, Job] = {}
        self._ids = 0
        self._remembered: dict[str, tuple[Results, datetime]] = {}
        """What was answered under an idempotency key, and until when that is known."""

    @property
    def day(self) -> int:
        """Return the vendor's day; its clock is right."""
        return self.stage.wall().toordinal()

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

    def apply(self, wish: Wish, *, late: bool = False) -> Results:
        """Do what is asked for, or give the answer that the idempotency key is known for."""
        if (known := self.remembered(wish)) is not None:
            self.stage.saw("an idempotency key was known")
            return known
        results = self._carry_out(wish, "late, " if late else "")
        if wish.idempotency_key is not None:
            until = self.stage.wall() + wish.key_life
            self._remembered[wish.idempotency_key] = results, until
        return results

    def remembered(self, wish: Wish) -> Results | None:
        """Return what was answered under the request's idempotency key, while that is known."""
        results, until = self._remembered.get(wish.idempotency_key or "", ({}, None))
        return None if until is None or self.stage.wall() >= until else results

    def apply_later(self, wish: Wish, seconds: float) -> None:
        """Let a request take effect when nobody listens any more."""
        self.pending += 1

        def land() -> None:
            self.pending -= 1
            self.stage.tell("vendor", f"applies late {[r['key'] for r in wish.records]}")
            self.stage.saw("a request took effect late")
            self.judge.landed(wish.object, wish.records)
            self.apply(wish, late=True)

        self.stage.loop.call_later(seconds, land)

    def make_job(self, name: str, by: str) -> Job:
        """Make a job for an object, which does nothing yet."""
        job = Job(f"j{len(self.jobs):03d}", name, by)
        self.jobs[job.name] = job
        return job

    def _carry_out(self, wish: Wish, how: str) -> Results:
        records = self.objects[wish.object]
        results: Results = {}
        acts: dict[Verb, Callable[[dict[str, Record], str, int, str], str | None]] = {
            Verb.UPSERT: self._upsert,
            Verb.CREATE: self._create,
            Verb.REMOVE: self._remove,
        }
        act = acts[wish.verb]
        for record in wish.records:
            key, fields = record["key"], record["fields"]
            if fields["Note"] == BAD:
                results[key] = ["INVALID", Fate.PERMANENT]
            else:
                results[key] = act(records, key, fields["Stamp"], how)
        return results

    def _upsert(self, records: dict[str, Record], key: str, version: int, how: str) -> str:
        held = records.get(key)
        self._in_order(held, key, version, how)
        if held is None or not held.alive:
            held = records[key] = Record(self._id(), version)
        held.version = version
        return held.id

    def _create(self, records: dict[str, Record], key: str, version: int, how: str) -> str:
        held = records.get(key)
        if held is not None:
            self.stage.violated("no double create", f"{key}: {how}again as {version}")
            return held.id
        records[key] = Record(self._id(), version)
        return records[key].id

    def _remove(self, records: dict[str, Record], key: str, version: int, how: str) -> str | None:
        held = records.get(key)
        self._in_order(held, key, version, how)
        if held is None:
            return None
        held.version, held.alive = version, False
        return held.id

    def _in_order(self, held: Record | None, key: str, version: int, how: str) -> None:
        if held is not None and version < held.version:
            self.stage.violated("no older over newer", f"{key}: {how}{version} over {held.version}")

    def _id(self) -> str:
        self._ids += 1
        return f"r{self._ids:03d}"


def keys_of(records: Sequence[Any]) -> list[tuple[str, int]]:
    """Return what a request carries, for the trace."""
    return [(record["key"], record["fields"]["Stamp"]) for record in records]
