"""The promises that hold always: asked with every request, every fold, and of the books at last."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activation.contract.model import Contract
from activation.delivery import Bounds
from activation.destinations.base import QuotaReading
from activation.gates.verdict import Gate
from activation_tests.simulation.books import Books, moment
from activation_tests.simulation.planner import Frozen, Warehouse
from activation_tests.simulation.process import Process
from activation_tests.simulation.source import Row
from activation_tests.simulation.stage import Stage

BOUNDS = Bounds(watch_seconds=20)
"""Every look at the switch is an event of its own; here the one with each intent is enough."""
HEADROOM = 0.2
_SLACK = 5.0
"""Seconds that a request may wait for its turn after its last question of consent."""
_WITHIN = 1.0
"""Seconds after a pause within which the last request may start."""
_RECORDED = 10.0
"""Seconds after which an answer is in the ledger, if nobody died or stood still."""

Records = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class _Batch:
    """What the ledger's row of a batch says when its request starts."""

    id: str
    plan: str
    deadline: datetime
    intended_at: datetime


class Judge:
    """Sees every request, and knows what should be."""

    def __init__(
        self, stage: Stage, books: Books, warehouse: Warehouse, processes: Sequence[Process]
    ) -> None:
        self._stage = stage
        self._books = books
        self._warehouse = warehouse
        self._processes = processes
        self.paused_at: float | None = None
        self._refused: dict[tuple[str, int], str] = {}
        self._sent_on: Counter[object] = Counter()
        self._reports: list[tuple[float, Process, QuotaReading]] = []
        self._not_before: dict[str, float] = {}
        self._unknown: dict[str, str] = {}
        self._first: str | None = None
        """The batch whose first request is being made."""
        self._tries: Counter[tuple[str, str]] = Counter()

    def sends(self, process: Process, contract: Contract, payload: bytes, records: Records) -> None:
        """Hold a request that starts now against the promises."""
        digest = _digest(payload)
        self._of_lease(process)
        batch = self._intended(digest)
        if batch is None:
            self._stage.violated("intent", f"{process.name} sends what is not intended")
            return
        if self._stage.wall() > batch.deadline:
            self._stage.violated("deadline", f"{batch.id} starts after its deadline")
        self._of_plan(batch, process, records)
        self._of_people(process, records)
        self._of_quota(batch, contract)
        if self._stage.now() < self._not_before.get(digest, 0):
            self._stage.violated("retry-after", f"{batch.id} goes again too early")
        self._first = batch.id if batch.id not in self._unknown else None
        if self._unknown.setdefault(batch.id, digest) != digest:
            self._stage.violated("same bytes", f"{batch.id} goes again with other bytes")
        self._tries[process.name, digest] += 1
        if self._tries[process.name, digest] > contract.replay.attempts * 2:
            self._stage.violated("bounded attempts", f"{batch.id} by {process.name}")

    def not_applied(self) -> None:
        """Keep that the request that has just started did not take effect, and we can know it."""
        if self._first is not None:
            self._unknown.pop(self._first, None)

    def refused(self, payload: bytes, records: Records) -> None:
        """Keep that the vendor refused these rows for good."""
        for record in records:
            self._refused[record["key"], record["fields"]["Stamp"]] = _digest(payload)

    def reported(self, process: Process, reading: QuotaReading) -> None:
        """Keep what the vendor says of the day's requests."""
        self._reports.append((self._stage.now(), process, reading))

    def asked_to_wait(self, payload: bytes, seconds: float | None) -> None:
        """Keep when the vendor wants to see these bytes again."""
        if seconds:
            self._not_before[_digest(payload)] = self._stage.now() + seconds
            self._stage.saw("the vendor asked to wait")

    def landed(self, records: Records) -> None:
        """Notice a late request whose repetition is folded already."""
        for record in records:
            known = self._warehouse.delivered.get(record["key"])
            if known is not None and known.version == record["fields"]["Stamp"]:
                self._stage.saw("a request took effect late, after its repetition was folded")

    def folds(self, row: Row, destination_id: str | None, held: tuple[int, str] | None) -> None:
        """Hold a receipt against what the vendor has."""
        if held is None or held[0] < row.version:
            self._stage.violated("honest receipts", f"{row.key} {row.version} is not there")
        elif destination_id != held[1]:
            self._stage.violated("honest receipts", f"{row.key} is not {destination_id}")

    def _intended(self, digest: str) -> _Batch | None:
        found = self._books.ask(
            "SELECT id, plan_digest, send_deadline, intended_at FROM batch"
            " WHERE payload_digest = ? AND state = 'intended' ORDER BY send_deadline DESC, id",
            (digest,),
        )
        if not found:
            return None
        name, plan, deadline, intended_at = found[0]
        return _Batch(name, plan, moment(deadline), moment(intended_at))

    def _of_lease(self, process: Process) -> None:
        lease = self._books.ask("SELECT owner, expires_at FROM lease")
        if not lease or lease[0][0] != process.name or moment(lease[0][1]) <= self._stage.wall():
            self._stage.violated("one sender", f"{process.name} sends without the lease")
        for other in self._processes:
            if other is not process and other.alive and other.in_flight:
                self._stage.violated("one sender", f"{process.name} sends beside {other.name}")
        if not process.alive:
            self._stage.violated("one sender", f"{process.name} sends though it is dead")

    def _of_plan(self, batch: _Batch, process: Process, records: Records) -> None:
        frozen = self._warehouse.plans[batch.plan]
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
            row = frozen.by_key.get(record["key"])
            if row is None or row.version != record["fields"]["Stamp"]:
                self._stage.violated("frozen", f"{record['key']} is not what was planned")
            else:
                self._of_refusal(row, frozen)

    def _of_refusal(self, row: Row, frozen: Frozen) -> None:
        """See that a row whose refusal was known to the planner does not go again."""
        if (digest := self._refused.get((row.key, row.version))) is None:
            return
        recorded = self._books.ask(
            "SELECT min(settled_at) FROM batch WHERE payload_digest = ?"
            " AND (state = 'delivered' OR state = 'refused' AND rows = 1)",
            (digest,),
        )[0][0]
        if recorded is not None and moment(recorded) < frozen.plan.created_at:
            self._stage.violated("refused once", f"{row.key} {row.version} goes again")

    def _of_people(self, process: Process, records: Records) -> None:
        now = self._stage.now()
        if now - process.frozen_until < BOUNDS.recheck_seconds * 2 and process.frozen_until:
            return  # whoever stands still between a question and the request cannot know better
        if self.paused_at is not None and now - self.paused_at > _WITHIN:
            self._stage.violated("kill switch", f"{process.name} sends while paused")
        for record in records:
            revoked_at = self._warehouse.source.revoked_at.get(record["key"], now)
            if now - revoked_at > BOUNDS.recheck_seconds + _SLACK:
                self._stage.violated("consent", f"{record['key']} goes without consent")

    def _of_quota(self, batch: _Batch, contract: Contract) -> None:
        day = batch.intended_at.date()
        self._sent_on[day] += 1
        if self._sent_on[day] > contract.quota.requests_per_day:
            self._stage.violated("quota", f"{self._sent_on[day]} requests on {day}")
        if self._stage.scenario.deaf or self._stage.scenario.freeze:
            return  # what was reported may not have come into the ledger
        for at, process, reading in self._reports:
            told_on = (self._stage.scenario.start + timedelta(seconds=at)).date()
            old = (batch.intended_at - self._stage.scenario.start).total_seconds() - at
            allowed = int(reading.limit * (1 - HEADROOM))
            if process.alive and told_on == day and old > _RECORDED and reading.used >= allowed:
                self._stage.violated("headroom", f"{reading.used} of {reading.limit} were used")
                return


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()
