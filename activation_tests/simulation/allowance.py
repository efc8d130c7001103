"""What the vendor and the contract allow: the day's requests, rates, and being asked to wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from activation.destinations.base import QuotaReading
from activation.destinations.traits import Bucket
from activation.governor.budget import WITHDRAWAL_HEADROOM
from activation_tests.simulation.books import Books
from activation_tests.simulation.process import Process
from activation_tests.simulation.stage import Stage

HEADROOM = 0.2
_RECORDED = 10.0
"""Seconds after which an answer is in the ledger, if nobody died or stood still."""
_MIDNIGHT = 60.0
"""Seconds around midnight in which clocks may differ about the day."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class _Report:
    """What the vendor said of the day's requests."""

    at: float
    process: Process
    reading: QuotaReading
    accepted: int
    """Requests of ours that had counted by then."""


class Allowance:
    """Counts what left, and when the vendor counts it."""

    def __init__(self, stage: Stage, books: Books, processes: Sequence[Process]) -> None:
        self._stage = stage
        self._books = books
        self._processes = processes
        self._counted: list[float] = []
        self._made: dict[str, int] = {}
        """Requests by sync."""
        self._accepted = 0
        """Requests of ours that counted against the account's day."""
        self._reports: list[_Report] = []
        self._not_before = 0.0
        self._asked: tuple[float, Process] | None = None

    def counted(self, at: float) -> None:
        """Keep when the vendor counts a request."""
        self._counted.append(at)

    def reported(self, process: Process, reading: QuotaReading) -> None:
        """Keep what the vendor says of the day's requests."""
        self._reports.append(_Report(self._stage.now(), process, reading, self._accepted))

    def asked_to_wait(self, process: Process, seconds: float | None) -> None:
        """Keep when the vendor wants to see the next request."""
        if seconds:
            self._stage.saw("the vendor asked to wait")
            at = self._stage.now()
            if at + seconds > self._not_before:
                self._not_before, self._asked = at + seconds, (at, process)

    def calls(self, process: Process, sync: str) -> None:
        """Hold a request that starts now against what is allowed."""
        self._made[sync] = self._made.get(sync, 0) + 1
        self._of_share(sync)
        self._of_wait(process)
        if any(other.in_flight and other.sync != sync for other in self._processes):
            self._stage.saw("two syncs on the wire at once")
        at_once = sum(other.in_flight for other in self._processes)
        for bucket in self._stage.scenario.buckets:
            in_step = self._stage.scenario.in_step
            if bucket.seconds is None and at_once > bucket.requests and in_step:
                self._stage.violated("at once", f"{at_once} requests in {bucket.name}")

    def accepted(self, process: Process, *, withdrawal: bool) -> None:
        """Hold a request that counts against the account's day against what people keep."""
        self._accepted += 1
        if process.alive:
            self._of_day(withdrawal=withdrawal)

    def audit(self) -> None:
        """Hold the times at which the vendor counted against its rates, in every window."""
        if not self._stage.scenario.in_step:
            return  # machines whose clocks differ by seconds cannot share a rate
        times = sorted(self._counted)
        for bucket in self._stage.scenario.buckets:
            if bucket.seconds is not None:
                self._of_rate(bucket, bucket.seconds, times)

    def _of_rate(self, bucket: Bucket, seconds: float, times: list[float]) -> None:
        for first, last in zip(times, times[bucket.requests - 1 :], strict=False):
            if bucket.requests > 1 and last - first < seconds:
                self._stage.saw("a rate was used up")
        for first, last in zip(times, times[bucket.requests :], strict=False):
            if last - first < seconds:
                many = f"{bucket.requests + 1} in {last - first:.3f} s at {last:.3f}"
                self._stage.violated("rate", f"{bucket.name}: {many}")
                return

    def _of_share(self, sync: str) -> None:
        """See that each request was reserved, and no day's reservations exceed the contract."""
        reserved = self._books.ask("SELECT reserved FROM quota_share WHERE sync = ?", (sync,))
        if sum(day for (day,) in reserved) < self._made[sync]:
            self._stage.violated("quota", f"{sync} sends what is not reserved")
        withdrawals = self._books.ask(
            "SELECT sum(requests) FROM batch WHERE sync = ? AND verb = 'remove'", (sync,)
        )
        allowed = self._stage.allowed(sync) + (withdrawals[0][0] or 0)
        if any(day > allowed for (day,) in reserved):
            self._stage.violated("quota", f"{sync} reserves {reserved}, {allowed} allowed")

    def _of_day(self, *, withdrawal: bool) -> None:
        """See that what the vendor has counted, by what it reported, leaves people their part."""
        scenario, now = self._stage.scenario, self._stage.now()
        if scenario.deaf or scenario.freeze or not self._stage.faulty:
            return  # what was reported may not have come into the ledger, or holds no more
        midnight = (self._stage.wall().timestamp() + _MIDNIGHT) % _DAY
        if midnight < 2 * _MIDNIGHT:
            return
        kept = WITHDRAWAL_HEADROOM if withdrawal else HEADROOM
        for report in self._reports:
            if report.at < now - midnight + _MIDNIGHT or now - report.at < _RECORDED:
                continue
            allowed = int(report.reading.limit * (1 - kept))
            since = self._accepted - report.accepted
            if report.process.alive and report.reading.used + since > allowed:
                told = f"{report.reading.used} of {report.reading.limit} were used"
                self._stage.violated("headroom", f"{since} more since {told}")
                return

    def _of_wait(self, process: Process) -> None:
        scenario, now = self._stage.scenario, self._stage.now()
        if self._asked is None or now >= self._not_before or scenario.deaf or scenario.freeze:
            return
        at, who = self._asked
        if who.alive and process.alive and now - at > _RECORDED and scenario.in_step:
            self._stage.violated("retry-after", f"{process.name} sends too early")
