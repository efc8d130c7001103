"""What is to be delivered, within which bounds, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from activation.contract.model import Contract
from activation.destinations.base import Target
from activation.destinations.traits import Verb
from activation.governor.budget import Budget
from activation.ledger.conservation import Tally, total


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a delivery keeps to; the contract names the rest."""

    max_age: timedelta = timedelta(hours=1)
    """A plan older than this is not sent."""
    recheck_seconds: float = 60
    """How old the answer to the question of consent may be."""
    request_seconds: float = 60
    """How long an answer is waited for."""
    lease_seconds: float = 300
    """How long a dead run keeps others away; each write to the ledger renews it."""
    chunk_batches: int = 25
    """Batches that are read from the warehouse at once; fewer, if they are large."""
    upload_seconds: float = 600
    """How long it may take to hand the rows of a job over."""
    job_seconds: float = 6 * 3600
    """How long one delivery waits for the end of a job; the next one takes it up."""
    watch_seconds: float = 0.5
    """How often the kill switch is looked at between requests."""


BOUNDS = Bounds()


class Terms(Protocol):
    """On whose behalf and within which bounds something is sent."""

    @property
    def contract(self) -> Contract: ...  # noqa: D102 - told by the class
    @property
    def headroom(self) -> float: ...  # noqa: D102
    @property
    def bounds(self) -> Bounds: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DeliveryOrder:
    """One plan, to be delivered by one run."""

    plan_digest: str
    contract: Contract
    owner: str
    """Who delivers: the run's id."""
    headroom: float = 0.2
    """The share of the account's daily quota that is left to people and other tools."""
    bounds: Bounds = BOUNDS


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of a plan so far, over all its deliveries."""

    plan_digest: str
    tallies: Mapping[str, Tally]
    """By operation."""
    requests: int
    dead_letters: int
    settled: bool
    """Whether every action that was to be sent has an outcome for good."""

    @property
    def totals(self) -> dict[str, int]:
        """Return the rows by outcome, over all operations."""
        return total(self.tallies)


def target_of(contract: Contract, verb: Verb = Verb.UPSERT) -> Target:
    """Return where the rows of a sync go, and what is asked for of them."""
    destination = contract.destination
    return Target(destination.object, destination.key, contract.fields, verb)


def budget_of(contract: Contract, headroom: float) -> Budget:
    """Return what a sync may take of its account's day."""
    quota = contract.quota
    return Budget(
        contract.destination.connection,
        contract.sync,
        quota.requests_per_day,
        headroom,
        quota.weight,
    )
