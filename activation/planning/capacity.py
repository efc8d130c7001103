"""
What a number of rows costs: requests, jobs, reads, what is billed, and how many days it takes.

The same batches and paces that delivery keeps to; pure arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from activation.contract.destination import Mode
from activation.contract.model import Contract
from activation.destinations.traits import EndpointClass, ObjectTraits, Reading, Traits


@dataclass(frozen=True, slots=True)
class Account:
    """What the sync may take of its account."""

    requests_per_day: int
    """By the contract."""
    limit: int | None
    """By the vendor; None if it has not said."""
    headroom: float

    @property
    def daily(self) -> int:
        """Return the requests of one day that the sync can count on, being alone."""
        if self.limit is None:
            return self.requests_per_day
        return min(self.requests_per_day, int(self.limit * (1 - self.headroom)))


@dataclass(frozen=True, slots=True)
class Load:
    """What it takes to deliver so many rows once."""

    name: str
    rows: int
    endpoint: str
    requests: int
    """Write requests, those that a job takes among them."""
    jobs: int
    reads: int
    """Requests of the comparison afterwards."""
    values: int
    """Field values sent: what a vendor bills that bills by value."""
    days: int
    """Days until the last row is out, by the daily quota."""
    pace_seconds: float | None
    """The least time that the vendor's pace takes; None if it names none."""
    share: float
    """Of what the sync may use in a day."""


def load(  # noqa: PLR0913 - each is named
    name: str,
    rows: int,
    *,
    contract: Contract,
    endpoint_for: Callable[[int], Traits],
    traits: ObjectTraits,
    account: Account,
    compared: int | None = None,
    fields: float | None = None,
) -> Load:
    """
    Return what so many rows take.

    Args:
        name: what the load is called.
        rows: rows to send.
        contract: the sync's.
        endpoint_for: the traits of the endpoint that so many rows go over.
        traits: of the object.
        account: the quota.
        compared: delivered rows that the comparison afterwards reads; those sent if None.
        fields: fields a row carries on average, where only changed ones are sent; all if None.
    """
    endpoint = endpoint_for(rows)
    batches = -(-rows // endpoint.batch_rows)
    requests = batches * endpoint.requests_per_batch
    held = rows if compared is None else compared
    reads = read_backs(contract, traits, held)
    seconds = [b.seconds / b.requests for b in endpoint.buckets if b.seconds and b.requests]
    a_day = account.daily
    carried = len(contract.fields) if fields is None or not endpoint.changes_only else fields
    return Load(
        name=name,
        rows=rows,
        endpoint=endpoint.name,
        requests=requests,
        jobs=batches if endpoint.endpoint_class is EndpointClass.JOB else 0,
        reads=reads,
        values=round(rows * carried),
        days=max(1, -(-requests // a_day)) if rows else 0,
        pace_seconds=requests * max(seconds) if seconds else None,
        share=requests / a_day,
    )


def read_backs(contract: Contract, traits: ObjectTraits, rows: int, *, referenced: int = 0) -> int:
    """
    Return the requests that a comparison of so many delivered rows takes.

    `referenced` is how many records of other syncs the rows name.
    """
    sampled = contract.parity.mode == "sample"
    if sampled:
        rows = min(rows, contract.parity.sample_rows)
    page = traits.read_back_keys if sampled else traits.read_back_page
    if traits.reading is Reading.NEVER:
        return 0
    ids = rows if contract.destination.mode is Mode.AUDIENCE else min(rows, referenced)
    asked_again = -(-ids // traits.read_back_ids) if traits.read_back_ids else 0
    return max(1, -(-rows // page)) + asked_again
