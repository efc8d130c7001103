"""The promises that hold always: asked with every request, every fold, and of the books at last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from activation.delivery import Bounds
from activation.destinations.base import Operation, QuotaReading, Target
from activation.destinations.traits import Verb
from activation.gates.verdict import Gate
from activation.ledger.switches import EVERYTHING
from activation_tests.simulation.allowance import Allowance
from activation_tests.simulation.books import Books, moment
from activation_tests.simulation.planner import Action, Frozen, Warehouse
from activation_tests.simulation.process import Process
from activation_tests.simulation.promise import CONNECTION
from activation_tests.simulation.stage import Stage

BOUNDS = Bounds(watch_seconds=20, upload_seconds=60, job_seconds=900)
"""Every look at the switch is an event of its own; here the one with each intent is enough."""
_SLACK = 5.0
"""Seconds that a request may wait for its turn after its last question of consent."""
_WITHIN = 1.0
"""Seconds after a pause within which the last request may start."""
_ATTEMPTS = 3 * 2
"""Attempts at the same bytes by one process, which settles and then delivers."""

Records = Sequence[Mapping[str, Any]]


class Held(Protocol):
    """What the vendor holds under a key."""

    id: str
    version: int
    alive: bool


@dataclass(slots=True)
class _Batch:
    """What the ledger's row of a batch says when its request starts."""

    id: str
    plan: str
    sync: str
    deadline: datetime


