"""What rows cost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activation.contract.loading import load_contract
from activation.destinations.memory import MEMORY, MEMORY_OBJECT
from activation.destinations.traits import Bucket, EndpointClass, Traits
from activation.planning.capacity import Account, Load, load

CONTRACT = load_contract(
    Path(__file__).parents[2] / "activation" / "defs" / "salesforce_contact" / "defs.yaml"
)
BULK = Traits(
    system="memory",
    endpoint_class=EndpointClass.JOB,
    batch_rows=10_000,
    batch_bytes=100_000_000,
    horizon=timedelta(minutes=10),
    keeps_order=False,
    name="bulk",
    requests_per_batch=7,
    buckets=(Bucket("fast", 10, 1.0), Bucket("slow", 100, 60.0)),
)
ACCOUNT = Account(requests_per_day=100, limit=200, headroom=0.2)


def of(rows: int, traits: Traits = MEMORY, account: Account = ACCOUNT) -> Load:
    """Return the load of so many rows."""
    return load(
        "load",
        rows,
        contract=CONTRACT,
        endpoint_for=lambda _rows: traits,
        traits=MEMORY_OBJECT,
        account=account,
    )


@pytest.mark.parametrize(
    ("rows", "requests", "days"), [(0, 0, 0), (1, 1, 1), (200, 1, 1), (201, 2, 1), (20_200, 101, 2)]
)
def test_rows_become_requests_and_days(rows: int, requests: int, days: int) -> None:
    """Requests are full batches and a rest; days are full quotas and a rest."""
    found = of(rows)

    assert (found.requests, found.days) == (requests, days)


def test_jobs_take_several_requests_each() -> None:
    """A job counts what it takes to make, fill, start, follow and read; the slowest pace holds."""
    found = of(25_000, BULK)

    assert (found.jobs, found.requests) == (3, 21)
    assert found.pace_seconds == pytest.approx(21 * 0.6)


def test_the_headroom_is_not_counted_on() -> None:
    """A small account allows less than the contract does."""
    assert Account(1000, 200, 0.2).daily == 160
    assert Account(1000, None, 0.2).daily == 1000


@given(st.integers(0, 10**7), st.integers(0, 10**5))
def test_more_rows_never_cost_less(rows: int, more: int) -> None:
    """Requests, reads, values and days grow with the rows."""
    small, large = of(rows), of(rows + more)

    assert small.requests <= large.requests
    assert small.reads <= large.reads
    assert small.values <= large.values
    assert small.days <= large.days