class Judge:
    """Sees every request, and knows what should be."""

    def __init__(
        self,
        stage: Stage,
        books: Books,
        warehouses: Mapping[str, Warehouse],
        processes: Sequence[Process],
    ) -> None:
        self._stage = stage
        self._books = books
        self._warehouses = warehouses
        self._processes = processes
        self._allowance = Allowance(stage, books, processes)
        self.paused: dict[str, float] = {}
        """When each scope was paused that is."""
        self.by_hand: set[str] = set()
        """The keys of creations that people looked up."""
        self._refused: dict[tuple[str, int], str] = {}
        self._unknown: dict[str, str] = {}
        self._first: str | None = None
        """The batch whose first request is being made."""
        self._tries: Counter[tuple[str, str]] = Counter()
        self._jobs: dict[str, set[str]] = {}
        """The jobs that were handed the same bytes."""
        self._running: set[str] = set()

    def counted(self, at: float) -> None:
        """Keep when the vendor counts the request that is being made."""
        self._allowance.counted(at)

    def accepted(self, process: Process, *, withdrawal: bool) -> None:
        """Hold a request that counts against the account's day against what people keep."""
        self._allowance.accepted(process, withdrawal=withdrawal)

    def calls(self, process: Process, sync: str) -> None:
        """Hold whatever leaves against the promises."""
        self._of_lease(process, sync)
        self._of_switch(process, sync)
        self._allowance.calls(process, sync)

    def opens(self, process: Process, target: Target) -> None:
        """Hold the making of a job against the promises."""
        found = self._books.ask(
            "SELECT 1 FROM batch WHERE sync = ? AND state = 'intended' AND endpoint = 'jobs'",
            (target.object,),
        )
        if not found:
            self._stage.violated("intent", f"{process.name} makes a job that is not intended")

    def starts(
        self, process: Process, target: Target, job: str, payload: bytes, records: Records
    ) -> None:
        """Hold the start of a job against the promises."""
        digest = digest_of(payload)
        found = self._books.ask(
            "SELECT id, plan_digest, sync, send_deadline, payload_digest FROM batch WHERE job = ?",
            (job,),
        )
        if not found or found[0][4] != digest:
            self._stage.violated("durable id", f"{process.name} starts {job}, which nobody knows")
            return
        name, plan, sync, deadline, _ = found[0]
        batch = _Batch(name, plan, sync, moment(deadline))
        self._of_plan(batch, process, target.verb, records)
        self._of_people(process, sync, records, BOUNDS.request_seconds)
        for other in self._jobs.get(digest, set()) - {job}:
            if other in self._running:
                self._stage.violated("one job", f"{name} goes in {job} beside {other}")

    def began(self, job: str, digest: str) -> None:
        """Keep that a job has been handed these bytes."""
        self._jobs.setdefault(digest, set()).add(job)
        self._running.add(job)

    def ended(self, job: str) -> None:
        """Keep that a job does nothing any more."""
        self._running.discard(job)

    def sends(self, process: Process, target: Target, payload: bytes, records: Records) -> None:
        """Hold a request that starts now against the promises."""
        digest = digest_of(payload)
        sync, withdrawal = target.object, target.verb is Verb.REMOVE
        self.calls(process, sync)
        batch = self._intended(digest)
        if batch is None:
            self._stage.violated("intent", f"{process.name} sends what is not intended")
            return
        if process.clock.now().timestamp() - process.listening > batch.deadline.timestamp():
            self._stage.violated("deadline", f"{batch.id} starts after its deadline")
        self._of_plan(batch, process, target.verb, records)
        if not withdrawal:
            self._of_people(process, sync, records, 0)
        self._first = batch.id if batch.id not in self._unknown else None
        if self._unknown.setdefault(batch.id, digest) != digest:
            self._stage.violated("same bytes", f"{batch.id} goes again with other bytes")
        self._tries[process.name, digest] += 1
        if self._tries[process.name, digest] > _ATTEMPTS:
            self._stage.violated("bounded attempts", f"{batch.id} by {process.name}")

    def not_applied(self) -> None:
        """Keep that the request that has just started did not take effect, and we can know it."""
        if self._first is not None:
            self._unknown.pop(self._first, None)

    def refused(self, payload: bytes, records: Records) -> None:
        """Keep that the vendor refused these rows for good."""
        for record in records:
            self._refused[record["key"], record["fields"]["Stamp"]] = digest_of(payload)

    def reported(self, process: Process, reading: QuotaReading) -> None:
        """Keep what the vendor says of the day's requests."""
        self._allowance.reported(process, reading)

    def asked_to_wait(self, process: Process, seconds: float | None) -> None:
        """Keep when the vendor wants to see the next request."""
        self.not_applied()
        self._allowance.asked_to_wait(process, seconds)

    def landed(self, sync: str, records: Records) -> None:
        """Notice a late request whose repetition is folded already."""
        for record in records:
            known = self._warehouses[sync].delivered.get(record["key"])
            if known is not None and known.version == record["fields"]["Stamp"]:
                self._stage.saw("a request took effect late, after its repetition was folded")

    def folds(self, action: Action, destination_id: str | None, held: Held | None) -> None:
        """Hold a receipt against what the vendor has."""
        row = action.row
        if action.operation is Operation.DELETE:
            if held is not None and held.alive and held.version <= row.version:
                self._stage.violated("honest receipts", f"{row.key} {row.version} is there still")
        elif held is None or held.version < row.version:
            self._stage.violated("honest receipts", f"{row.key} {row.version} is not there")
        elif destination_id is None and row.key in self.by_hand:
            return  # people's word comes without an id
        elif held.version == row.version and destination_id != held.id:
            self._stage.violated("honest receipts", f"{row.key} is not {destination_id}")

    def audit(self) -> None:
        """Hold what can only be told at last against the promises."""
        self._allowance.audit()

    def _intended(self, digest: str) -> _Batch | None:
        found = self._books.ask(
            "SELECT id, plan_digest, sync, send_deadline FROM batch"
            " WHERE payload_digest = ? AND state = 'intended' ORDER BY send_deadline DESC, id",
            (digest,),
        )
        if not found:
            return None
        name, plan, sync, deadline = found[0]
        return _Batch(name, plan, sync, moment(deadline))

    def _of_lease(self, process: Process, sync: str) -> None:
        lease = self._books.ask("SELECT owner, expires_at FROM lease WHERE sync = ?", (sync,))
        now = self._stage.wall(process.machine)
        if not lease or lease[0][0] != process.name or moment(lease[0][1]) <= now:
            self._stage.violated("one sender", f"{process.name} sends without the lease")
        for other in self._processes:
            if (
                other is not process
                and other.sync == process.sync
                and other.alive
                and other.in_flight
            ):
                self._stage.violated("one sender", f"{process.name} sends beside {other.name}")
        if not process.alive:
            self._stage.violated("one sender", f"{process.name} sends though it is dead")

    def _of_switch(self, process: Process, sync: str) -> None:
        now = self._stage.now()
        if self._stood_still(process):
            return
        for scope in (EVERYTHING, f"connection:{CONNECTION}", f"sync:{sync}"):
            if now - self.paused.get(scope, now) > _WITHIN:
                self._stage.violated("kill switch", f"{process.name} sends while {scope} is paused")

    def _of_plan(self, batch: _Batch, process: Process, verb: Verb, records: Records) -> None:
        frozen = self._warehouses[batch.sync].plans[batch.plan]
        passed = self._books.ask(
            "SELECT count(*) FROM verdict WHERE plan_digest = ? AND passed", (batch.plan,)
        )
        if not frozen.passed or passed[0][0] != len(Gate):
            self._stage.violated("gates", f"{batch.id} goes though its plan did not pass")
        if process.delivers == batch.plan and process.since is not None:
            age = process.since - frozen.plan.created_at
            if age > BOUNDS.max_age:
                self._stage.violated("age", f"{batch.id} goes though its plan is {age} old")
        for record in records:
            action = frozen.by_key.get(record["key"])
            if action is None or action.row.version != record["fields"]["Stamp"]:
                self._stage.violated("frozen", f"{record['key']} is not what was planned")
            elif (action.operation is Operation.DELETE) is not (verb is Verb.REMOVE):
                self._stage.violated("frozen", f"{record['key']}: {verb} was not planned")
            else:
                self._of_refusal(action, frozen)

    def _of_refusal(self, action: Action, frozen: Frozen) -> None:
        """See that a row whose refusal was known to the planner does not go again."""
        row = action.row
        if (digest := self._refused.get((row.key, row.version))) is None:
            return
        recorded = self._books.ask(
            "SELECT min(settled_at) FROM batch WHERE payload_digest = ?"
            " AND (state = 'delivered' OR state = 'refused' AND rows = 1)",
            (digest,),
        )[0][0]
        if recorded is not None and moment(recorded) < frozen.plan.created_at:
            self._stage.violated("refused once", f"{row.key} {row.version} goes again")

    def _of_people(self, process: Process, sync: str, records: Records, more: float) -> None:
        now = self._stage.now()
        if self._stood_still(process):
            return
        revoked_at = self._warehouses[sync].source.revoked_at
        for record in records:
            since = now - revoked_at.get(record["key"], now)
            if since > BOUNDS.recheck_seconds + _SLACK + more:
                self._stage.violated("consent", f"{record['key']} goes without consent")

    def _stood_still(self, process: Process) -> bool:
        """Tell who stood still between a question and the request, and cannot know better."""
        recently = self._stage.now() - process.frozen_until < BOUNDS.recheck_seconds * 2
        return bool(process.frozen_until) and recently


def digest_of(payload: bytes) -> str:
    """Return the SHA-256 of a request's bytes, as the ledger keeps it."""
    return hashlib.sha256(payload).hexdigest()
